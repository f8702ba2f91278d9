/** The line: who waits, in which order they are let in, and how they leave. On the real embedded store. */
import { afterEach, describe, expect, it } from 'vitest'
import { LauncherError } from '../../functions/core/errors.ts'
import type { User } from '../../functions/core/principal.ts'
import { inOrder } from '../../functions/core/session.ts'
import type { Launcher } from '../../functions/launcher/index.ts'
import { aDataset, aUser, gateOf, openTestBed, type TestBed } from '../support/ports.ts'
import { tempDir } from '../support/temp-dir.ts'

const byClick = { by: 'click' } as const
const large = aDataset({ id: 'large', path: 'public/large.h5ad' })
const datasets = [
  aDataset(),
  ...['a', 'b', 'c'].map((id) => aDataset({ id, path: `public/${id}.h5ad` })),
  { ...large, index: large.index && { ...large.index, memoryMiB: 3000 } },
]
const beds: TestBed[] = []
afterEach(async () => {
  for (const bed of beds.splice(0)) await bed.store.close()
})

async function bedOf(limits: Parameters<TestBed['launcher']>[0]) {
  const bed = await openTestBed(tempDir(), datasets)
  beds.push(bed)
  const launcher = bed.launcher(limits)
  /** People come one after the other, a second apart. */
  const come = async (name: string, datasetId = 'pbmc') => {
    bed.clock.advance(1000)
    return launcher.launch(aUser(name), datasetId, byClick)
  }
  const state = async (name: string, datasetId = 'pbmc') => (await launcher.findSession(aUser(name), datasetId))?.state
  return { bed, launcher, come, state }
}
const place = async (launcher: Launcher, who: User, datasetId = 'pbmc') => {
  const session = await launcher.findSession(who, datasetId)
  return session === null ? null : launcher.waitInLine(session)
}

describe('the line', () => {
  it('takes who finds no place, holds nothing for them, and lets them in when one frees', async () => {
    const { bed, launcher, come, state } = await bedOf({ liveSessions: 1 })
    const first = await come('ada')
    const second = await come('bob')
    await come('cyd')
    expect([first.state, second.state]).toEqual(['starting', 'queued'])
    expect(await bed.ports.router.listSessionIds()).toEqual([first.id])
    expect(bed.tasks.started.map(({ sessionId }) => sessionId)).toEqual([first.id])
    expect(await place(launcher, aUser('bob'))).toEqual({ position: 1, length: 2 })
    expect(await place(launcher, aUser('cyd'))).toEqual({ position: 2, length: 2 })
    expect(await place(launcher, aUser('ada'))).toBeNull()

    await launcher.stop(aUser('ada'), first.id)
    expect(await state('bob')).toBe('starting')
    expect(await state('cyd')).toBe('queued')
    expect(await place(launcher, aUser('cyd'))).toEqual({ position: 1, length: 1 })
  })

  it('lets nobody overtake, not even somebody small when the first is large', async () => {
    const { launcher, come, state } = await bedOf({ memoryBudgetMiB: 4096 })
    const ada = await come('ada', 'a')
    const large = await come('bob', 'large')
    expect(large).toMatchObject({ state: 'queued', size: { memoryMiB: 4096 } })
    // 1 GB would fit beside Ada's.
    expect(await come('cyd', 'b')).toMatchObject({ state: 'queued' })
    await launcher.stop(aUser('ada'), ada.id)
    expect([await state('bob', 'large'), await state('cyd', 'b')]).toEqual(['starting', 'queued'])
    await launcher.stop(aUser('bob'), large.id)
    expect(await state('cyd', 'b')).toBe('starting')
  })

  it('refuses at once what no waiting would make fit, and names both sizes', async () => {
    const { launcher, come } = await bedOf({ memoryBudgetMiB: 2048 })
    await expect(come('ada', 'large')).rejects.toMatchObject({
      code: 'no-room',
      message: expect.stringMatching(/4 GB.*2 GB/),
      data: { never: true },
    })
    expect(await launcher.findSession(aUser('ada'), 'large')).toBeNull()
  })

  it('counts the memory of a task that was told to stop until it is gone', async () => {
    const { bed, launcher, come, state } = await bedOf({ memoryBudgetMiB: 1024 })
    const first = await come('ada')
    await come('bob')
    // As the runner does: what is told to stop holds its memory, unless the session that it belongs to counts it.
    bed.tasks.heldMiB = async (counted) => (counted.has(first.id) || !bed.tasks.stopped.includes(first.id) ? 0 : 1024)
    await launcher.stop(aUser('ada'), first.id)
    expect(await state('ada')).toBe('stopped')
    expect(await state('bob')).toBe('queued')
    bed.tasks.heldMiB = async () => 0
    expect(await launcher.promote()).toBe(1)
    expect(await state('bob')).toBe('starting')
  })

  it('is left by who stops, and by whose page has been silent; both leave no receipt', async () => {
    const { bed, launcher, come, state } = await bedOf({
      liveSessions: 1,
      queueSilenceMs: 60_000,
      silenceMs: 3_600_000,
    })
    await bed.ready(launcher, aUser('ada'), 'pbmc')
    const bob = await come('bob')
    await come('cyd')
    await launcher.stop(aUser('bob'), bob.id)
    expect(await state('bob')).toBe('stopped')
    for (let minute = 0; minute < 3; minute++) {
      bed.clock.advance(50_000)
      expect(await place(launcher, aUser('cyd'))).toEqual({ position: 1, length: 1 })
    }
    await launcher.reap()
    expect(await state('cyd')).toBe('queued')
    bed.clock.advance(60_000)
    await launcher.reap()
    expect(await launcher.findSession(aUser('cyd'), 'pbmc')).toMatchObject({
      state: 'stopped',
      ending: { cause: 'left' },
    })
    expect(await launcher.receipts(aUser('bob'))).toEqual([])
    expect(await launcher.receipts(aUser('cyd'))).toEqual([])
  })

  it('passes over who left without a word, without waiting for the reaper', async () => {
    const { bed, launcher, come, state } = await bedOf({ liveSessions: 1, queueSilenceMs: 60_000 })
    const ada = await come('ada')
    await come('bob')
    bed.clock.advance(50_000)
    await come('cyd')
    bed.clock.advance(20_000)
    await launcher.stop(aUser('ada'), ada.id)
    expect([await state('bob'), await state('cyd')]).toEqual(['stopped', 'starting'])
  })

  it('survives a restart of the launcher in its order, and the time that it was down', async () => {
    const { bed, launcher, come } = await bedOf({ liveSessions: 1 })
    await come('ada')
    const names = ['dan', 'cyd', 'bob']
    for (const name of names) await come(name)
    await launcher.shutdown()
    bed.clock.advance(3_600_000)
    const next = bed.launcher({ liveSessions: 1 })
    await next.recover()
    await next.reap()
    const states = () => Promise.all(names.map(async (name) => (await next.findSession(aUser(name), 'pbmc'))?.state))
    // A place is for who is there: nobody's page has asked yet, and nobody has been passed over either.
    expect(await states()).toEqual(['queued', 'queued', 'queued'])
    expect(await place(next, aUser('cyd'))).toEqual({ position: 2, length: 3 })
    expect(await states()).toEqual(['queued', 'queued', 'queued'])
    expect(await place(next, aUser('dan'))).toBeNull()
    expect(await states()).toEqual(['starting', 'queued', 'queued'])
    expect(await place(next, aUser('cyd'))).toEqual({ position: 1, length: 2 })
  })

  it('passes over, after a restart, who does not come back, and lets nobody in for them', async () => {
    const { bed, launcher, come } = await bedOf({ liveSessions: 1, queueSilenceMs: 60_000 })
    await come('ada')
    for (const name of ['bob', 'cyd']) await come(name)
    await launcher.shutdown()
    bed.clock.advance(36_000_000)
    const next = bed.launcher({ liveSessions: 1, queueSilenceMs: 60_000 })
    await next.recover()
    bed.clock.advance(30_000)
    expect(await place(next, aUser('cyd'))).toEqual({ position: 2, length: 2 })
    bed.clock.advance(30_000)
    await next.reap()
    const states = ['bob', 'cyd'].map(async (name) => (await next.findSession(aUser(name), 'pbmc'))?.state)
    expect(await Promise.all(states)).toEqual(['stopped', 'starting'])
    expect(bed.tasks.started).toHaveLength(2)
  })

  it('lets nobody in while the launcher goes down, whatever frees, and takes who comes then into the line', async () => {
    const { bed, launcher, come, state } = await bedOf({ liveSessions: 1 })
    const ada = await come('ada')
    await come('bob')
    await launcher.shutdown()
    // The runner tells of the end of each task, and gates say goodbye.
    await launcher.taskChanged(ada.id)
    await launcher.bye(gateOf(ada), { cause: 'told', detail: null })
    await launcher.reap()
    expect([await state('ada'), await state('bob')]).toEqual(['stopped', 'queued'])
    expect(await come('cyd')).toMatchObject({ state: 'queued' })
    expect(bed.tasks.started).toHaveLength(1)
  })

  it('starts nobody twice and nobody half, when two processes let people in at once', async () => {
    const { bed, come } = await bedOf({ liveSessions: 2 })
    const [first, second] = [await come('ada'), await come('bob')]
    for (const name of ['c', 'd', 'e', 'f']) await come(name)
    const processes = [bed.launcher({ liveSessions: 2 }), bed.launcher({ liveSessions: 2 })]
    await processes[0]?.stop(aUser('ada'), first.id)
    await Promise.all([
      processes[1]?.stop(aUser('bob'), second.id),
      ...processes.flatMap((one) => [one.promote(), one.promote()]),
    ])
    const live = await bed.ports.sessions.listLive()
    const started = new Map<string, number>()
    for (const { sessionId } of bed.tasks.started) started.set(sessionId, (started.get(sessionId) ?? 0) + 1)
    expect([...started.values()].every((times) => times === 1)).toBe(true)
    const running = live.filter(({ state }) => state === 'starting').sort(inOrder)
    expect(running.map(({ ownerName }) => ownerName)).toEqual(['c', 'd'])
    for (const session of live)
      if (session.state === 'queued') expect(await bed.ports.router.status(session.id)).toBe('none')
  })

  it('goes on when the first in line can’t be started', async () => {
    const { bed, launcher, come, state } = await bedOf({ liveSessions: 1 })
    const ada = await come('ada')
    await come('bob')
    await come('cyd')
    bed.tasks.refuseWith = new LauncherError('bad-setting', 'AWS refused.')
    const { start } = bed.ports.tasks
    bed.ports.tasks.start = async (spec) => {
      await start(spec).finally(() => {
        bed.tasks.refuseWith = null
      })
    }
    await launcher.stop(aUser('ada'), ada.id)
    expect([await state('bob'), await state('cyd')]).toEqual(['failed', 'starting'])
  })

  it('wakes every page that waits when the line moves', async () => {
    const { launcher, come } = await bedOf({ liveSessions: 1 })
    const ada = await come('ada')
    for (const name of ['bob', 'cyd', 'dan']) await come(name)
    await new Promise((resolve) => setTimeout(resolve, 500)) // what was written a moment ago shortens sleeps
    // Who is not woken sleeps for longer than a test may take.
    const sleeping = launcher.waitForChange(aUser('dan').id, 'pbmc', 600_000)
    await launcher.stop(aUser('ada'), ada.id)
    await sleeping
    expect(await place(launcher, aUser('dan'))).toEqual({ position: 2, length: 2 })
  })
})

describe('where the platform has no room though we thought so', () => {
  it('keeps the place in the line, says why, tries again after a pause, and not for ever', async () => {
    const { bed, launcher, come, state } = await bedOf({ refusedTimes: 3, queueSilenceMs: 10_000_000 })
    // As in a cloud, where a close is not final.
    Object.assign(bed.ports.router, { final: false })
    bed.ports.router.reserve = async () => {
      throw new LauncherError('no-room', 'All 20 places are taken.')
    }
    expect(await come('ada')).toMatchObject({
      state: 'queued',
      refusal: { detail: 'All 20 places are taken.', times: 1 },
      attempt: 2,
    })
    expect(await come('bob')).toMatchObject({ state: 'queued', refusal: null })
    await launcher.reap()
    expect(await launcher.findSession(aUser('ada'), 'pbmc')).toMatchObject({ refusal: { times: 1 } })
    bed.clock.advance(30_000)
    await launcher.reap()
    expect(await launcher.findSession(aUser('ada'), 'pbmc')).toMatchObject({ refusal: { times: 2 } })
    bed.clock.advance(30_000)
    await launcher.reap()
    expect(await launcher.findSession(aUser('ada'), 'pbmc')).toMatchObject({
      state: 'failed',
      ending: { cause: 'refused', detail: 'All 20 places are taken.' },
    })
    expect(await state('bob')).toBe('queued')
  })
})
