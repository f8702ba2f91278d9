/** What every SessionStore must do, whatever is beneath it. */
import { describe, expect, it } from 'vitest'
import type { SessionStore } from '../../functions/core/ports.ts'
import type { Session } from '../../functions/core/session.ts'
import { aSession } from '../support/sessions.ts'

async function collect(pages: AsyncIterable<Session>): Promise<Session[]> {
  const all: Session[] = []
  for await (const session of pages) all.push(session)
  return all
}

let owners = 0
const owner = () => `local:owner-${process.pid}-${++owners}`

/** @param make a store on an empty or shared table; the suite uses owners of its own */
export function sessionStoreContract(name: string, make: () => SessionStore): void {
  describe(`SessionStore: ${name}`, () => {
    it('claims once: of 100 callers at once exactly one creates, all see the same session', async () => {
      const store = make()
      const ownerId = owner()
      const fresh = Array.from({ length: 100 }, (_, n) => aSession({ ownerId, id: `id-${n}` }))
      const claims = await Promise.all(fresh.map((session) => store.claim(session)))
      expect(claims.filter((claim) => claim.created)).toHaveLength(1)
      expect(new Set(claims.map((claim) => claim.session.id)).size).toBe(1)
      expect((await store.get(ownerId, 'pbmc'))?.id).toBe(claims[0]?.session.id)
    })

    it('claims anew over a session that is over, never over one that is live', async () => {
      const store = make()
      const ownerId = owner()
      for (const state of ['requested', 'starting', 'ready', 'stopping'] as const) {
        const datasetId = `live-${state}`
        const { session } = await store.claim(aSession({ ownerId, datasetId, state }))
        expect(await store.claim(aSession({ ownerId, datasetId, id: 'other' }))).toEqual({ created: false, session })
      }
      for (const state of ['stopped', 'failed'] as const) {
        const datasetId = `over-${state}`
        await store.claim(aSession({ ownerId, datasetId, state }))
        const again = await store.claim(aSession({ ownerId, datasetId, id: 'other' }))
        expect(again.created).toBe(true)
        expect((await store.get(ownerId, datasetId))?.id).toBe('other')
      }
    })

    it('says yes to a claim that is repeated because its answer was lost', async () => {
      const store = make()
      const fresh = aSession({ ownerId: owner() })
      expect((await store.claim(fresh)).created).toBe(true)
      expect((await store.claim(fresh)).created).toBe(true)
    })

    it('advances only from the version and dueAt that were read', async () => {
      const store = make()
      const { session } = await store.claim(aSession({ ownerId: owner() }))
      const first = await store.advance(session, { ...session, state: 'starting' })
      expect(first).toMatchObject({ state: 'starting', version: session.version + 1 })
      expect(await store.advance(session, { ...session, state: 'stopping' })).toBeNull()
      expect(await store.get(session.ownerId, session.datasetId)).toEqual(first)
    })

    it('lets exactly one of 50 racing advances through', async () => {
      const store = make()
      const { session } = await store.claim(aSession({ ownerId: owner() }))
      const tries = Array.from({ length: 50 }, (_, n) => store.advance(session, { ...session, attempt: n }))
      expect((await Promise.all(tries)).filter((won) => won !== null)).toHaveLength(1)
    })

    it('touches a ready session without a new version, and the touch defeats an advance that did not see it', async () => {
      const store = make()
      const { session } = await store.claim(aSession({ ownerId: owner(), state: 'ready', readyAt: 1 }))
      const clocks = {
        lastActiveAt: session.lastActiveAt + 5,
        lastSeenAt: session.lastSeenAt + 6,
        dueAt: session.dueAt + 7,
      }
      expect(await store.touch(session, clocks)).toBe(true)
      const now = await store.get(session.ownerId, session.datasetId)
      expect(now).toEqual({ ...session, ...clocks })
      expect(await store.advance(session, { ...session, state: 'stopping' })).toBeNull()
    })

    it('never takes a clock back, and refuses to touch what is not ready or not the same session', async () => {
      const store = make()
      const { session } = await store.claim(aSession({ ownerId: owner(), state: 'ready' }))
      const late = {
        lastActiveAt: session.lastActiveAt + 50,
        lastSeenAt: session.lastSeenAt + 50,
        dueAt: session.dueAt + 50,
      }
      await store.touch(session, late)
      const early = {
        lastActiveAt: session.lastActiveAt + 1,
        lastSeenAt: session.lastSeenAt + 1,
        dueAt: session.dueAt + 1,
      }
      expect(await store.touch(session, early)).toBe(true)
      expect(await store.get(session.ownerId, session.datasetId)).toMatchObject(late)
      expect(await store.touch({ ...session, id: 'other' }, late)).toBe(false)
      const starting = (await store.claim(aSession({ ownerId: owner(), state: 'starting' }))).session
      expect(await store.touch(starting, late)).toBe(false)
    })

    it('lists what is due, soonest first, live sessions only', async () => {
      const store = make()
      const ownerId = owner()
      const at = (datasetId: string, dueAt: number, state: Session['state'] = 'ready') =>
        store.claim(aSession({ ownerId, datasetId, dueAt, state, id: datasetId }))
      await at('late', 300)
      await at('soon', 100)
      await at('middle', 200)
      await at('over', 50, 'stopped')
      const mine = async (now: number) =>
        (await collect(store.listDue(now)))
          .filter((session) => session.ownerId === ownerId)
          .map((session) => session.id)
      expect(await mine(200)).toEqual(['soon', 'middle'])
      const soon = await store.get(ownerId, 'soon')
      if (soon) await store.advance(soon, { ...soon, state: 'stopped', dueAt: 60 })
      expect(await mine(1000)).toEqual(['middle', 'late'])
    })

    it('lists live sessions and no others, as they are now', async () => {
      const store = make()
      const ownerId = owner()
      const mine = async () => (await store.listLive()).filter((session) => session.ownerId === ownerId)
      for (const state of ['queued', 'ready', 'stopping', 'stopped', 'failed'] as const)
        await store.claim(aSession({ ownerId, datasetId: state, state, id: state, version: 1 }))
      expect((await mine()).map(({ id }) => id).sort()).toEqual(['queued', 'ready', 'stopping'])
      const queued = await store.get(ownerId, 'queued')
      if (queued) await store.advance(queued, { ...queued, state: 'requested' })
      const ready = await store.get(ownerId, 'ready')
      if (ready) await store.advance(ready, { ...ready, state: 'stopped' })
      expect((await mine()).map(({ id, state }) => `${id} ${state}`).sort()).toEqual([
        'queued requested',
        'stopping stopping',
      ])
    })

    it('moves the clocks of one who waits in line, too', async () => {
      const store = make()
      const waiting = (await store.claim(aSession({ ownerId: owner(), state: 'queued', requestedAt: null }))).session
      const clocks = {
        lastActiveAt: waiting.lastActiveAt,
        lastSeenAt: waiting.lastSeenAt + 10,
        dueAt: waiting.dueAt + 10,
      }
      expect(await store.touch(waiting, clocks)).toBe(true)
      expect(await store.get(waiting.ownerId, waiting.datasetId)).toEqual({ ...waiting, ...clocks })
      expect(
        (await store.listLive()).find(({ id, ownerId }) => id === waiting.id && ownerId === waiting.ownerId),
      ).toEqual({
        ...waiting,
        ...clocks,
      })
    })

    it('lists the sessions of one owner and nobody else', async () => {
      const store = make()
      const [one, other] = [owner(), owner()]
      await store.claim(aSession({ ownerId: one, datasetId: 'a' }))
      await store.claim(aSession({ ownerId: one, datasetId: 'b', state: 'stopped' }))
      await store.claim(aSession({ ownerId: other, datasetId: 'c' }))
      expect((await store.listByOwner(one)).map((session) => session.datasetId)).toEqual(['a', 'b'])
    })
  })
}
