/** Keeps live sessions in memory: on one machine the launcher is the only one who writes them, and a query reads every one. */
import type { SessionStore } from '../../core/ports.ts'
import { isLive, type Session } from '../../core/session.ts'

/** The same store, whose `listLive` costs nothing and never lags. Reads what is live once, now. */
export async function withLiveSessions(store: SessionStore): Promise<SessionStore> {
  const live = new Map<string, Session>()
  const keyOf = ({ ownerId, datasetId }: Session) => JSON.stringify([ownerId, datasetId])
  const note = (session: Session) => {
    const known = live.get(keyOf(session))
    // Two writes may be heard of in the other order.
    if (known?.id === session.id && known.version > session.version) return
    if (isLive(session)) live.set(keyOf(session), session)
    else if (known === undefined || known.id === session.id) live.delete(keyOf(session))
  }
  for (const session of await store.listLive()) note(session)
  return {
    ...store,
    async claim(fresh) {
      const claim = await store.claim(fresh)
      note(claim.session)
      return claim
    },
    async advance(from, next) {
      const advanced = await store.advance(from, next)
      if (advanced !== null) note(advanced)
      return advanced
    },
    async touch(session, clocks) {
      const touched = await store.touch(session, clocks)
      const known = live.get(keyOf(session))
      if (touched && known?.id === session.id) live.set(keyOf(session), { ...known, ...clocks })
      return touched
    },
    listLive: async () => [...live.values()],
  }
}
