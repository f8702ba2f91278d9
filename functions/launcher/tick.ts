/**
 * One minute's work of a launcher that is many short processes: ends what is due, lets in who waits, collects what nobody
 * owns. Reads what there is once for all three, so that a deployment that does nothing asks three questions a minute.
 */
import { holdsPlace, type Session } from '../core/session.ts'
import type { Context } from './context.ts'
import { promote } from './promote.ts'
import { reapListed } from './reap.ts'
import { collect, endStale, type Orphans, orphansOf } from './sweep.ts'

export type TickOptions = {
  /** When no more work is begun, ms since 1970: what is left is due at the next tick too, and comes first. */
  until: number
  /** How many sessions are ended side by side: each waits for the cloud a dozen times. */
  atOnce: number
  /** A pause before what looks owned by nobody is looked up again, so that an index that lags can't end a viewer. */
  settle(): Promise<void>
}

export type TickReport = {
  /** Live sessions as the tick found them, in line or not. */
  liveSessions: number
  /** Since when the oldest of those that hold a place has it, ms; 0 when there is none. */
  oldestMs: number
  /** Due sessions that were ended or released, or moved on in it. */
  dueEnded: number
  /** Due sessions left for the next tick, for lack of time or because they failed. */
  dueLeft: number
  tasksWithoutSession: number
  routesWithoutSession: number
}

export async function tick(context: Context, { until, atOnce, settle }: TickOptions): Promise<TickReport> {
  const { ports } = context
  const failed = (what: string) => (error: unknown) =>
    ports.log('error', 'tick could not finish', { what, error: String(error) })
  const hasTime = () => ports.clock.now() < until

  // What holds something is read before who may hold it. A list that can't be had now is had in a minute.
  const none = (what: string) => (error: unknown) => {
    failed(what)(error)
    return []
  }
  const [tasks, routes] = await Promise.all([
    ports.tasks.listSessionIds().catch(none('tasks')),
    ports.router.listSessionIds().catch(none('routes')),
  ])
  const live = await ports.sessions.listLive()
  const now = ports.clock.now()

  const due = live.filter(({ dueAt }) => dueAt <= now)
  let dueEnded = 0
  const queue = due.values()
  const worker = async () => {
    for (const listed of queue) {
      if (!hasTime()) return
      if (await reapListed(context, listed)) dueEnded++
    }
  }
  await Promise.all(Array.from({ length: Math.min(atOnce, due.length) }, worker))
  if (hasTime()) await endStale(context, live).catch(failed('sessions of changed datasets'))
  let orphans: Orphans = { tasks: [], routes: [] }
  if (hasTime())
    try {
      orphans = await orphansOf(context, { tasks, routes }, live, settle)
      await collect(context, orphans)
    } catch (error) {
      failed('what nobody owns')(error)
    }
  if (hasTime() && live.some(({ state }) => state === 'queued')) await promote(context).catch(failed('promote'))
  return {
    liveSessions: live.length,
    oldestMs: live.reduce((oldest, session) => Math.max(oldest, ageOf(session, now)), 0),
    dueEnded,
    dueLeft: due.length - dueEnded,
    tasksWithoutSession: orphans.tasks.length,
    routesWithoutSession: orphans.routes.length,
  }
}

const ageOf = (session: Session, now: number): number =>
  holdsPlace(session) ? now - (session.requestedAt ?? session.createdAt) : 0
