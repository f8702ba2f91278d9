/** The safety net under the protocol: cloud lists lag, and people deploy bugs. Ends tasks and routes that no live session owns. */
import { holdsPlace, isLive } from '../core/session.ts'
import type { Context } from './context.ts'
import { keepTheLine } from './line.ts'
import { end, settle } from './reap.ts'

async function liveIds({ ports }: Context): Promise<Set<string>> {
  const ids = new Set<string>()
  for await (const session of ports.sessions.listDue(Number.MAX_SAFE_INTEGER)) ids.add(session.id)
  return ids
}

/** Returns the sessions whose task or route was collected. */
export async function sweep(context: Context): Promise<{ tasks: string[]; routes: string[] }> {
  const { ports } = context
  // What holds something is read before who may hold it: a session claimed in between is then among the live ones.
  const [tasks, routes] = [await ports.tasks.listSessionIds(), await ports.router.listSessionIds()]
  const live = await liveIds(context)
  const orphans = { tasks: tasks.filter((id) => !live.has(id)), routes: routes.filter((id) => !live.has(id)) }
  for (const id of orphans.routes) await ports.router.close(id)
  for (const id of orphans.tasks) await ports.tasks.stop(id)
  if (orphans.tasks.length + orphans.routes.length > 0)
    ports.log('warn', 'orphans collected', { tasks: orphans.tasks.join(' '), routes: orphans.routes.join(' ') })
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
  const dataset = await ports.catalogue.get(datasetId)
  const version = dataset?.state === 'removed' ? null : (dataset?.version ?? null)
  for await (const listed of ports.sessions.listDue(Number.MAX_SAFE_INTEGER)) {
    if (listed.datasetId !== datasetId) continue
    for (let tries = 0; tries < 5; tries++) {
      const session = await ports.sessions.get(listed.ownerId, datasetId)
      if (session === null || session.datasetVersion === version) break
      if ((await end(context, 'index-dataset', session, 'dataset-changed')) !== null) break
    }
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
