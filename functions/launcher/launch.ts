/** Step 3: claim the session, and start it or let it wait in line. Only the call that created the record goes on. */
import { type Dataset, isUsable, type UsableDataset } from '../core/dataset.ts'
import { dueAt } from '../core/deadlines.ts'
import { isLauncherError, LauncherError } from '../core/errors.ts'
import { canStop } from '../core/lifecycle.ts'
import type { Limits } from '../core/limits.ts'
import { modeOf, type Principal } from '../core/principal.ts'
import { isFailure, isLive, type Session } from '../core/session.ts'
import { nextLarger, sizeFor, type TaskSize } from '../core/sizing.ts'
import type { Context } from './context.ts'
import { lineOf } from './line.ts'
import { visible } from './list-datasets.ts'
import { promote } from './promote.ts'
import { end, settle } from './reap.ts'
import { assertCanEverFit, assertMayHaveMore, fits, taken } from './room.ts'
import { recordLaunch } from './share.ts'
import { start } from './start.ts'
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
    // A wake that finds a dead or releasable session must not wait for the reaper's next minute; nor who opens a file that
    // was replaced.
    const stale = previous.datasetVersion !== dataset.version && canStop(previous.state)
    previous = stale
      ? await end(context, 'index-dataset', previous, 'dataset-changed')
      : await settle(context, previous)
    if (previous !== null && isLive(previous)) return previous
  }
  // What another version of the file did says nothing about this one.
  const before = previous?.datasetVersion === dataset.version ? previous : null
  const failedStarts = failedStartsBefore(context, before)
  if (options.by === 'page') assertMayRelaunch(before, failedStarts)
  const size = sizeOf(context.limits, dataset, previous, options)
  assertCanEverFit(context, size)

  const { claim, line } = await context.here.admission(async () => {
    await assertMayHaveMore(context, { ownerId: who.id, linkId: linkId(who) })
    const live = await ports.sessions.listLive()
    const line = lineOf(live)
    // Nobody overtakes: while somebody waits, whoever comes later waits as well.
    // A launcher that goes down keeps the wish in line for the one that starts next.
    const now = line.length === 0 && !context.here.goingDown && fits(context, await taken(context, live), size)
    const fresh = newSession(context, who, dataset, { size, failedStarts, state: now ? 'requested' : 'queued' })
    return { claim: await ports.sessions.claim(fresh), line }
  })
  const { created, session } = claim
  if (!created) return session
  await recordLaunch(context, who, session)
  const { id, state } = session
  ports.log('info', `session ${state}`, { session: id, dataset: datasetId, memoryMiB: size.memoryMiB })
  if (state === 'requested') return start(context, 'launch', session)
  await mayWait(context, session)
  // A place may have become free since it was counted, and who freed it saw no line.
  if (line.length === 0) await promote(context)
  return (await ports.sessions.get(who.id, datasetId)) ?? session
}

/** Who waits counts as well: of those who came to the line at the same moment, in other processes, the younger give way. */
async function mayWait(context: Context, session: Session): Promise<void> {
  try {
    await assertMayHaveMore(context, session, session)
  } catch (error) {
    if (!isLauncherError(error, 'too-many-sessions')) throw error
    let now: Session | null = session
    for (let tries = 0; tries < 5 && now?.id === session.id && canStop(now.state); tries++) {
      if ((await end(context, 'stop', now, 'refused', error.message)) !== null) break
      now = await context.ports.sessions.get(session.ownerId, session.datasetId)
    }
    throw error
  }
}

const linkId = (who: Principal): string | null => (who.kind === 'guest' ? who.linkId : null)

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
function failedStartsBefore({ ports, limits }: Context, previous: Session | null): number {
  if (previous === null || previous.readyAt !== null || !isFailure(previous.ending)) return 0
  // What started nothing costs nothing.
  const cause = previous.ending?.cause
  if (cause === 'refused' || cause === 'not-started' || previous.requestedAt === null) return 0
  const age = ports.clock.now() - (previous.ending?.at ?? 0)
  return age < limits.failureWindowMs ? previous.failedStarts + 1 : 0
}

/** Nothing loops on money: what failed twice, or would fail the same way again, waits for a person. */
function assertMayRelaunch(previous: Session | null, failedStarts: number): void {
  const cause = previous?.ending?.cause
  if (failedStarts >= 2 || cause === 'out-of-memory' || cause === 'load-failed')
    throw new LauncherError('needs-click', 'It failed before, so it is not started again by itself.', { cause })
}

function newSession(
  { ports, limits }: Context,
  who: Principal,
  dataset: UsableDataset,
  { size, failedStarts, state }: Pick<Session, 'size' | 'failedStarts'> & { state: 'queued' | 'requested' },
): Session {
  const now = ports.clock.now()
  const fresh: Session = {
    id: ports.newId(),
    ownerId: who.id,
    ownerName: who.name,
    linkId: linkId(who),
    mode: modeOf(who),
    datasetId: dataset.id,
    datasetVersion: dataset.version,
    obsIndexHash: dataset.index.obsIndexHash,
    state,
    version: 1,
    dueAt: 0,
    createdAt: now,
    requestedAt: state === 'requested' ? now : null,
    refusal: null,
    unsettledAt: state === 'requested' ? now : 0,
    startCapAt: now + limits.startCapMs,
    readyAt: null,
    lastActiveAt: now,
    lastSeenAt: now,
    size,
    attempt: 1,
    routePath: '',
    progress: null,
    ending: null,
    failedStarts,
  }
  return { ...fresh, dueAt: dueAt(fresh, now, limits) }
}

/** The estimate's size; after an out-of-memory never less than was enough to be tried, and one more where asked. */
function sizeOf(
  { besideViewerMiB }: Limits,
  dataset: UsableDataset,
  previous: Session | null,
  options: LaunchOptions,
): TaskSize {
  const estimated = sizeFor(dataset.index.memoryMiB, besideViewerMiB)
  const same = previous?.datasetVersion === dataset.version ? previous.size : estimated
  const base = same.memoryMiB > estimated.memoryMiB ? same : estimated
  return options.larger ? (nextLarger(base) ?? base) : base
}
