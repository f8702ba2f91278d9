/** 40 people on a machine with room for 8: everybody is served, in order of arrival, and nobody is half started. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { holdsPlace, inOrder, isLive, type Session } from '../../functions/core/session.ts'
import type { LocalBed } from '../support/local-bed.ts'
import { aUser } from '../support/ports.ts'
import { tempDir } from '../support/temp-dir.ts'
import { counted, startQueueBed } from './queue-bed.ts'

const places = 8
const people = Array.from({ length: 40 }, (_, n) => aUser(`person-${String(n).padStart(2, '0')}`))
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

describe.each([
  ['as many viewers', ['--max-sessions', String(places)]],
  ['as much memory', ['--viewer-memory', `${places}GB`, '--max-sessions', '100']],
])('40 people, room for 8 (%s)', (what, args) => {
  const tasks = counted()
  let bed: LocalBed
  let watching = true
  const problems: string[] = []
  let looks = 0
  let watcher: Promise<void>

  beforeAll(async () => {
    bed = await startQueueBed(tempDir(), { args, createTasks: tasks.create })
    watcher = watch()
  }, 180_000)
  afterAll(() => bed?.close(), 180_000)

  async function liveNow(): Promise<Session[]> {
    const sessions = await Promise.all(people.map((who) => bed.launcher.findSession(who, 'pbmc')))
    return sessions.flatMap((session) => (session !== null && isLive(session) ? [session] : []))
  }

  /** All the while: nobody in line holds anything, there are never more than there is room for, and the door answers. */
  async function watch(): Promise<void> {
    for (; watching; await sleep(100)) {
      looks++
      // Before the records: what runs now must not wait a moment later.
      const ran = new Set(tasks.running)
      const live = await liveNow()
      for (const session of live)
        if (session.state === 'queued' && ran.has(session.id)) problems.push(`${session.ownerName} waits and runs`)
      // Records are read one after the other, and a place may change hands meanwhile: who has the same record before and
      // after held it in between, all of them at once.
      const versions = new Map(live.map(({ id, version }) => [id, version]))
      const same = (await liveNow()).filter(({ id, version }) => versions.get(id) === version)
      const holders = same.filter((session) => holdsPlace(session) && session.state !== 'stopping')
      if (holders.length > places) problems.push(`${holders.length} at once`)
      const health = await fetch(`${bed.appUrl}/healthz`)
      if (!health.ok) problems.push(`health ${health.status}`)
    }
  }

  /** Nobody leaves before all have come, however slow the machine is: so the line is as long as it can be. */
  let came = 0
  let allCame = () => {}
  const everybodyIsHere = new Promise<void>((resolve) => {
    allCame = resolve
  })

  /** What a page does: asks how it stands until it is ready, is used for a while, and is closed. */
  async function visit(n: number): Promise<{ n: number; position: number; waitMs: number }> {
    const who = people[n] as (typeof people)[number]
    const asked = performance.now()
    let session = await bed.launcher.launch(who, 'pbmc', { by: 'click' })
    if (++came === people.length) allCame()
    let position = 0
    let before = Number.POSITIVE_INFINITY
    while (session.state !== 'ready') {
      expect(isLive(session), `${who.name}: ${JSON.stringify(session.ending)}`).toBe(true)
      const line = await bed.launcher.waitInLine(session)
      if (line !== null) {
        position ||= line.position
        if (line.position > before) problems.push(`${who.name} fell back from ${before} to ${line.position}`)
        before = line.position
      }
      await bed.launcher.waitForChange(who.id, 'pbmc', 2000)
      session = (await bed.launcher.findSession(who, 'pbmc')) ?? session
    }
    const waitMs = performance.now() - asked
    await everybodyIsHere
    await sleep(100 + ((n * 37) % 200))
    await bed.launcher.stop(who, session.id)
    return { n, position, waitMs }
  }

  it('serves everybody in order, and starts nobody half', { timeout: 180_000 }, async () => {
    const visits: Promise<Awaited<ReturnType<typeof visit>>>[] = []
    for (const n of people.keys()) {
      visits.push(visit(n))
      await sleep(5)
    }
    const served = await Promise.all(visits)
    watching = false
    await watcher
    expect(problems).toEqual([])
    expect(looks).toBeGreaterThan(5)
    expect(served).toHaveLength(40)
    expect(served.filter(({ position }) => position > 0)).toHaveLength(people.length - places)
    expect(tasks.most()).toBe(places)
    // Memory is free when the processes are gone, not when they were told to go.
    if (what === 'as much memory') expect(tasks.mostThere()).toBe(places)

    const sessions = await Promise.all(people.map((who) => bed.launcher.findSession(who, 'pbmc')))
    const inLine = sessions.flatMap((session) => session ?? []).sort(inOrder)
    const starts = inLine.map(({ requestedAt }) => requestedAt ?? 0)
    // The clock has milliseconds: two may have begun in one.
    expect(starts).toEqual([...starts].sort((a, b) => a - b))
    for (const who of people) expect(await bed.launcher.receipts(who)).toHaveLength(1)
    expect(tasks.running.size).toBe(0)
    table(served)
  })

  function table(served: { position: number; waitMs: number }[]): void {
    const bands = [
      [0, 0],
      [1, 8],
      [9, 16],
      [17, 24],
      [25, 40],
    ] as const
    const lines = bands.map(([from, to]) => {
      const waits = served
        .filter(({ position }) => position >= from && position <= to)
        .map(({ waitMs }) => waitMs / 1000)
        .sort((a, b) => a - b)
      const at = (share: number) =>
        (waits[Math.min(waits.length - 1, Math.floor(waits.length * share))] ?? 0).toFixed(1)
      const name = to === 0 ? 'at once' : `place ${from}–${to}`
      return `${name.padEnd(12)} ${String(waits.length).padStart(3)} people   p50 ${at(0.5)} s   p90 ${at(0.9)} s   max ${at(1)} s`
    })
    process.stdout.write(`${lines.join('\n')}\n`)
  }
})
