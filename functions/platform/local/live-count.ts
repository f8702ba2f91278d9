/** Counts live sessions in memory: on one machine the launcher is the only one who writes them, and a query reads every one to count it. */
import type { SessionStore } from '../../core/ports.ts'
import { isLive, type Session } from '../../core/session.ts'

/** The same store, whose `countLive` costs nothing. Reads what is live once, now. */
export async function withLiveCount(store: SessionStore): Promise<SessionStore> {
  const live = new Set<string>()
  const note = (session: Session) => {
    const key = JSON.stringify([session.ownerId, session.datasetId])
    if (isLive(session)) live.add(key)
    else live.delete(key)
  }
  for await (const session of store.listDue(Number.MAX_SAFE_INTEGER)) note(session)
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
    countLive: async () => live.size,
  }
}
