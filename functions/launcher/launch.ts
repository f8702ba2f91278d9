/** Step 3: claim the session, reserve a route, start the task. Only the call that created the record goes on. */
import { type Dataset, isUsable, type UsableDataset } from '../core/dataset.ts'
import { dueAt } from '../core/deadlines.ts'
import { isLauncherError, LauncherError } from '../core/errors.ts'
import { modeOf, type Principal } from '../core/principal.ts'
import { isFailure, isLive, type Session } from '../core/session.ts'
import { nextLarger, sizeFor, type TaskSize } from '../core/sizing.ts'
import { type Context, change, ending } from './context.ts'
import { visible } from './list-datasets.ts'
import { settle } from './reap.ts'
import type { LaunchOptions } from './types.ts'

/**
 * Starts a viewer for (who, dataset), or returns the one that is live.
 * Errors: `not-found`, `not-allowed`, `dataset-unusable`, `needs-click`, `too-many-sessions`, `no-room`, `unavailable`.
 */
export async function launch(
  context: Context,
  who: Principal,
  datasetId: string,
  options: LaunchOptions,
): Promise<Session> {
  const { ports } = context
  const dataset = openable(who, await ports.catalogue.get(datasetId), datasetId)
  let previous = await ports.sessions.get(who.id, datasetId)
  if (previous !== null && isLive(previous)) {
    // A wake that finds a dead or releasable session must not wait for the reaper's next minute.
    previous = await settle(context, previous)
    if (previous !== null && isLive(previous)) return previous
  }
  const failedStarts = failedStartsBefore(context, previous)
  if (options.by === 'page') assertMayRelaunch(previous, failedStarts)
  await assertRoom(context, who.id)

  const fresh = newSession(context, who, dataset, previous, options, failedStarts)
  const claim = await ports.sessions.claim(fresh)
  if (!claim.created) return claim.session
  ports.log('info', 'session requested', { session: fresh.id, dataset: datasetId, memoryMiB: fresh.size.memoryMiB })
  return start(context, claim.session)
}

/** From requested to starting. The record is there already, so whatever dies here is found by the reaper. */
async function start(context: Context, session: Session): Promise<Session> {
  const { ports } = context
  try {
    await assertStillRoom(context, session)
    const { path } = await ports.router.reserve(session.id)
    const { id: sessionId, datasetId, attempt, size } = session
    await ports.tasks.start({ sessionId, datasetId, attempt, size, gateToken: await ports.gateToken(session) })
    const starting = await change(context, 'launch', session, { state: 'starting', routePath: path })
    // Lost: it was stopped meanwhile. What we started is released by whoever stops it.
    return starting ?? (await ports.sessions.get(session.ownerId, session.datasetId)) ?? session
  } catch (error) {
    const refused = isLauncherError(error) && ['no-room', 'too-many-sessions', 'session-over'].includes(error.code)
    // Refused outright: nothing runs, so give the place back. Anything else may have started; that is for the reaper.
    if (refused) {
      await ports.router.close(session.id)
      const end = ending('refused', ports.clock.now(), error.message)
      await change(context, 'launch', session, { state: 'failed', ending: end })
    }
    ports.log('warn', 'session not started', { session: session.id, refused, error: describe(error) })
    if (isLauncherError(error)) throw error
    throw new LauncherError(
      'unavailable',
      'The viewer could not be started just now. Try again in a minute.',
      {},
      { cause: error },
    )
  }
}

const describe = (error: unknown): string =>
  error instanceof Error ? `${error.name}: ${error.message}` : String(error)

/** The dataset, if `who` may open it and it can be opened. */
export function openable(who: Principal, found: Dataset | null, datasetId: string): UsableDataset {
  const dataset = visible(who, found, datasetId)
  if (isUsable(dataset)) return dataset
  const cause = dataset.problem?.cause ?? notUsableYet[dataset.state] ?? 'It can’t be opened.'
  const remedy = dataset.problem?.remedy ?? ''
  throw new LauncherError('dataset-unusable', `${cause} ${remedy}`.trim(), { state: dataset.state })
}

const notUsableYet: Partial<Record<Dataset['state'], string>> = {
  checking: 'The file is still being checked. It can be opened in a moment.',
  copying: 'The file is still being copied. It can be opened when it is complete.',
  removed: 'The file was removed. Your annotations are kept and can be downloaded.',
}

/** How many starts failed in a row just before, the last one included. */
export function failedStartsBefore({ ports, limits }: Context, previous: Session | null): number {
  if (previous === null || previous.readyAt !== null || !isFailure(previous.ending)) return 0
  // A refusal for lack of room started nothing and costs nothing.
  if (previous.ending?.cause === 'refused') return 0
  const age = ports.clock.now() - (previous.ending?.at ?? 0)
  return age < limits.failureWindowMs ? previous.failedStarts + 1 : 0
}

/** Nothing loops on money: what failed twice, or would fail the same way again, waits for a person. */
function assertMayRelaunch(previous: Session | null, failedStarts: number): void {
  const cause = previous?.ending?.cause
  if (failedStarts >= 2 || cause === 'out-of-memory' || cause === 'load-failed')
    throw new LauncherError('needs-click', 'It failed before, so it is not started again by itself.', { cause })
}

async function assertRoom({ ports, limits }: Context, ownerId: string): Promise<void> {
  const mine = (await ports.sessions.listByOwner(ownerId)).filter(isLive)
  if (mine.length >= limits.liveSessionsPerUser) throw tooManyOfYours(limits.liveSessionsPerUser)
  if ((await ports.sessions.countLive()) >= limits.liveSessions) throw tooManyInAll(limits.liveSessions)
}

/** Two launches that both found the last place: after the claim both see both, and the younger gives way. */
async function assertStillRoom({ ports, limits }: Context, session: Session): Promise<void> {
  const older = (other: Session) =>
    other.createdAt < session.createdAt || (other.createdAt === session.createdAt && other.id < session.id)
  const mine = (await ports.sessions.listByOwner(session.ownerId)).filter(isLive)
  if (mine.filter(older).length >= limits.liveSessionsPerUser) throw tooManyOfYours(limits.liveSessionsPerUser)
  // Who came first is asked only when there are too many: reading all of them for every launch would cost their square.
  if ((await ports.sessions.countLive()) <= limits.liveSessions) return
  let before = 0
  for await (const other of ports.sessions.listDue(Number.MAX_SAFE_INTEGER)) if (older(other)) before++
  if (before >= limits.liveSessions) throw tooManyInAll(limits.liveSessions)
}

const tooManyOfYours = (cap: number) =>
  new LauncherError(
    'too-many-sessions',
    `You have ${cap} viewers running, which is as many as one person may have. Stop one under “My sessions”, then try again.`,
    { cap, scope: 'user' },
  )

const tooManyInAll = (cap: number) =>
  new LauncherError(
    'too-many-sessions',
    `All ${cap} viewers of this launcher are in use. Try again when one of them has gone to sleep.`,
    { cap, scope: 'all' },
  )

function newSession(
  { ports, limits }: Context,
  who: Principal,
  dataset: UsableDataset,
  previous: Session | null,
  options: LaunchOptions,
  failedStarts: number,
): Session {
  const now = ports.clock.now()
  const fresh: Session = {
    id: ports.newId(),
    ownerId: who.id,
    ownerName: who.name,
    linkId: who.kind === 'guest' ? who.linkId : null,
    mode: modeOf(who),
    datasetId: dataset.id,
    datasetVersion: dataset.version,
    obsIndexHash: dataset.index.obsIndexHash,
    state: 'requested',
    version: 1,
    dueAt: 0,
    createdAt: now,
    unsettledAt: now,
    startCapAt: now + limits.startCapMs,
    readyAt: null,
    lastActiveAt: now,
    lastSeenAt: now,
    size: sizeOf(dataset, previous, options),
    attempt: 1,
    routePath: '',
    progress: null,
    ending: null,
    failedStarts,
  }
  return { ...fresh, dueAt: dueAt(fresh, now, limits) }
}

/** The estimate's size; after an out-of-memory never less than was enough to be tried, and one more where asked. */
function sizeOf(dataset: UsableDataset, previous: Session | null, options: LaunchOptions): TaskSize {
  const estimated = sizeFor(dataset.index.memoryMiB)
  const same = previous?.datasetVersion === dataset.version ? previous.size : estimated
  const base = same.memoryMiB > estimated.memoryMiB ? same : estimated
  return options.larger ? (nextLarger(base) ?? base) : base
}
