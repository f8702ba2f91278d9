/** One task as ECS shows it: the members that answers and events have. */
import type { Ended, Role } from './fargate.ts'

export type EcsTask = {
  taskArn: string
  clusterArn: string
  taskDefinitionArn: string
  group: string
  launchType: 'FARGATE'
  capacityProviderName: string | undefined
  startedBy: string
  desiredStatus: 'RUNNING' | 'STOPPED'
  lastStatus: 'PROVISIONING' | 'PENDING' | 'RUNNING' | 'DEPROVISIONING' | 'STOPPING' | 'STOPPED'
  /** Grows with each change; events carry it. */
  version: number
  /** Seconds, as AWS's JSON has times. */
  createdAt: number
  startedAt?: number
  stoppedAt?: number
  stopCode?: string
  stoppedReason?: string
  overrides: unknown
  attachments: { id: string; type: string; status: string; details: { name: string; value: string }[] }[]
  containers: { name: string; lastStatus: string; exitCode?: number; reason?: string }[]
}

export type RunTaskInput = {
  cluster?: string
  clientToken?: string
  startedBy?: string
  taskDefinition?: string
  capacityProviderStrategy?: { capacityProvider: string }[]
  networkConfiguration?: { awsvpcConfiguration?: { subnets?: string[] } }
  overrides?: { containerOverrides?: { name: string; environment?: { name: string; value: string }[] }[] }
}

/** Of one container, as the overrides give it. */
export function environmentOf(input: RunTaskInput, role: Role): Record<string, string> {
  const own = input.overrides?.containerOverrides?.find(({ name }) => name === role)
  return Object.fromEntries((own?.environment ?? []).map(({ name, value }) => [name, value]))
}

/** @param given the emulator's own task: it has checked cluster, definition and network */
export function newTask(given: Partial<EcsTask>, input: RunTaskInput, address: string, now: number): EcsTask {
  const definition = given.taskDefinitionArn ?? ''
  return {
    taskArn: given.taskArn ?? '',
    clusterArn: given.clusterArn ?? '',
    taskDefinitionArn: definition,
    group: `family:${familyOf(definition)}`,
    launchType: 'FARGATE',
    capacityProviderName: input.capacityProviderStrategy?.[0]?.capacityProvider,
    startedBy: input.startedBy ?? '',
    desiredStatus: 'RUNNING',
    lastStatus: 'PROVISIONING',
    version: 1,
    createdAt: now / 1000,
    overrides: input.overrides,
    attachments: [
      {
        id: `eni-${address}`,
        type: 'ElasticNetworkInterface',
        status: 'PRECREATED',
        details: [
          { name: 'subnetId', value: input.networkConfiguration?.awsvpcConfiguration?.subnets?.[0] ?? '' },
          { name: 'privateIPv4Address', value: address },
        ],
      },
    ],
    containers: ['gate', 'viewer'].map((name) => ({ name, lastStatus: 'PENDING' })),
  }
}

export const familyOf = (definition: string): string => /([^/]+?)(:\d+)?$/.exec(definition)?.[1] ?? ''

export function setContainer(task: EcsTask, role: Role, ended: Ended): void {
  const container = task.containers.find(({ name }) => name === role)
  if (!container) return
  Object.assign(container, { lastStatus: 'STOPPED', exitCode: ended.exitCode })
  // Nothing on a Fargate machine kills with 137 but memory and the end of the stop time-out; ECS says which.
}

/** As EventBridge delivers it; a copy, for the task goes on changing. */
export function stateChange(task: EcsTask, id: string): object {
  const { overrides, ...shown } = task
  return {
    version: '0',
    id,
    'detail-type': 'ECS Task State Change',
    source: 'aws.ecs',
    account: '123456789012',
    time: new Date().toISOString(),
    region: 'us-east-1',
    resources: [task.taskArn],
    detail: structuredClone({ ...shown, overrides, attachments: task.attachments.map((a) => ({ ...a, type: 'eni' })) }),
  }
}
