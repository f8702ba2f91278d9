/** Launch and admit on the real embedded store: rights, caps, one task however many ask, what a gate is told. */
import { afterAll, describe, expect, it } from 'vitest'
import { LauncherError } from '../../functions/core/errors.ts'
import { isLive } from '../../functions/core/session.ts'
import { aDataset, aUser, gateOf, openTestBed } from '../support/ports.ts'
import { tempDir } from '../support/temp-dir.ts'

const bed = await openTestBed(tempDir(), [
  aDataset(),
  aDataset({ id: 'tumour', path: 'onco/tumour.h5ad', group: 'onco' }),
  aDataset({
    id: 'broken',
    state: 'refused',
    problem: { code: 'no-embedding', cause: 'No embedding.', remedy: 'Add one.' },
  }),
  ...['a', 'b', 'c', 'd'].map((id) => aDataset({ id, path: `public/${id}.h5ad` })),
])
afterAll(() => bed.store.close())
const byClick = { by: 'click' } as const

describe('launch', () => {
  it('starts exactly one task for 200 simultaneous requests of one user for one dataset', async () => {
    const launcher = bed.launcher()
    const who = aUser('crowd')
    const all = await Promise.all(Array.from({ length: 200 }, () => launcher.launch(who, 'pbmc', byClick)))
    expect(new Set(all.map((session) => session.id)).size).toBe(1)
    expect(bed.tasks.started.filter((spec) => spec.sessionId === all[0]?.id)).toHaveLength(1)
  })

  it('refuses who is not in the group, and starts nothing', async () => {
    const before = bed.tasks.started.length
    await expect(bed.launcher().launch(aUser('eve'), 'tumour', byClick)).rejects.toMatchObject({
      code: 'not-allowed',
      message: expect.stringContaining('onco'),
    })
    await expect(bed.launcher().launch(aUser('ada', { groups: ['onco'] }), 'tumour', byClick)).resolves.toMatchObject({
      state: 'starting',
    })
    expect(bed.tasks.started.length).toBe(before + 1)
    expect(await bed.launcher().findSession(aUser('eve'), 'tumour')).toBeNull()
  })

  it('says why a dataset can’t be opened and what to do', async () => {
    await expect(bed.launcher().launch(aUser('ada'), 'broken', byClick)).rejects.toMatchObject({
      code: 'dataset-unusable',
      message: 'No embedding. Add one.',
    })
    await expect(bed.launcher().launch(aUser('ada'), 'nothing', byClick)).rejects.toMatchObject({ code: 'not-found' })
  })

  it('keeps to the cap of live sessions per user, also when they are asked for at the same moment', async () => {
    const launcher = bed.launcher({ liveSessionsPerUser: 2 })
    const who = aUser('greedy')
    const tries = await Promise.allSettled(['a', 'b', 'c', 'd'].map((id) => launcher.launch(who, id, byClick)))
    const live = (await launcher.listSessions(who)).filter(isLive)
    expect(live.length).toBeLessThanOrEqual(2)
    expect(live.length).toBeGreaterThan(0)
    for (const refused of tries.filter((one) => one.status === 'rejected'))
      expect(refused.reason).toMatchObject({ code: 'too-many-sessions' })
    expect(tries.filter((one) => one.status === 'rejected')).toHaveLength(4 - live.length)
  })

  it('gives the place back when the platform refuses, and says so', async () => {
    bed.tasks.refuseWith = new LauncherError('no-room', 'This machine is full. Try again later.')
    const who = aUser('unlucky')
    await expect(bed.launcher().launch(who, 'pbmc', byClick)).rejects.toMatchObject({ code: 'no-room' })
    bed.tasks.refuseWith = null
    const session = await bed.launcher().findSession(who, 'pbmc')
    expect(session).toMatchObject({ state: 'failed', ending: { cause: 'refused' } })
    expect(await bed.ports.router.status(session?.id ?? '')).toBe('none')
    expect(await bed.launcher().launch(who, 'pbmc', byClick)).toMatchObject({ state: 'starting' })
  })

  it('offers a larger size, and keeps to it after an out-of-memory', async () => {
    const launcher = bed.launcher()
    const who = aUser('large')
    const first = await bed.ready(launcher, who, 'pbmc')
    expect(first.size.memoryMiB).toBe(1024)
    bed.tasks.die(first.id, { cause: 'out-of-memory', detail: 'The viewer ended with code 77.' })
    await launcher.taskChanged(first.id)
    expect(await launcher.findSession(who, 'pbmc')).toMatchObject({
      state: 'failed',
      ending: { cause: 'out-of-memory' },
    })
    await expect(launcher.launch(who, 'pbmc', { by: 'page' })).rejects.toMatchObject({ code: 'needs-click' })
    const second = await launcher.launch(who, 'pbmc', { by: 'click', larger: true })
    expect(second.size.memoryMiB).toBe(2048)
    await launcher.stop(who, second.id)
    expect((await launcher.launch(who, 'pbmc', byClick)).size.memoryMiB).toBe(2048)
  })

  it('lets go of a session at once when a part is down: the next click starts anew, and only what ran has a receipt', async () => {
    const launcher = bed.launcher()
    const who = aUser('whose platform is down')
    const down = (data = {}) => new LauncherError('unavailable', 'ECS asks for patience.', data)
    for (const [error, cause, receipts] of [
      [down({ nothingStarted: true }), 'not-started', 0],
      [down(), 'start-timeout', 1],
    ] as const) {
      bed.tasks.refuseWith = error
      await expect(launcher.launch(who, 'pbmc', byClick)).rejects.toMatchObject({ code: 'unavailable' })
      bed.tasks.refuseWith = null
      const session = await launcher.findSession(who, 'pbmc')
      expect(session).toMatchObject({ state: 'failed', ending: { cause, detail: 'ECS asks for patience.' } })
      expect(await bed.ports.router.status(session?.id ?? '')).toBe('none')
      expect(await launcher.receipts(who)).toHaveLength(receipts)
    }
    // What was not started is no failed start: a page may try again by itself.
    expect(await launcher.launch(who, 'pbmc', byClick)).toMatchObject({ state: 'starting', failedStarts: 1 })
  })

  it('starts again by itself after one failed start, and after two only for a click', async () => {
    const launcher = bed.launcher()
    const who = aUser('flaky')
    for (const by of ['click', 'page'] as const) {
      const session = await launcher.launch(who, 'pbmc', { by })
      bed.tasks.die(session.id)
      await launcher.taskChanged(session.id)
    }
    await expect(launcher.launch(who, 'pbmc', { by: 'page' })).rejects.toMatchObject({ code: 'needs-click' })
    expect(await launcher.launch(who, 'pbmc', byClick)).toMatchObject({ state: 'starting', failedStarts: 2 })
  })

  it('relaunches at once when a wake finds the task dead, without waiting for the reaper', async () => {
    const launcher = bed.launcher()
    const who = aUser('waker')
    const first = await bed.ready(launcher, who, 'pbmc')
    bed.tasks.die(first.id)
    const second = await launcher.launch(who, 'pbmc', { by: 'page' })
    expect(second.id).not.toBe(first.id)
    expect(second.state).toBe('starting')
  })
})

describe('admit', () => {
  it('tells a gate its work, opens its route, and lets it in when it has loaded', async () => {
    const launcher = bed.launcher()
    const who = aUser('gatekeeper')
    const session = await launcher.launch(who, 'pbmc', byClick)
    const gate = gateOf(session)
    expect(await launcher.loaded(gate)).toMatchObject({ status: 'again' })
    expect(await launcher.knock(gate)).toMatchObject({
      status: 'work',
      work: {
        sessionId: session.id,
        routePath: session.routePath,
        file: { kind: 'path', path: '/data/public/pbmc.h5ad', sizeBytes: 1000 },
        distribution: 'normal',
        labelsVersion: null,
      },
    })
    expect(await bed.ports.router.status(session.id)).toBe('open')
    expect(await launcher.loaded(gate)).toEqual({ status: 'stay' })
    expect(await launcher.loaded(gate)).toEqual({ status: 'stay' })
    expect(await launcher.findSession(who, 'pbmc')).toMatchObject({ state: 'ready', readyAt: bed.clock.now() })
  })

  it('sends away a gate whose session is over or another’s', async () => {
    const launcher = bed.launcher()
    const who = aUser('late')
    const session = await bed.ready(launcher, who, 'pbmc')
    await launcher.stop(who, session.id)
    const gate = gateOf(session)
    expect(await launcher.knock(gate)).toMatchObject({ status: 'leave' })
    expect(await launcher.loaded(gate)).toMatchObject({ status: 'leave' })
    expect(await launcher.beat(gate, { activeAgoMs: 0 })).toMatchObject({ status: 'leave' })
    await bed.ready(launcher, who, 'pbmc')
    expect(await launcher.beat(gate, { activeAgoMs: 0 })).toMatchObject({ status: 'leave' })
    await expect(
      launcher.vaultPut(gate, 'labels', new Uint8Array(), { base: null, requestSha256: 'x' }),
    ).rejects.toMatchObject({ code: 'session-over' })
  })

  it('ends a start whose file is gone, at once and in words', async () => {
    const launcher = bed.launcher()
    const who = aUser('toolate')
    const session = await launcher.launch(who, 'pbmc', byClick)
    const { locate } = bed.ports.files
    bed.ports.files.locate = async () => {
      throw new LauncherError('not-found', 'gone')
    }
    expect(await launcher.knock(gateOf(session))).toMatchObject({ status: 'leave' })
    bed.ports.files.locate = locate
    expect(await launcher.findSession(who, 'pbmc')).toMatchObject({
      state: 'failed',
      ending: { cause: 'load-failed', detail: 'The file is not there any more.' },
    })
  })

  it('moves the start deadline while bytes come, up to the hard cap', async () => {
    const launcher = bed.launcher()
    const who = aUser('slow')
    const session = await launcher.launch(who, 'pbmc', byClick)
    await launcher.knock(gateOf(session))
    const report = (doneBytes: number) =>
      launcher.progress(gateOf(session), { stage: 'downloading', doneBytes, totalBytes: 1e9 })
    for (let minute = 1; minute <= 44; minute++) {
      bed.clock.advance(60_000)
      await report(minute)
      await launcher.reap()
      expect((await launcher.findSession(who, 'pbmc'))?.state).toBe('starting')
    }
    bed.clock.advance(60_001)
    await report(45)
    await launcher.reap()
    expect(await launcher.findSession(who, 'pbmc')).toMatchObject({
      state: 'failed',
      ending: { cause: 'start-timeout' },
    })
  })

  it('gives up a start that says nothing new for two minutes', async () => {
    const launcher = bed.launcher()
    const who = aUser('stuck')
    const session = await launcher.launch(who, 'pbmc', byClick)
    await launcher.knock(gateOf(session))
    for (let minute = 1; minute <= 2; minute++) {
      bed.clock.advance(60_000)
      await launcher.progress(gateOf(session), { stage: 'downloading', doneBytes: 5, totalBytes: 10 })
      await launcher.reap()
    }
    bed.clock.advance(60_001)
    await launcher.reap()
    expect((await launcher.findSession(who, 'pbmc'))?.state).toBe('failed')
  })
})
