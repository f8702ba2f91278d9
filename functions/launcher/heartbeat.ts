/** Step 7: a gate's beat moves two clocks: *seen* (the gate is alive) and *active* (somebody uses the page). */
import type { BeatAnswer, BeatReport, ByeReport } from '../api/contract/gate.ts'
import { dueAt } from '../core/deadlines.ts'
import type { VaultKind } from '../core/ports.ts'
import type { GatePrincipal } from '../core/principal.ts'
import type { EndCause, Session } from '../core/session.ts'
import { type Context, sessionOfGate } from './context.ts'
import { endSurely, settle } from './reap.ts'

const leave = { status: 'leave', reason: 'The session is over.' } as const

export async function beat(context: Context, gate: GatePrincipal, report: BeatReport): Promise<BeatAnswer> {
  const { ports, limits } = context
  const session = await sessionOfGate(context, gate)
  if (session === null || session.state === 'requested') return leave
  if (session.state !== 'ready' && session.state !== 'starting') return leave
  if (session.state === 'ready') {
    const now = ports.clock.now()
    // An age, not a time of day: clocks of two machines differ. Never before it was ready: idle time starts there.
    const active = report.activeAgoMs === null ? 0 : now - report.activeAgoMs
    const lastActiveAt = Math.min(now, Math.max(session.lastActiveAt, active))
    const clocks = { lastActiveAt, lastSeenAt: now }
    const due = dueAt({ ...session, ...clocks }, now, limits)
    if (!(await ports.sessions.touch(session, { ...clocks, dueAt: due }))) return leave
  }
  const latest = async (kind: VaultKind) =>
    (await ports.vault.latest({ ownerId: session.ownerId, datasetId: session.datasetId, kind }))?.version ?? null
  return { status: 'stay', labelsVersion: await latest('labels'), geneSetsVersion: await latest('genesets') }
}

const causeOf: Record<ByeReport['cause'], EndCause> = {
  told: 'task-lost', // told by the platform (Spot, a kill): had the launcher told it, the session would be stopping
  lifetime: 'lifetime',
  'api-silent': 'task-lost',
  'out-of-memory': 'out-of-memory',
  'load-failed': 'load-failed',
  'viewer-lost': 'task-lost',
}

/** A gate's last word: ends and releases its session there and then, so that a relaunch need not wait for a tick. */
export async function bye(context: Context, gate: GatePrincipal, report: ByeReport): Promise<void> {
  const session = await sessionOfGate(context, gate)
  if (session === null) return
  if (session.state === 'stopping') await settle(context, session)
  else
    await endSurely(context, session, causeOf[report.cause], report.detail ?? (await toldWhy(context, session, report)))
}

/** A gate that was told to leave does not know why; the platform may (Spot took its machine back). */
async function toldWhy({ ports }: Context, { id }: Session, { cause }: ByeReport): Promise<string | null> {
  if (cause !== 'told') return null
  // Words are not worth a goodbye that fails.
  const task = await ports.tasks.inspect(id).catch(() => null)
  return task?.status === 'gone' ? task.detail : null
}
