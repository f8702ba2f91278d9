/** The safety net under the protocol: cloud lists lag, and people deploy bugs. Ends tasks and routes that no live session owns. */
import type { Dataset } from '../core/dataset.ts'
import { holdsPlace, isLive, type Session } from '../core/session.ts'
import type { Context } from './context.ts'
import { keepTheLine } from './line.ts'
import { end, settle } from './reap.ts'

/** Sessions that hold something although no live session is called so. */
export type Orphans = { tasks: string[]; routes: string[] }

/**
 * What nobody owns. The list of live sessions comes from an index that follows the table: a session that was claimed or
 * touched at this moment may be missing from it for a moment. So what looks owned by nobody is looked up a second time.
 * @param live read after `held`: a session claimed in between is then among the live ones
 */
export async function orphansOf(
  { ports }: Context,
  held: Orphans,
  live: readonly Session[],
  settle: () => Promise<void>,
): Promise<Orphans> {
  const without = (found: Orphans, known: readonly Session[]): Orphans => {
    const ids = new Set(known.map(({ id }) => id))
    return { tasks: found.tasks.filter((id) => !ids.has(id)), routes: found.routes.filter((id) => !ids.has(id)) }
  }
  const suspects = without(held, live)
  if (suspects.tasks.length + suspects.routes.length === 0) return suspects
  await settle()
  return without(suspects, await ports.sessions.listLive())
}

/** Closes and stops; one that fails does not keep the others. Throws the first failure when all were tried. */
export async function collect({ ports }: Context, orphans: Orphans): Promise<void> {
  const failures: unknown[] = []
  // One after the other: the services behind them throttle, and there are never many.
  const each = async (ids: readonly string[], act: (id: string) => Promise<void>) => {
    for (const id of ids) await act(id).catch((error: unknown) => failures.push(error))
  }
  await each(orphans.routes, (id) => ports.router.close(id))
  await each(orphans.tasks, (id) => ports.tasks.stop(id))
  if (orphans.tasks.length + orphans.routes.length > 0)
    ports.log('warn', 'orphans collected', { tasks: orphans.tasks.join(' '), routes: orphans.routes.join(' ') })
  if (failures.length > 0) throw failures[0]
}

/** Returns the sessions whose task or route was collected. */
export async function sweep(context: Context): Promise<Orphans> {
  const { ports } = context
  const held = { tasks: await ports.tasks.listSessionIds(), routes: await ports.router.listSessionIds() }
  const orphans = await orphansOf(context, held, await ports.sessions.listLive(), async () => {})
  await collect(context, orphans)
  return orphans
}

/** A task has changed by itself: its session is ended now instead of when its gate has been silent for long. */
export async function taskChanged(context: Context, sessionId: string): Promise<void> {
  const { ports } = context
  for (const listed of await ports.sessions.listLive()) {
    if (listed.id !== sessionId) continue
    const session = await ports.sessions.get(listed.ownerId, listed.datasetId)
    if (session?.id === sessionId && isLive(session)) await settle(context, session)
  }
}

/** The dataset's file was replaced or removed: viewers of another version than the catalogue's end. */
export async function datasetChanged(context: Context, datasetId: string): Promise<void> {
  const { ports } = context
  const version = versionOf(await ports.catalogue.get(datasetId))
  for (const listed of await ports.sessions.listLive())
    if (listed.datasetId === datasetId) await endOfVersion(context, listed, version)
}

/** The version whose viewers may go on; null when the file is gone. */
const versionOf = (dataset: Dataset | null): string | null =>
  dataset === null || dataset.state === 'removed' ? null : dataset.version

async function endOfVersion(context: Context, listed: Session, version: string | null): Promise<void> {
  for (let tries = 0; tries < 5; tries++) {
    const session = await context.ports.sessions.get(listed.ownerId, listed.datasetId)
    if (session === null || session.datasetVersion === version) return
    if ((await end(context, 'index-dataset', session, 'dataset-changed')) !== null) return
  }
}

/**
 * The same for all that live, in one go: on AWS whoever reads files may write the catalogue and touch no session, and this
 * is what ends the viewers of the old version.
 */
export async function endStale(context: Context, live: readonly Session[]): Promise<void> {
  if (!live.some(({ state }) => state !== 'stopping')) return
  const datasets = new Map((await context.ports.catalogue.list()).map((dataset) => [dataset.id, dataset]))
  for (const session of live) {
    const version = versionOf(datasets.get(session.datasetId) ?? null)
    if (session.state !== 'stopping' && session.datasetVersion !== version)
      await endOfVersion(context, session, version)
  }
}

/**
 * For a launcher that starts on one machine: every live session belonged to a process that is gone, with all its calls
 * and tasks. Ends them at once; their pages wake new viewers. Never for a platform whose tasks outlive the launcher.
 */
export async function recover(context: Context): Promise<number> {
  await keepTheLine(context)
  return endAll(context, 'task-lost', 'The launcher was started again.')
}

/** Before the launcher goes down: lets nobody in any more, whatever frees from now on, and ends every viewer. */
export async function shutdown(context: Context): Promise<number> {
  context.here.goingDown = true
  // Whoever is being let in at this moment has their record afterwards, and is ended with the others.
  await context.here.admission(async () => {})
  return endAll(context, 'shutdown', 'The launcher was stopped.')
}

/** Ends every session that holds a place; the line stays, in its order, for the launcher that starts next. */
async function endAll(context: Context, cause: 'shutdown' | 'task-lost', detail: string): Promise<number> {
  const { ports } = context
  let ended = 0
  for await (const listed of ports.sessions.listDue(Number.MAX_SAFE_INTEGER)) {
    for (let tries = 0; tries < 5; tries++) {
      const session = await ports.sessions.get(listed.ownerId, listed.datasetId)
      if (session === null || !holdsPlace(session)) break
      const done =
        session.state === 'stopping'
          ? await settle(context, session)
          : await end(context, 'reap', session, cause, detail)
      if (done === null) continue
      ended++
      break
    }
  }
  return ended
}
