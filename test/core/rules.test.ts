/** The pure rules: who may change what, when something is due, who may open what, how much memory. */
import { describe, expect, it } from 'vitest'
import { mayOpen } from '../../functions/core/access.ts'
import { dueAt, dueCause, endsAt, releasableAt, sleepAt } from '../../functions/core/deadlines.ts'
import { assertTransition, transitions } from '../../functions/core/lifecycle.ts'
import { checkLimits, defaultLimits } from '../../functions/core/limits.ts'
import { liveStates, overStates } from '../../functions/core/session.ts'
import { headroomMiB, nextLarger, sizeFor, sizes } from '../../functions/core/sizing.ts'
import { aUser } from '../support/ports.ts'
import { aSession } from '../support/sessions.ts'

const limits = defaultLimits
const now = 1_800_000_000_000

describe('transition table', () => {
  it('lets a session be over only from stopping, or from requested when the start was refused outright', () => {
    const intoOver = transitions.filter(({ to }) => (overStates as readonly string[]).includes(to))
    expect(intoOver.map(({ from, to, by }) => `${from}→${to} by ${by}`).sort()).toEqual([
      'requested→failed by launch,promote',
      'stopping→failed by reap',
      'stopping→stopped by reap',
    ])
  })
  it('gives every live state a way to stopping, and no way back from it', () => {
    for (const from of liveStates)
      expect(transitions.some((row) => row.from === from && row.to === 'stopping')).toBe(true)
    for (const { from, to } of transitions) if (from === 'stopping') expect(['stopping', ...overStates]).toContain(to)
  })
  it('refuses a step that is not the owner of a change', () => {
    expect(() => assertTransition('starting', 'ready', 'admit')).not.toThrow()
    expect(() => assertTransition('starting', 'ready', 'launch')).toThrow(/may not change/)
    expect(() => assertTransition('stopped', 'ready', 'admit')).toThrow()
  })
})

describe('deadlines', () => {
  it('reaps a request that nobody carried on', () => {
    const session = aSession({ createdAt: now })
    expect(dueAt(session, now, limits)).toBe(now + limits.requestedMs)
    expect(dueCause(session, now + limits.requestedMs - 1, limits)).toBeNull()
    expect(dueCause(session, now + limits.requestedMs, limits)).toBe('start-timeout')
  })
  it('gives a large file time to load, in proportion, but never past the cap', () => {
    const at = (totalBytes: number) =>
      dueAt(
        aSession({
          state: 'starting',
          startCapAt: now + limits.startCapMs,
          progress: { stage: 'loading', doneBytes: totalBytes, totalBytes, at: now },
        }),
        now,
        limits,
      ) - now
    expect(at(0)).toBe(limits.startQuietMs)
    expect(at(600 * 2 ** 20)).toBe(limits.startQuietMs + 60_000)
    expect(at(10 ** 13)).toBe(limits.startCapMs)
  })
  it('sleeps after the idle time, ends at the longest life, and looks at what is silent', () => {
    const ready = aSession({ state: 'ready', readyAt: now, lastActiveAt: now, lastSeenAt: now })
    expect(sleepAt(ready, limits)).toBe(now + limits.idleMs)
    expect(endsAt(ready, limits)).toBe(now + limits.lifetimeMs)
    expect(dueAt(ready, now, limits)).toBe(now + limits.silenceMs)
    expect(dueCause(ready, now + limits.silenceMs, limits)).toBe('inspect')
    const seen = { ...ready, lastSeenAt: now + limits.idleMs }
    expect(dueCause(seen, now + limits.idleMs, limits)).toBe('idle')
    const used = { ...ready, lastActiveAt: now + limits.lifetimeMs, lastSeenAt: now + limits.lifetimeMs }
    expect(dueCause(used, now + limits.lifetimeMs, limits)).toBe('lifetime')
  })
  it('waits for the grace time only where a late call could still start something', () => {
    const session = aSession({ state: 'stopping', unsettledAt: now })
    expect(releasableAt(session, limits, false)).toBe(now + limits.graceMs)
    expect(releasableAt(session, limits, true)).toBe(0)
  })
})

describe('limits', () => {
  it('refuses numbers that would make the protocol unsafe, all at once', () => {
    expect(checkLimits(limits)).toBe(limits)
    expect(() => checkLimits({ ...limits, requestedMs: 1, graceMs: 1, idleMs: Number.NaN })).toThrow(
      /requestedMs.*graceMs.*idleMs/,
    )
  })
})

describe('access', () => {
  it('opens public to all, a group’s to its members, everything to an administrator', () => {
    expect(mayOpen(aUser('ada'), { id: 'd', group: 'public' })).toBe(true)
    expect(mayOpen(aUser('ada'), { id: 'd', group: 'onco' })).toBe(false)
    expect(mayOpen(aUser('ada', { groups: ['onco'] }), { id: 'd', group: 'onco' })).toBe(true)
    expect(mayOpen(aUser('ada', { groups: ['onc'] }), { id: 'd', group: 'onco' })).toBe(false)
    expect(mayOpen(aUser('root', { admin: true }), { id: 'd', group: 'onco' })).toBe(true)
  })
})

describe('sizing', () => {
  it('takes the smallest size that holds the estimate and its headroom', () => {
    expect(sizeFor(303, 0).memoryMiB).toBe(1024)
    expect(sizeFor(1024 - headroomMiB, 0).memoryMiB).toBe(1024)
    expect(sizeFor(1025 - headroomMiB, 0).memoryMiB).toBe(2048)
    expect(sizeFor(10 ** 9, 0)).toBe(sizes.at(-1))
  })
  it('leaves the gate its share where one task holds both', () => {
    for (const { memoryMiB } of sizes.slice(0, -1)) {
      expect(sizeFor(memoryMiB - 256 - headroomMiB, 256).memoryMiB).toBe(memoryMiB)
      expect(sizeFor(memoryMiB - 255 - headroomMiB, 256).memoryMiB).toBeGreaterThan(memoryMiB)
    }
  })
  it('has sizes only that Fargate has', () => {
    // vCPU → least and most GB, and the step; 0.25 vCPU has steps of its own and no size of ours.
    const legal: Record<string, [number, number, number]> = {
      0.5: [1, 4, 1],
      1: [2, 8, 1],
      2: [4, 16, 1],
      4: [8, 30, 1],
      8: [16, 60, 4],
      16: [32, 120, 8],
    }
    for (const { memoryMiB, vcpu } of sizes) {
      const [least, most, step] = legal[vcpu] ?? [0, -1, 1]
      const gb = memoryMiB / 1024
      expect(gb >= least && gb <= most && (gb - least) % step === 0, `${vcpu} vCPU with ${gb} GB`).toBe(true)
    }
  })
  it('climbs one rung at a time and stops at the top', () => {
    expect(nextLarger({ memoryMiB: 1024, vcpu: 0.5 })?.memoryMiB).toBe(2048)
    expect(nextLarger(sizes.at(-1) ?? { memoryMiB: 0, vcpu: 0 })).toBeNull()
  })
})
