/** What a user may do to a session of their own: stop it, or keep it running. */
import { dueAt } from '../core/deadlines.ts'
import { LauncherError } from '../core/errors.ts'
import { canStop } from '../core/lifecycle.ts'
import type { Principal } from '../core/principal.ts'
import type { Session } from '../core/session.ts'
import { type Context, lostRace } from './context.ts'
import { end } from './reap.ts'

/** One's own session by its id. Throws `not-found` for another's: its existence is nobody's business. */
export async function ownSession({ ports }: Context, who: Principal, sessionId: string): Promise<Session> {
  const session = (await ports.sessions.listByOwner(who.id)).find((candidate) => candidate.id === sessionId)
  if (session === undefined)
    throw new LauncherError('not-found', 'You have no such session. It may have been replaced by a newer one.')
  return session
}

/** Stops it; harmless when it is stopping or over. Throws `conflict` when it keeps changing under our hands. */
export async function stop(context: Context, who: Principal, sessionId: string): Promise<Session> {
  for (let tries = 0; tries < 5; tries++) {
    const session = await ownSession(context, who, sessionId)
    if (!canStop(session.state)) return session
    const stopped = await end(context, 'stop', session, 'user')
    if (stopped !== null) return stopped
  }
  throw lostRace('stopped')
}

/** "Keep it running": counts as use. A session that is not ready is returned as it is. */
export async function keep(context: Context, who: Principal, sessionId: string): Promise<Session> {
  const { ports, limits } = context
  const session = await ownSession(context, who, sessionId)
  if (session.state !== 'ready') return session
  const now = ports.clock.now()
  const used = { ...session, lastActiveAt: now }
  await ports.sessions.touch(session, {
    lastActiveAt: now,
    lastSeenAt: session.lastSeenAt,
    dueAt: dueAt(used, now, limits),
  })
  return ownSession(context, who, sessionId)
}
