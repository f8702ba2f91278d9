/** Steps 4 and 5: a gate knocks and is told its work; reports how far it is; and is let in when its file is loaded. */
import type { GateAnswer, KnockAnswer, ProgressReport, Work } from '../api/contract/gate.ts'
import { endsAt } from '../core/deadlines.ts'
import { isLauncherError } from '../core/errors.ts'
import type { GatePrincipal } from '../core/principal.ts'
import type { Session } from '../core/session.ts'
import { carriedOverSoon } from './carry-over.ts'
import { type Context, change, sessionOfGate } from './context.ts'
import { end } from './reap.ts'

const retryMs = 300
const leave = { status: 'leave', reason: 'The session is over.' } as const

/** What only the composition knows of a gate's work. */
export type GateSettings = { apiSilenceMs: number; beatMs: number; routeKey: Record<string, unknown> }

/** The gate asks for its work. Opens the route, so that health checks pass while the file downloads. */
export async function knock(context: Context, settings: GateSettings, gate: GatePrincipal): Promise<KnockAnswer> {
  const { ports } = context
  const session = await sessionOfGate(context, gate)
  if (session?.state === 'requested') return { status: 'not-yet', retryMs }
  if (session?.state !== 'starting') return leave
  if (session.progress === null) {
    // The endpoint comes from the platform, never from the gate: a gate must not be able to point a route anywhere.
    const task = await ports.tasks.inspect(session.id)
    if (task.status !== 'running') return { status: 'not-yet', retryMs }
    await ports.router.open(session.id, task.endpoint)
    const now = ports.clock.now()
    const progress = { stage: 'starting', doneBytes: 0, totalBytes: 0, at: now } as const
    if ((await change(context, 'admit', session, { progress })) === null) return { status: 'not-yet', retryMs }
  }
  try {
    // Before the viewer reads them: labels made on another version of the file, each to its own cell.
    if (!(await carriedOverSoon(context, session))) return { status: 'not-yet', retryMs }
    return { status: 'work', work: await workOf(context, settings, session) }
  } catch (error) {
    if (!isLauncherError(error, 'not-found')) throw error
    // Removed since the launch. No repeat will find it, so don't let the page wait for the start's deadline.
    const now = (await sessionOfGate(context, gate)) ?? session
    await end(context, 'reap', now, 'load-failed', 'The file is not there any more.')
    return leave
  }
}

async function workOf({ ports, limits }: Context, settings: GateSettings, session: Session): Promise<Work> {
  const { ownerId, datasetId } = session
  const dataset = await ports.catalogue.get(datasetId)
  const path = dataset?.path ?? ''
  const [file, labels, geneSets] = await Promise.all([
    ports.files.locate(path),
    ports.vault.latest({ ownerId, datasetId, kind: 'labels' }),
    ports.vault.latest({ ownerId, datasetId, kind: 'genesets' }),
  ])
  return {
    sessionId: session.id,
    ownerId,
    ownerName: session.ownerName,
    mode: session.mode,
    datasetId,
    datasetVersion: session.datasetVersion,
    title: dataset?.title ?? datasetId,
    routePath: session.routePath,
    file: { ...file, sizeBytes: dataset?.sizeBytes ?? 0 },
    distribution: dataset?.index?.distribution ?? null,
    labelsVersion: labels?.version ?? null,
    geneSetsVersion: geneSets?.version ?? null,
    limits: { diffexpCells: limits.diffexpCells, apiSilenceMs: settings.apiSilenceMs, beatMs: settings.beatMs },
    routeKey: settings.routeKey,
    endsAt: endsAt(session, limits) + limits.startCapMs,
  }
}

/** Moves the start deadline while something still moves, up to the hard cap. */
export async function progress(context: Context, gate: GatePrincipal, report: ProgressReport): Promise<GateAnswer> {
  const session = await sessionOfGate(context, gate)
  if (session?.state === 'requested' || session?.state === 'ready') return { status: 'stay' }
  if (session?.state !== 'starting') return leave
  const before = session.progress
  const moved = before === null || before.stage !== report.stage || report.doneBytes > before.doneBytes
  if (!moved) return { status: 'stay' }
  await change(context, 'progress', session, { progress: { ...report, at: context.ports.clock.now() } })
  return { status: 'stay' }
}

/** The file is loaded: ready, if the route is live. A repeat after a lost answer is told `stay`. */
export async function loaded(context: Context, gate: GatePrincipal): Promise<GateAnswer> {
  const { ports } = context
  const session = await sessionOfGate(context, gate)
  if (session?.state === 'ready') return { status: 'stay' }
  if (session?.state === 'requested') return { status: 'again', retryMs }
  if (session?.state !== 'starting') return leave
  if ((await ports.router.status(session.id)) !== 'open') return { status: 'again', retryMs }
  const now = ports.clock.now()
  const ready = { state: 'ready', readyAt: now, lastActiveAt: now, lastSeenAt: now } as const
  const admitted = await change(context, 'admit', session, ready)
  if (admitted === null) return { status: 'again', retryMs }
  ports.log('info', 'session ready', { session: session.id, startMs: now - session.createdAt })
  return { status: 'stay' }
}
