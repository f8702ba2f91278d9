/** What leaks: everything in the account that costs money or takes a place although no live session has it. Reads only. */
import { DescribeTasksCommand, type ECSClient, ListTasksCommand, type Task } from '@aws-sdk/client-ecs'
import type { Ports } from '../../core/ports.ts'
import { isLive, type Session } from '../../core/session.ts'
import type { Lease, Leases } from './leases.ts'
import { type TaskKind, taskPerHour } from './prices.ts'
import type { SlotRouter } from './router.ts'

export type Leak = {
  /** `session`: one that counts as live although its task is gone, or that nobody has reaped. */
  kind: 'task' | 'lease' | 'target' | 'session'
  sessionId: string | null
  /** For a person. */
  what: string
  dollarsPerDay: number
  /** Of a target. */
  at?: { slot: string; endpoint: string }
  /** Null: the sweep collects it; else why it does not. */
  kept: string | null
}

export type Account = {
  ecs: ECSClient
  cluster: string
  family: string
  ports: Pick<Ports, 'sessions' | 'tasks' | 'clock'>
  leases: Leases
  router: Pick<SlotRouter, 'strayTargets'>
  /** A pause before what looks like a leak is looked up again: lists and indexes follow what they list. */
  settle(): Promise<void>
}

/** A session this long past its due time was forgotten by a reaper that does not run. */
const overdueMs = 5 * 60_000

export async function findLeaks(account: Account): Promise<Leak[]> {
  const { ports } = account
  // What holds something before who may hold it: a session claimed in between is then among the live ones.
  const tasks = await runningTasks(account)
  const leases = await account.leases.all()
  const targets = await account.router.strayTargets()
  const known = new Map((await ports.sessions.listLive()).map((session) => [session.id, session]))
  const orphaned = [...tasks.map(({ startedBy }) => startedBy), ...leases.map(({ sessionId }) => sessionId)]
  if (orphaned.some((id) => id === undefined || !known.has(id))) {
    await account.settle()
    for (const session of await ports.sessions.listLive()) known.set(session.id, session)
  }
  const now = ports.clock.now()
  const running = new Set(tasks.map(({ startedBy }) => startedBy))
  const leaks: Leak[] = []
  for (const task of tasks) if (!known.has(task.startedBy ?? '')) leaks.push(taskLeak(task, now))
  for (const lease of leases) if (!known.has(lease.sessionId)) leaks.push(leaseLeak(lease, now))
  for (const at of targets)
    leaks.push({
      kind: 'target',
      sessionId: null,
      what: `slot ${at.slot} leads to ${at.endpoint}, and nobody leases it`,
      dollarsPerDay: 0,
      at,
      kept: null,
    })
  for (const listed of known.values()) leaks.push(...(await sessionLeak(account, listed, running, now)))
  return leaks
}

/** Of our family, with what DescribeTasks says of each: a hundred at a time. */
async function runningTasks({ ecs, cluster, family }: Account): Promise<Task[]> {
  const tasks: Task[] = []
  let nextToken: string | undefined
  do {
    const list = new ListTasksCommand({ cluster, family, desiredStatus: 'RUNNING', nextToken })
    const { taskArns = [], nextToken: more } = await ecs.send(list)
    if (taskArns.length > 0)
      tasks.push(...((await ecs.send(new DescribeTasksCommand({ cluster, tasks: taskArns }))).tasks ?? []))
    nextToken = more === '' ? undefined : more
  } while (nextToken !== undefined)
  return tasks
}

function kindOf(task: Task): TaskKind {
  const memoryMiB = Number(task.overrides?.memory ?? task.memory ?? 0)
  const vcpu = Number(task.overrides?.cpu ?? task.cpu ?? 0) / 1024
  const named = task.attributes?.find(({ name }) => name === 'ecs.cpu-architecture')?.value
  // What a deploy makes, unless ECS says otherwise.
  const architecture = named === 'x86_64' ? 'x86_64' : 'arm64'
  return { memoryMiB, vcpu, spot: task.capacityProviderName === 'FARGATE_SPOT', architecture }
}

function taskLeak(task: Task, now: number): Leak {
  const kind = kindOf(task)
  const started = task.startedAt ?? task.createdAt
  return {
    kind: 'task',
    sessionId: task.startedBy ?? null,
    what: [
      task.taskArn?.split('/').at(-1) ?? 'a task',
      `${kind.vcpu} vCPU`,
      `${kind.memoryMiB / 1024} GB`,
      kind.spot ? 'Spot' : 'on demand',
      ...(started ? [`since ${age(now - started.getTime())}`] : []),
    ].join(', '),
    dollarsPerDay: taskPerHour(kind) * 24,
    kept: task.startedBy ? null : 'it was started by somebody else; stop it in AWS’s console if it is not wanted',
  }
}

const leaseLeak = ({ slot, sessionId, leasedAt }: Lease, now: number): Leak => ({
  kind: 'lease',
  sessionId,
  what: `slot ${slot}, leased since ${age(now - leasedAt)}`,
  dollarsPerDay: 0,
  kept: null,
})

async function sessionLeak(
  { ports }: Account,
  listed: Session,
  running: ReadonlySet<string | undefined>,
  now: number,
): Promise<Leak[]> {
  const leak = (what: string): Leak[] => [{ kind: 'session', sessionId: listed.id, what, dollarsPerDay: 0, kept: null }]
  const late = listed.dueAt + overdueMs < now
  const mustRun = listed.state === 'starting' || listed.state === 'ready'
  if (!late && (!mustRun || running.has(listed.id))) return []
  // Lists lag: only a fresh read accuses.
  const session = await ports.sessions.get(listed.ownerId, listed.datasetId)
  if (session?.id !== listed.id || !isLive(session)) return []
  if (session.dueAt + overdueMs < now)
    return leak(`${session.state}, due ${age(now - session.dueAt)} ago: does the reaper run?`)
  if (session.state !== 'starting' && session.state !== 'ready') return []
  const task = await ports.tasks.inspect(session.id)
  if (task.status === 'starting' || task.status === 'running') return []
  return leak(`${session.state}, but its task is gone`)
}

/** For a person: minutes below two hours, hours below two days. */
export function age(ms: number): string {
  const minutes = Math.max(0, Math.round(ms / 60_000))
  if (minutes < 120) return `${minutes} min`
  return minutes < 2880 ? `${Math.round(minutes / 60)} h` : `${Math.round(minutes / 1440)} days`
}
