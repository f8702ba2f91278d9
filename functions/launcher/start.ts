/** From requested to starting: reserve a route, start the task. For who was let in at once, and for who waited in line. */
import { type ErrorCode, isLauncherError, LauncherError } from '../core/errors.ts'
import type { Session } from '../core/session.ts'
import { type Context, change, ending } from './context.ts'
import { end, settle } from './reap.ts'
import { assertMayHaveMore, stillFits } from './room.ts'

/**
 * The record is there already, so whatever dies here is found by the reaper. Only the call that made it `requested`
 * comes here.
 * @returns the record as it is then; `queued` when there was no room after all
 */
export async function start(context: Context, step: 'launch' | 'promote', session: Session): Promise<Session> {
  const { ports } = context
  const current = async () => (await ports.sessions.get(session.ownerId, session.datasetId)) ?? session
  let asked = false
  try {
    if (step === 'launch') await assertMayHaveMore(context, session, session)
    if (!(await stillFits(context, session))) return (await backIntoLine(context, step, session)) ?? (await current())
    const { path } = await ports.router.reserve(session.id)
    const { id: sessionId, datasetId, attempt, size } = session
    // Whatever held this call up: from its deadline on the session is the reaper's, and soon nobody would own a task of it.
    if (ports.clock.now() >= session.dueAt)
      throw new LauncherError('unavailable', 'It took too long to find a place for this viewer. Try again in a minute.')
    const gateToken = await ports.gateToken(session)
    asked = true
    await ports.tasks.start({ sessionId, datasetId, attempt, size, gateToken })
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
      // A definite refusal: nothing was started under this attempt, and another one must not be taken for it.
      const waiting = await waitAgain(context, step, session, error.message, session.attempt + 1)
      if (waiting?.state !== 'queued' || error.data.tryOther !== true) return waiting ?? (await current())
      // Another kind of capacity may have room: it has kept its place, so nobody is overtaken by trying that at once.
      const again = await change(context, 'promote', waiting, { state: 'requested' })
      return again === null ? await current() : await start(context, 'promote', again)
    }
    if (refused) {
      // Refused outright: nothing runs, so give the place back.
      await ports.router.close(session.id)
      const end = ending('refused', ports.clock.now(), describeForPeople(error))
      await change(context, step, session, { state: 'failed', ending: end })
    }
    if (!refused) {
      const nothing = !asked || (isLauncherError(error) && error.data.nothingStarted === true)
      // What is down may keep this from being written: then it is the reaper's, when `requested` is due.
      await letGo(context, step, session, nothing, describeForPeople(error)).catch((failure: unknown) =>
        ports.log('warn', 'session not released yet', { session: session.id, error: describe(failure) }),
      )
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
 * Something that it needs is down or asks for patience. Its session is not left `requested` for a minute and a half: whoever
 * clicks again would be told that it starts.
 * @param nothing was started, for certain; else a task may run, and the *grace* rule waits for what is still on its way
 */
async function letGo(
  context: Context,
  step: 'launch' | 'promote',
  session: Session,
  nothing: boolean,
  detail: string | null,
): Promise<void> {
  const { ports } = context
  const now = ports.clock.now()
  if (!nothing) return void (await end(context, step, session, 'start-timeout', detail))
  await ports.router.close(session.id)
  // Who waited for their turn does not lose their place for it. The attempt stays: should one be on its way after all, the
  // next is the same task.
  if (step === 'promote' && !ports.router.final) return void (await waitAgain(context, step, session, detail ?? ''))
  await change(context, step, session, { state: 'failed', ending: ending('not-started', now, detail) })
}

/**
 * The platform had no room (no slot, no capacity, a quota): waiting may help, so it keeps its place in the line, tries
 * again after a pause, and says why. Not for ever: a quota of nothing stays nothing.
 */
function waitAgain(
  context: Context,
  step: 'launch' | 'promote',
  session: Session,
  detail: string,
  attempt = session.attempt,
): Promise<Session | null> {
  const { ports, limits } = context
  const now = ports.clock.now()
  const times = (session.refusal?.times ?? 0) + 1
  if (times >= limits.refusedTimes)
    return change(context, step, session, { state: 'failed', ending: ending('refused', now, detail) })
  return change(context, step, session, {
    state: 'queued',
    lastSeenAt: now,
    refusal: { at: now, detail, times },
    attempt,
  })
}

const describe = (error: unknown): string =>
  error instanceof Error ? `${error.name}: ${error.message}` : String(error)

const describeForPeople = (error: unknown): string | null => (isLauncherError(error) ? error.message : null)
