/** Use, sleep, stop, sweep, receipts and the vault, on the real embedded store. */
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { isLive, type Session } from '../../functions/core/session.ts'
import { aDataset, aGuest, aUser, gateOf, openTestBed } from '../support/ports.ts'
import { tempDir } from '../support/temp-dir.ts'

const bed = await openTestBed(tempDir(), [aDataset(), aDataset({ id: 'other', path: 'public/other.h5ad' })])
afterAll(() => bed.store.close())
const minute = 60_000
const newLauncher = () => bed.launcher({ idleMs: 10 * minute, lifetimeMs: 60 * minute })
let launcher = newLauncher()
let who = aUser('nobody')
let count = 0
beforeEach(async () => {
  await launcher.shutdown()
  // One that goes down lets nobody in any more.
  launcher = newLauncher()
  who = aUser(`person-${++count}`)
})

const state = async (session: Session) =>
  (await launcher.findSession({ ...who, id: session.ownerId }, session.datasetId))?.state
const bytes = (text: string) => new TextEncoder().encode(text)

/** Minutes pass; the gate beats every half minute and the reaper runs every minute. */
async function pass(minutes: number, session: Session, activeAgoMs: (minute: number) => number | null): Promise<void> {
  for (let half = 1; half <= minutes * 2; half++) {
    bed.clock.advance(minute / 2)
    await launcher.beat(gateOf(session), { activeAgoMs: activeAgoMs(half / 2) })
    if (half % 2 === 0) await launcher.reap()
  }
}

describe('heartbeat and reap', () => {
  it('keeps a viewer awake while it is used and puts it to sleep when it is not', async () => {
    const session = await bed.ready(launcher, who, 'pbmc')
    await pass(25, session, () => 1000)
    expect(await state(session)).toBe('ready')
    await pass(9, session, () => null)
    expect(await state(session)).toBe('ready')
    await pass(2, session, () => null)
    expect(await state(session)).toBe('stopped')
    expect(bed.tasks.stopped).toContain(session.id)
    expect((await launcher.receipts(who))[0]).toMatchObject({
      sessionId: session.id,
      cause: 'idle',
      size: { memoryMiB: 1024 },
      from: session.createdAt,
      readyAt: session.readyAt,
    })
  })

  it('counts idle time from ready, and an old use reported late does not move it', async () => {
    const session = await bed.ready(launcher, who, 'pbmc')
    bed.clock.advance(minute)
    await launcher.beat(gateOf(session), { activeAgoMs: 3 * 60 * minute })
    expect((await launcher.findSession(who, 'pbmc'))?.lastActiveAt).toBe(session.readyAt)
  })

  it('ends the longest life, used or not', async () => {
    const session = await bed.ready(launcher, who, 'pbmc')
    await pass(59, session, () => 0)
    expect(await state(session)).toBe('ready')
    await pass(2, session, () => 0)
    expect(await state(session)).toBe('stopped')
    expect((await launcher.receipts(who))[0]).toMatchObject({ cause: 'lifetime' })
  })

  it('looks at a task whose gate is silent: alive is left alone, dead is ended', async () => {
    const session = await bed.ready(launcher, who, 'pbmc')
    bed.clock.advance(2 * minute)
    await launcher.reap()
    expect(await state(session)).toBe('ready')
    bed.tasks.die(session.id)
    bed.clock.advance(2 * minute)
    await launcher.reap()
    expect(await state(session)).toBe('failed')
    expect((await launcher.receipts(who))[0]).toMatchObject({ cause: 'task-lost' })
  })

  it('catches up after a pause', async () => {
    const session = await bed.ready(launcher, who, 'pbmc')
    bed.clock.advance(3 * 24 * 60 * minute)
    await launcher.reap()
    expect(await state(session)).toBe('stopped')
  })

  it('keeps it running on request', async () => {
    const session = await bed.ready(launcher, who, 'pbmc')
    await pass(9, session, () => null)
    await launcher.keep(who, session.id)
    await pass(9, session, () => null)
    expect(await state(session)).toBe('ready')
    await pass(2, session, () => null)
    expect(await state(session)).toBe('stopped')
  })

  it('ends at once on a gate’s last word, with the viewer’s own', async () => {
    const session = await bed.ready(launcher, who, 'pbmc')
    await launcher.bye(gateOf(session), { cause: 'out-of-memory', detail: 'Unable to allocate 9 GiB' })
    expect(await launcher.findSession(who, 'pbmc')).toMatchObject({
      state: 'failed',
      ending: { cause: 'out-of-memory', detail: 'Unable to allocate 9 GiB' },
    })
  })
})

describe('stop, recover, sweep', () => {
  it('stops only one’s own', async () => {
    const session = await bed.ready(launcher, who, 'pbmc')
    await expect(launcher.stop(aUser('eve'), session.id)).rejects.toMatchObject({ code: 'not-found' })
    expect(await launcher.stop(who, session.id)).toMatchObject({ state: 'stopped', ending: { cause: 'user' } })
    expect(await launcher.stop(who, session.id)).toMatchObject({ state: 'stopped' })
    expect(await launcher.receipts(who)).toHaveLength(1)
  })

  it('ends what a dead launcher left, in whatever state it was', async () => {
    const ready = await bed.ready(launcher, who, 'pbmc')
    const starting = await launcher.launch(who, 'other', { by: 'click' })
    const requested = {
      ...ready,
      id: 'q'.repeat(20),
      ownerId: 'local:halfway',
      state: 'requested' as const,
      readyAt: null,
    }
    await bed.ports.sessions.claim(requested)
    expect(await launcher.recover()).toBe(3)
    for (const session of [ready, starting, requested]) expect(await state(session)).toBe('failed')
    expect(await launcher.launch(who, 'pbmc', { by: 'page' })).toMatchObject({ state: 'starting' })
  })

  it('collects tasks and routes that no live session owns, and nothing else', async () => {
    const session = await bed.ready(launcher, who, 'pbmc')
    const orphan = 'o'.repeat(20)
    await bed.tasks.start({ sessionId: orphan, datasetId: 'any', attempt: 1, size: session.size, gateToken: '' })
    await bed.ports.router.reserve(orphan)
    expect(await launcher.sweep()).toEqual({ tasks: [orphan], routes: [orphan] })
    expect(await launcher.sweep()).toEqual({ tasks: [], routes: [] })
    expect(await state(session)).toBe('ready')
  })

  it('ends the viewers of a dataset whose file was replaced, and only those', async () => {
    const changed = await bed.ready(launcher, who, 'pbmc')
    const same = await bed.ready(launcher, who, 'other')
    await bed.ports.catalogue.put(aDataset({ version: 'v2' }))
    await launcher.datasetChanged('pbmc')
    expect(await launcher.findSession(who, 'pbmc')).toMatchObject({
      state: 'stopped',
      ending: { cause: 'dataset-changed' },
    })
    expect(await state(same)).toBe('ready')
    await launcher.datasetChanged('other')
    expect(await state(same)).toBe('ready')
    await bed.ports.catalogue.put(aDataset())
    expect(await launcher.launch(who, 'pbmc', { by: 'page' })).not.toMatchObject({ id: changed.id })
  })
})

describe('who opens a dataset whose file was replaced', () => {
  it('does not wait until somebody ends the old viewer', async () => {
    const old = await bed.ready(launcher, who, 'pbmc')
    await bed.ports.catalogue.put(aDataset({ version: 'v2' }))
    const next = await launcher.launch(who, 'pbmc', { by: 'page' })
    await bed.ports.catalogue.put(aDataset())
    expect(next).toMatchObject({ state: 'starting', datasetVersion: 'v2' })
    expect(next.id).not.toBe(old.id)
    expect((await launcher.receipts(who))[0]).toMatchObject({ sessionId: old.id, cause: 'dataset-changed' })
  })
})

describe('annotations', () => {
  it('saves for the live session, conditional on the base, and says who saved what', async () => {
    const gate = gateOf(await bed.ready(launcher, who, 'pbmc'))
    const first = await launcher.vaultPut(gate, 'labels', bytes('one'), { base: null, requestSha256: 'r1' })
    await expect(
      launcher.vaultPut(gate, 'labels', bytes('two'), { base: null, requestSha256: 'r2' }),
    ).rejects.toMatchObject({ code: 'base-mismatch', data: { latest: { version: first.version, savedBy: who.name } } })
    const second = await launcher.vaultPut(gate, 'labels', bytes('two'), { base: first.version, requestSha256: 'r2' })
    expect((await launcher.history(who, 'pbmc', 'labels')).map(({ version }) => version)).toEqual([
      second.version,
      first.version,
    ])
    expect(Buffer.from(await launcher.vaultRead(gate, 'labels', second.version)).toString()).toBe('two')
  })

  it('takes nothing from the viewer of somebody who came to look, whatever its gate says', async () => {
    const looking = await bed.ready(launcher, { ...aGuest('gail'), mode: 'view' }, 'pbmc')
    expect(looking.mode).toBe('view')
    const gate = gateOf(looking)
    const put = launcher.vaultPut(gate, 'labels', bytes('one'), { base: null, requestSha256: 'r1' })
    await expect(put).rejects.toMatchObject({ code: 'read-only' })
    const annotating = gateOf(await bed.ready(launcher, aGuest('gus'), 'pbmc'))
    await launcher.vaultPut(annotating, 'labels', bytes('one'), { base: null, requestSha256: 'r1' })
    expect(await bed.ports.vault.latest({ ownerId: aGuest('gail').id, datasetId: 'pbmc', kind: 'labels' })).toBeNull()
  })

  it('restores an old version as a new one and tells the live viewer at its next beat', async () => {
    const gate = gateOf(await bed.ready(launcher, who, 'pbmc'))
    const first = await launcher.vaultPut(gate, 'labels', bytes('one'), { base: null, requestSha256: 'r1' })
    const second = await launcher.vaultPut(gate, 'labels', bytes(''), { base: first.version, requestSha256: 'r2' })
    await expect(launcher.restore(who, 'pbmc', 'labels', first.version, first.version)).rejects.toMatchObject({
      code: 'base-mismatch',
    })
    const third = await launcher.restore(who, 'pbmc', 'labels', first.version, second.version)
    expect(Buffer.from(await launcher.readVersion(who, 'pbmc', 'labels', third.version)).toString()).toBe('one')
    expect(await launcher.beat(gate, { activeAgoMs: null })).toMatchObject({ labelsVersion: third.version })
    await expect(launcher.restore(who, 'pbmc', 'labels', '99', third.version)).rejects.toMatchObject({
      code: 'not-found',
    })
  })

  it('keeps one person’s apart from another’s', async () => {
    const gate = gateOf(await bed.ready(launcher, who, 'pbmc'))
    await launcher.vaultPut(gate, 'labels', bytes('mine'), { base: null, requestSha256: 'r' })
    const eve = aUser('eve')
    expect(await launcher.history(eve, 'pbmc', 'labels')).toEqual([])
    await expect(launcher.readVersion(eve, 'pbmc', 'labels', '1')).rejects.toMatchObject({ code: 'not-found' })
    expect((await launcher.listAnnotations(who)).map(({ dataset }) => dataset.id)).toEqual(['pbmc'])
    expect((await launcher.listSessions(who)).filter(isLive)).toHaveLength(1)
  })
})
