/** Tasks on AWS: one Fargate task per session, of the one task definition that a deploy makes, sized by overrides. */
import { createHash } from 'node:crypto'
import {
  type ContainerOverride,
  DescribeTasksCommand,
  type DesiredStatus,
  type ECSClient,
  ListTasksCommand,
  RunTaskCommand,
  StopTaskCommand,
  type Task,
} from '@aws-sdk/client-ecs'
import { isLauncherError, LauncherError } from '../../core/errors.ts'
import type { Clock, Log, TaskRunner, TaskSpec, TaskStatus } from '../../core/ports.ts'
import { hadNoEffect, type Patience, withPatience } from './backoff.ts'
import { awsName, unavailable } from './errors.ts'
import { taskShape } from './settings.ts'
import type { TaskRefs } from './task-refs.ts'
import { refusalOf } from './task-refusal.ts'
import { ourReason, statusOf } from './task-status.ts'

export type TaskRunnerSettings = {
  cluster: string
  /** Family and revision, or ARN: what this deploy made. */
  taskDefinition: string
  /** Family alone, for the sweep. */
  family: string
  /** In several zones: capacity is per zone. */
  subnets: readonly string[]
  securityGroup: string
  /** True: a public address instead of a NAT gateway, which would cost while nothing runs. */
  publicIp: boolean
  /** Port on which gates listen. */
  port: number
  /** Names of the two containers in the task definition. */
  containers: { gate: string; viewer: string }
  /** What the gate takes of a task's memory, MiB. */
  gateMemoryMiB: number
  /** Where gates reach the API. */
  apiUrl: string
  /** Spot or on-demand, and how large the file is: of this dataset. */
  dataset(datasetId: string): Promise<{ spot: boolean; fileBytes: number }>
}

type Deps = { ecs: ECSClient; refs: TaskRefs; clock: Clock; log: Log; patience?: Patience }

/** Fargate's free disk, GiB, and the most there is. */
const disk = { free: 20, least: 21, most: 200 }
/** Room beside the file: images' writable layers, logs, a viewer's scratch. */
const diskReserveBytes = 4 * 2 ** 30

export function createTaskRunner(settings: TaskRunnerSettings, deps: Deps): TaskRunner {
  const { ecs, refs, clock, log, patience } = deps
  const { cluster } = settings
  const call = async <T>(send: () => Promise<T>): Promise<T> => {
    try {
      return await withPatience(send, patience)
    } catch (error) {
      throw unavailable('The service that runs viewers (ECS)', error)
    }
  }

  /** What ECS lists, and what we wrote down when we started it: the list alone may lag behind. */
  async function tasksOf(sessionId: string, which: readonly DesiredStatus[]): Promise<Task[]> {
    const lists = which.map((desiredStatus) => new ListTasksCommand({ cluster, startedBy: sessionId, desiredStatus }))
    const [known, ...listed] = await Promise.all([
      refs.get(sessionId),
      ...lists.map((list) => call(() => ecs.send(list))),
    ])
    return describe([...new Set([...known, ...listed.flatMap(({ taskArns = [] }) => taskArns)])])
  }

  async function describe(arns: string[]): Promise<Task[]> {
    const tasks: Task[] = []
    for (let at = 0; at < arns.length; at += 100) {
      const ask = new DescribeTasksCommand({ cluster, tasks: arns.slice(at, at + 100) })
      tasks.push(...((await call(() => ecs.send(ask))).tasks ?? []))
    }
    return tasks
  }

  async function request(spec: TaskSpec): Promise<RunTaskCommand> {
    const { sessionId, attempt, size } = spec
    const { spot, fileBytes } = await settings.dataset(spec.datasetId)
    // After a definite refusal (the attempt has grown) a Spot task is asked for on demand: dearer, but there.
    const capacityProvider = spot && attempt === 1 ? 'FARGATE_SPOT' : 'FARGATE'
    const gib = Math.ceil((fileBytes + diskReserveBytes) / 2 ** 30)
    const storage =
      gib > disk.free ? { ephemeralStorage: { sizeInGiB: Math.min(disk.most, Math.max(disk.least, gib)) } } : {}
    const memory = size.memoryMiB - settings.gateMemoryMiB
    const overrides: ContainerOverride[] = [
      {
        name: settings.containers.gate,
        memory: settings.gateMemoryMiB,
        environment: [{ name: 'GATE_CONFIG', value: JSON.stringify(gateConfig(spec)) }],
      },
      {
        name: settings.containers.viewer,
        memory,
        environment: [{ name: 'CXOD_MEMORY_MIB', value: String(memory) }],
      },
    ]
    return new RunTaskCommand({
      cluster,
      taskDefinition: settings.taskDefinition,
      count: 1,
      // The same call again is the same task; another attempt is another one.
      clientToken: createHash('sha256').update(`${sessionId}:${attempt}`).digest('hex'),
      startedBy: sessionId,
      capacityProviderStrategy: [{ capacityProvider, weight: 1 }],
      networkConfiguration: {
        awsvpcConfiguration: {
          subnets: [...settings.subnets],
          securityGroups: [settings.securityGroup],
          assignPublicIp: settings.publicIp ? 'ENABLED' : 'DISABLED',
        },
      },
      overrides: {
        cpu: String(size.vcpu * 1024),
        memory: String(size.memoryMiB),
        containerOverrides: overrides,
        ...storage,
      },
      tags: [
        { key: 'cellxgene-on-demand:session', value: sessionId },
        { key: 'cellxgene-on-demand:dataset', value: spec.datasetId },
      ],
      propagateTags: 'NONE',
    })
  }

  const gateConfig = ({ sessionId, gateToken }: TaskSpec) => ({
    sessionId,
    apiUrl: settings.apiUrl,
    token: gateToken,
    listen: `tcp:0.0.0.0:${settings.port}`,
    viewer: `unix:${taskShape.viewerSocket}`,
    taskSocket: taskShape.taskSocket,
    taskDir: taskShape.taskDir,
  })

  return {
    // A call that was on its way can still start a task after a stop; the grace rule waits for it.
    final: false,

    async start(spec) {
      const command = await request(spec).catch((error: unknown) => {
        throw isLauncherError(error) ? withNothingStarted(error) : error
      })
      let arns: string[]
      let unsure = false
      try {
        const ask = () =>
          ecs.send(command).catch((error: unknown) => {
            unsure ||= !hadNoEffect(error)
            throw error
          })
        const { tasks = [], failures = [] } = await withPatience(ask, patience)
        arns = tasks.flatMap(({ taskArn }) => (taskArn ? [taskArn] : []))
        // An answer of 200 that names failures is a failure.
        if (arns.length === 0) throw refusalOf({ failures }) ?? unavailable('The service that runs viewers (ECS)', null)
      } catch (error) {
        // The token was used before with other parameters, and names the tasks that it started: ours.
        if (awsName(error) !== 'ConflictException') {
          const refusal = refusalOf({ error }) ?? unavailable('The service that runs viewers (ECS)', error)
          const spot = command.input.capacityProviderStrategy?.[0]?.capacityProvider === 'FARGATE_SPOT'
          if (refusal.code === 'unavailable' && !unsure && !isLauncherError(error)) throw withNothingStarted(refusal)
          throw spot && refusal.code === 'no-room' ? onDemandMayHave(refusal) : refusal
        }
        arns = resourcesOf(error)
      }
      for (const arn of arns) await refs.add(spec.sessionId, arn, clock.now())
      log('info', 'task started', { session: spec.sessionId, memoryMiB: spec.size.memoryMiB, attempt: spec.attempt })
    },

    async inspect(sessionId): Promise<TaskStatus> {
      return statusOf(await tasksOf(sessionId, ['RUNNING', 'STOPPED']), settings)
    },

    async stop(sessionId) {
      for (const { taskArn, desiredStatus } of await tasksOf(sessionId, ['RUNNING'])) {
        if (desiredStatus === 'STOPPED') continue
        const stop = new StopTaskCommand({ cluster, task: taskArn, reason: ourReason })
        await call(() =>
          ecs.send(stop).catch((error: unknown) => {
            // ECS has forgotten it: it stopped long ago.
            if (awsName(error) !== 'InvalidParameterException') throw error
          }),
        )
      }
    },

    async listSessionIds() {
      const arns: string[] = []
      let nextToken: string | undefined
      do {
        const list = new ListTasksCommand({ cluster, family: settings.family, desiredStatus: 'RUNNING', nextToken })
        const page = await call(() => ecs.send(list))
        arns.push(...(page.taskArns ?? []))
        nextToken = page.nextToken
      } while (nextToken !== undefined && nextToken !== '')
      const ids = (await describe(arns)).flatMap(({ startedBy }) => (startedBy ? [startedBy] : []))
      return [...new Set(ids)]
    },

    // Fargate's capacity is not ours to count: a task that is stopping takes no place of ours.
    heldMiB: async () => 0,
  }
}

/** Spot and on-demand have capacities and quotas of their own: the next attempt asks for the other, and need not wait. */
const onDemandMayHave = ({ message, data, cause }: LauncherError): LauncherError =>
  new LauncherError('no-room', message, { ...data, tryOther: true }, { cause })

const withNothingStarted = ({ code, message, data, cause }: LauncherError): LauncherError =>
  new LauncherError(code, message, { ...data, nothingStarted: true }, { cause })

function resourcesOf(error: unknown): string[] {
  if (typeof error !== 'object' || error === null || !('resourceIds' in error)) return []
  return Array.isArray(error.resourceIds) ? error.resourceIds.filter((id) => typeof id === 'string') : []
}
