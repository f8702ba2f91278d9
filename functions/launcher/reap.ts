/** Step 8: ends what is due, releases what is stopping, and writes the receipt. The only code that may declare a session over. */
import { dueAt, dueCause, releasableAt } from '../core/deadlines.ts'
import { canStop } from '../core/lifecycle.ts'
import { type EndCause, isFailure, isLive, type Session } from '../core/session.ts'
import { type Context, change, ending } from './context.ts'

/** Looks at every session that is due; one that fails does not keep the others waiting. Returns how many it looked at. */
export async function reap(context: Context): Promise<number> {
  const { ports } = context
  let looked = 0
  for await (const listed of ports.sessions.listDue(ports.clock.now())) {
    looked++
    await reapListed(context, listed)
  }
  return looked
}

/** Never throws: it is tried again at the next look. Returns whether it went well. */
export async function reapListed(context: Context, listed: Session): Promise<boolean> {
  const { ports } = context
  try {
    // The list may lag behind: only a fresh read is acted on.
    const session = await ports.sessions.get(listed.ownerId, listed.datasetId)
    if (session !== null && isLive(session) && session.dueAt <= ports.clock.now()) await reapOne(context, session)
    return true
  } catch (error) {
    ports.log('error', 'reap failed', { session: listed.id, error: String(error) })
    return false
  }
}

/** Ends this session if it is due, or releases it if it is stopping. Returns the record as it is then, null when lost. */
export async function reapOne(context: Context, session: Session): Promise<Session | null> {
  const { ports, limits } = context
  if (session.state === 'stopping') return release(context, session)
  const cause = dueCause(session, ports.clock.now(), limits)
  if (cause === null) return session
  return cause === 'inspect' ? inspectSilent(context, session) : end(context, 'reap', session, cause)
}

/** A gate that is silent: only its task can tell whether it is dead or merely cut off. */
async function inspectSilent(context: Context, session: Session): Promise<Session | null> {
  const { ports, limits } = context
  const now = ports.clock.now()
  const settled = await settle(context, session)
  if (settled?.state !== 'ready') return settled
  const seen = { ...session, lastSeenAt: now }
  const clocks = { lastActiveAt: session.lastActiveAt, lastSeenAt: now, dueAt: dueAt(seen, now, limits) }
  await ports.sessions.touch(session, clocks)
  return seen
}

/**
 * A live session as it really is: ended if its task is gone, released if it is stopping. For calls that can't wait for
 * the reaper's next tick: a wake, a gate's last word, a task's death.
 */
export async function settle(context: Context, session: Session): Promise<Session | null> {
  if (session.state === 'stopping') return release(context, session)
  // `requested`: its task may be about to be started by the call that claimed it.
  if (session.state !== 'starting' && session.state !== 'ready') return session
  const task = await context.ports.tasks.inspect(session.id)
  if (task.status === 'starting' || task.status === 'running') return session
  const gone = task.status === 'gone' ? task : { cause: null, detail: null }
  return endSurely(context, session, gone.cause ?? 'task-lost', gone.detail)
}

/**
 * Ends a session that is known to be lost. A gate's last beat may move its clocks at this very moment and win the
 * compare-and-set; giving up then would leave a page waiting for the reaper, minutes later.
 * @returns the record as it is then; null when it is another session's by now
 */
export async function endSurely(
  context: Context,
  session: Session,
  cause: EndCause,
  detail: string | null,
): Promise<Session | null> {
  let now: Session | null = session
  for (let tries = 0; tries < 5; tries++) {
    const ended = await end(context, 'reap', now, cause, detail)
    if (ended !== null) return ended
    now = await context.ports.sessions.get(session.ownerId, session.datasetId)
    if (now?.id !== session.id) return null
  }
  return now
}

/**
 * Takes a session to `stopping` (compare-and-set first, effects after) and releases it as far as that goes now.
 * @returns the record as it is then; null when somebody else changed it first
 */
export async function end(
  context: Context,
  step: 'stop' | 'reap' | 'index-dataset' | 'launch' | 'promote',
  session: Session,
  cause: EndCause,
  detail: string | null = null,
): Promise<Session | null> {
  if (!canStop(session.state)) return session
  const { ports } = context
  const stopping = await change(context, step, session, {
    state: 'stopping',
    ending: ending(cause, ports.clock.now(), detail),
  })
  if (stopping === null) return null
  ports.log(isFailure(stopping.ending) ? 'warn' : 'info', 'session stopping', { session: session.id, cause })
  return release(context, stopping)
}

/** Close the route, stop the task; when both are gone: receipt, then over. May be repeated at any point. */
async function release(context: Context, session: Session): Promise<Session | null> {
  const { ports, limits } = context
  await ports.router.close(session.id)
  await ports.tasks.stop(session.id)
  const [task, route] = [await ports.tasks.inspect(session.id), await ports.router.status(session.id)]
  const now = ports.clock.now()
  const gone = (task.status === 'none' || task.status === 'gone') && route === 'none'
  // A clock that was set back must not make it wait until it is that late again.
  const unsettledAt = Math.min(session.unsettledAt, now)
  const from = releasableAt({ ...session, unsettledAt }, limits, ports.tasks.final && ports.router.final)
  if (!gone || now < from) {
    const next = Math.max(now + limits.releaseRetryMs, from)
    return (await change(context, 'reap', session, { state: 'stopping', dueAt: next, unsettledAt })) ?? session
  }
  const last = session.ending ?? ending('task-lost', now)
  // Who only waited in line has used nothing.
  if (session.requestedAt !== null)
    await ports.receipts.put({
      sessionId: session.id,
      ownerId: session.ownerId,
      datasetId: session.datasetId,
      from: session.requestedAt,
      readyAt: session.readyAt,
      to: last.at,
      size: session.size,
      cause: last.cause,
      detail: last.detail,
    })
  const over = await change(context, 'reap', session, { state: isFailure(last) ? 'failed' : 'stopped', ending: last })
  if (over !== null) ports.log('info', 'session over', { session: session.id, cause: last.cause })
  return over
}
