/** From requested to starting: reserve a route, start the task. For who was let in at once, and for who waited in line. */
import { type ErrorCode, isLauncherError, LauncherError } from '../core/errors.ts'
import type { Session } from '../core/session.ts'
import { type Context, change, ending } from './context.ts'
import { settle } from './reap.ts'
import { assertMayHaveMore, stillFits } from './room.ts'

/**
 * The record is there already, so whatever dies here is found by the reaper. Only the call that made it `requested`
 * comes here.
 * @returns the record as it is then; `queued` when there was no room after all
 */
export async function start(context: Context, step: 'launch' | 'promote', session: Session): Promise<Session> {
  const { ports } = context
  const current = async () => (await ports.sessions.get(session.ownerId, session.datasetId)) ?? session
  try {
    if (step === 'launch') await assertMayHaveMore(context, session, session)
    if (!(await stillFits(context, session))) return (await backIntoLine(context, step, session)) ?? (await current())
    const { path } = await ports.router.reserve(session.id)
    const { id: sessionId, datasetId, attempt, size } = session
    // Whatever held this call up: from its deadline on the session is the reaper's, and soon nobody would own a task of it.
    if (ports.clock.now() >= session.dueAt)
      throw new LauncherError('unavailable', 'It took too long to find a place for this viewer. Try again in a minute.')
    await ports.tasks.start({ sessionId, datasetId, attempt, size, gateToken: await ports.gateToken(session) })
    const starting = await change(context, step, session, { state: 'starting', routePath: path })
    // Lost: it was stopped meanwhile. What we started is released by whoever stops it.
    if (starting === null) return await current()
    // A task that was dead before the record said "starting" told so too early: nobody would look again for minutes. Where
    // a look is a call to a cloud, its own events come later than this.
    return ports.tasks.final ? ((await settle(context, starting)) ?? (await current())) : starting
  } catch (error) {
    const code = isLauncherError(error) ? error.code : null
    const refused = code !== null && refusals.includes(code)
    ports.log('warn', 'session not started', { session: session.id, refused, code, error: describe(error) })
    // Where a close is final, the same session can't have a route again.
    if (isLauncherError(error, 'no-room') && !ports.router.final) {
      await ports.router.close(session.id)
      const waiting = await afterRefusal(context, step, session, error)
      if (waiting?.state !== 'queued' || error.data.tryOther !== true) return waiting ?? (await current())
      // Another kind of capacity may have room: it has kept its place, so nobody is overtaken by trying that at once.
      const again = await change(context, 'promote', waiting, { state: 'requested' })
      return again === null ? await current() : await start(context, 'promote', again)
    }
    if (refused) {
      // Refused outright: nothing runs, so give the place back. Anything else may have started; that is for the reaper.
      await ports.router.close(session.id)
      const end = ending('refused', ports.clock.now(), describeForPeople(error))
      await change(context, step, session, { state: 'failed', ending: end })
    }
    if (isLauncherError(error)) throw error
    throw new LauncherError(
      'unavailable',
      'The viewer could not be started just now. Try again in a minute.',
      {},
      { cause: error },
    )
  }
}

/** Nothing was started, and a repeat would be refused again. */
const refusals: readonly ErrorCode[] = ['no-room', 'too-many-sessions', 'session-over', 'bad-setting']

/** Nothing has been reserved yet: it only waits again, in its old place. */
function backIntoLine(context: Context, step: 'launch' | 'promote', session: Session): Promise<Session | null> {
  return change(context, step, session, { state: 'queued', lastSeenAt: context.ports.clock.now() })
}

/**
 * The platform had no room (no slot, no capacity, a quota): waiting may help, so it keeps its place in the line, tries
 * again after a pause, and says why. Not for ever: a quota of nothing stays nothing.
 */
async function afterRefusal(
  context: Context,
  step: 'launch' | 'promote',
  session: Session,
  error: LauncherError,
): Promise<Session | null> {
  const { ports, limits } = context
  const now = ports.clock.now()
  const times = (session.refusal?.times ?? 0) + 1
  if (times >= limits.refusedTimes)
    return change(context, step, session, { state: 'failed', ending: ending('refused', now, error.message) })
  const refusal = { at: now, detail: error.message, times }
  return change(context, step, session, {
    state: 'queued',
    lastSeenAt: now,
    refusal,
    // A definite refusal: nothing was started under this attempt, and another one must not be taken for it.
    attempt: session.attempt + 1,
  })
}

const describe = (error: unknown): string =>
  error instanceof Error ? `${error.name}: ${error.message}` : String(error)

const describeForPeople = (error: unknown): string | null => (isLauncherError(error) ? error.message : null)
