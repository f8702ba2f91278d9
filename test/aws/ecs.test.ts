/** ECS as the harness plays it, under the real adapter: the task runner's contract with real processes, and where moto is unlike AWS. */
import {
  CreateClusterCommand,
  DescribeTasksCommand,
  ECSClient,
  ListTasksCommand,
  RegisterTaskDefinitionCommand,
  RunTaskCommand,
  StopTaskCommand,
} from '@aws-sdk/client-ecs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { taskShape } from '../../functions/platform/aws/settings.ts'
import { createTaskRefs } from '../../functions/platform/aws/task-refs.ts'
import { createTaskRunner } from '../../functions/platform/aws/task-runner.ts'
import { startTimeOf } from '../../functions/platform/local/processes.ts'
import { taskRunnerContract } from '../contracts/task-runner.contract.ts'
import { type Moto, startMoto } from '../support/moto.ts'
import { until } from '../support/proc.ts'
import { startTables, type Tables } from '../support/tables.ts'
import { tempDir } from '../support/temp-dir.ts'
import { type Ecs, playEcs } from './ecs.ts'
import { type Edge, startEdge } from './edge.ts'
import { createFargate } from './fargate.ts'

const cluster = 'viewers'
let moto: Moto
let tables: Tables
let edge: Edge
let ecs: Ecs
let client: ECSClient
let subnets: string[]

beforeAll(async () => {
  ;[moto, tables] = await Promise.all([startMoto(), startTables()])
  edge = await startEdge({ moto: moto.endpoint, dynamodb: tables.endpoint })
  // What it is given besides would be a gate's and a viewer's; here it only lives until it is told.
  const waiting = ['/bin/sh', '-c', 'exec sleep 1000', 'waiting']
  const commands = { gateCommand: waiting, viewerCommand: waiting }
  ecs = playEcs(
    edge,
    createFargate({ dir: tempDir(), ...commands, stopTimeoutMs: 5_000, startMs: 20, output: () => {} }),
  )
  client = new ECSClient({ ...moto.clientConfig, endpoint: edge.url })
  await client.send(new CreateClusterCommand({ clusterName: cluster }))
  const containerDefinitions = Object.values(taskShape.containers).map((name) => ({ name, image: name, memory: 512 }))
  const definition = {
    family: 'viewer',
    networkMode: 'awsvpc',
    cpu: '256',
    memory: '1024',
    containerDefinitions,
  } as const
  await client.send(new RegisterTaskDefinitionCommand(definition))
  subnets = (await moto.network()).subnetIds.slice(0, 2)
}, 120_000)
afterAll(async () => {
  client?.destroy()
  await ecs?.stop()
  await edge?.stop()
  await Promise.all([moto?.stop(), tables?.stop()])
})

const settings = () => ({
  cluster,
  taskDefinition: 'viewer:1',
  family: 'viewer',
  subnets,
  securityGroup: 'sg-12345678',
  publicIp: true,
  port: taskShape.gatePort,
  containers: taskShape.containers,
  gateMemoryMiB: taskShape.gateMemoryMiB,
  apiUrl: 'http://localhost:1',
  dataset: async () => ({ spot: true, fileBytes: 1000 }),
})

taskRunnerContract('Fargate as the harness plays it', async () => {
  const deps = {
    ecs: client,
    refs: createTaskRefs(await tables.empty()),
    clock: { now: () => Date.now() },
    log: () => {},
  }
  const of = (sessionId: string) => ecs.alive().filter(({ startedBy }) => startedBy === sessionId)
  return {
    tasks: createTaskRunner(settings(), deps),
    again: () => createTaskRunner(settings(), deps),
    running: async (sessionId) => of(sessionId).length,
    async die(sessionId) {
      await until('its processes', () => ecs.processes().some(({ startedBy }) => startedBy === sessionId))
      for (const { taskArn } of of(sessionId)) ecs.crash(taskArn)
    },
  }
})

const config = { sessionId: 's', listen: `tcp:0.0.0.0:${taskShape.gatePort}`, taskDir: '/task' }
const ask = (startedBy: string, more: object = {}) =>
  new RunTaskCommand({
    cluster,
    taskDefinition: 'viewer:1',
    startedBy,
    networkConfiguration: { awsvpcConfiguration: { subnets, securityGroups: ['sg-1'] } },
    capacityProviderStrategy: [{ capacityProvider: 'FARGATE_SPOT', weight: 1 }],
    // moto answers 500 to a container without memory.
    overrides: {
      cpu: '256',
      memory: '1024',
      containerOverrides: [
        { name: 'gate', memory: 256, environment: [{ name: 'GATE_CONFIG', value: JSON.stringify(config) }] },
        { name: 'viewer', memory: 768, environment: [{ name: 'CXOD_MEMORY_MIB', value: '768' }] },
      ],
    },
    ...more,
  })
const list = async (filter: object) => (await client.send(new ListTasksCommand({ cluster, ...filter }))).taskArns ?? []
const look = async (arn: string) => (await client.send(new DescribeTasksCommand({ cluster, tasks: [arn] }))).tasks?.[0]
const running = (arn: string) => until('it to run', async () => (await look(arn))?.lastStatus === 'RUNNING')

test('a token is one task, also for calls at once; with other parameters it is a conflict that names the task', async () => {
  const clientToken = 'token-1'
  const answers = await Promise.all([1, 2, 3].map(() => client.send(ask('one', { clientToken }))))
  expect(new Set(answers.map(({ tasks }) => tasks?.[0]?.taskArn)).size).toBe(1)
  const [arn] = await list({ startedBy: 'one' })
  const other = client.send(ask('one', { clientToken, propagateTags: 'NONE' }))
  await expect(other).rejects.toMatchObject({ name: 'ConflictException', resourceIds: [arn] })
  expect(await list({ startedBy: 'one' })).toEqual([arn])
})

test('a stop reaches the processes; lists follow what is desired, at once', async () => {
  const { tasks } = await client.send(ask('two'))
  const arn = tasks?.[0]?.taskArn ?? ''
  expect(tasks?.[0]?.lastStatus).toBe('PROVISIONING')
  await running(arn)
  const pids = ecs.processes().flatMap(({ pid, startedBy }) => (startedBy === 'two' ? [pid] : []))
  expect(pids).toHaveLength(2)
  await client.send(new StopTaskCommand({ cluster, task: arn, reason: 'enough' }))
  expect([await list({ startedBy: 'two' }), await list({ startedBy: 'two', desiredStatus: 'STOPPED' })]).toEqual([
    [],
    [arn],
  ])
  await until('its end', async () => (await look(arn))?.lastStatus === 'STOPPED')
  expect(pids.map(startTimeOf)).toEqual([null, null])
  expect(await look(arn)).toMatchObject({ stopCode: 'UserInitiated', stoppedReason: 'enough' })
  const unknown = client.send(new StopTaskCommand({ cluster, task: `${arn}x`, reason: 'enough' }))
  await expect(unknown).rejects.toMatchObject({ name: 'InvalidParameterException' })
})

test('one container that ends takes the other along; Spot says that it was Spot; events say each change once', async () => {
  const heard: string[] = []
  ecs.onChange((event) => {
    const { detail } = event as { detail: { startedBy: string; lastStatus: string; desiredStatus: string } }
    if (detail.startedBy === 'three') heard.push(`${detail.lastStatus} ${detail.desiredStatus}`)
  })
  const begin = async (startedBy: string) => {
    const arn = (await client.send(ask(startedBy))).tasks?.[0]?.taskArn ?? ''
    await running(arn)
    return arn
  }
  const [three, four] = [await begin('three'), await begin('four')]
  const viewer = ecs.processes().find(({ startedBy, role }) => startedBy === 'three' && role === 'viewer')
  process.kill(viewer?.pid ?? 0, 'SIGKILL')
  ecs.reclaim(four)
  for (const arn of [three, four]) await until('its end', async () => (await look(arn))?.lastStatus === 'STOPPED')
  const ended = await look(three)
  expect(ended?.stopCode).toBe('EssentialContainerExited')
  expect(ended?.containers?.map(({ name, exitCode }) => [name, exitCode])).toEqual([
    ['gate', 143],
    ['viewer', 137],
  ])
  expect((await look(four))?.stopCode).toBe('SpotInterruption')
  expect(heard).toEqual(['PENDING RUNNING', 'RUNNING RUNNING', 'STOPPING STOPPED', 'STOPPED STOPPED'])
})
