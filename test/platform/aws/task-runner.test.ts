/** Fargate tasks against moto's ECS: the task runner's contract, what RunTask is asked for, and every way in which ECS refuses. */
import {
  CreateClusterCommand,
  DescribeTasksCommand,
  ECSClient,
  ListTasksCommand,
  RegisterTaskDefinitionCommand,
  RunTaskCommand,
  StopTaskCommand,
} from '@aws-sdk/client-ecs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { TaskSpec } from '../../../functions/core/ports.ts'
import { createTaskRefs } from '../../../functions/platform/aws/task-refs.ts'
import { createTaskRunner, type TaskRunnerSettings } from '../../../functions/platform/aws/task-runner.ts'
import { taskRunnerContract } from '../../contracts/task-runner.contract.ts'
import { type Moto, startMoto } from '../../support/moto.ts'
import { startTables, type Tables } from '../../support/tables.ts'

let moto: Moto
let tables: Tables
let ecs: ECSClient
let network: { subnetIds: string[] }
const clock = { now: () => 1_700_000_000_000 }
const cluster = 'viewers'

beforeAll(async () => {
  ;[moto, tables] = await Promise.all([startMoto(), startTables()])
  ecs = new ECSClient(moto.clientConfig)
  // Left to itself moto's tasks stop at the fourth look.
  const transition = { progression: 'manual', times: 1_000_000 }
  await fetch(`${moto.endpoint}/moto-api/state-manager/set-transition`, {
    method: 'POST',
    body: JSON.stringify({ model_name: 'ecs::task', transition }),
  })
  network = await moto.network()
  await ecs.send(new CreateClusterCommand({ clusterName: cluster }))
  const containerDefinitions = ['gate', 'viewer'].map((name) => ({ name, image: name, memory: 512 }))
  await ecs.send(
    new RegisterTaskDefinitionCommand({
      family: 'viewer',
      networkMode: 'awsvpc',
      cpu: '512',
      memory: '1024',
      containerDefinitions,
    }),
  )
}, 120_000)
afterAll(async () => {
  ecs?.destroy()
  await Promise.all([moto?.stop(), tables?.stop()])
})

const settings = (over: Partial<TaskRunnerSettings> = {}): TaskRunnerSettings => ({
  cluster,
  taskDefinition: 'viewer:1',
  family: 'viewer',
  subnets: network.subnetIds.slice(0, 2),
  securityGroup: 'sg-12345678',
  publicIp: true,
  port: 8080,
  containers: { gate: 'gate', viewer: 'viewer' },
  gateMemoryMiB: 256,
  apiUrl: 'https://app.example',
  dataset: async () => ({ spot: false, fileBytes: 1000 }),
  ...over,
})
const logged: string[] = []
const deps = async () => ({
  ecs,
  refs: createTaskRefs(await tables.empty()),
  clock,
  log: (_: string, event: string, fields = {}) => void logged.push(JSON.stringify([event, fields])),
  patience: { tries: 3, firstMs: 1, mostMs: 1, random: () => 0, sleep: async () => {} },
})

const listed = async (sessionId: string) => {
  const { taskArns = [] } = await ecs.send(
    new ListTasksCommand({ cluster, startedBy: sessionId, desiredStatus: 'RUNNING' }),
  )
  return taskArns
}

/** moto ignores the client token; ECS gives the first task again. */
function withClientTokens(client: ECSClient): ECSClient {
  const known = new Map<string, unknown>()
  const send = client.send.bind(client) as (command: unknown) => Promise<unknown>
  const wrapped = async (command: unknown) => {
    const token = command instanceof RunTaskCommand ? command.input.clientToken : undefined
    if (token === undefined) return send(command)
    if (!known.has(token)) known.set(token, await send(command))
    return known.get(token)
  }
  return Object.assign(Object.create(client) as ECSClient, { send: wrapped })
}

taskRunnerContract('Fargate', async () => {
  const shared = { ...(await deps()), ecs: withClientTokens(ecs) }
  const create = () => createTaskRunner(settings(), shared)
  return {
    tasks: create(),
    again: create,
    running: async (sessionId) => (await listed(sessionId)).length,
    die: async (sessionId) => {
      for (const task of await listed(sessionId))
        await ecs.send(new StopTaskCommand({ cluster, task, reason: 'Essential container exited' }))
    },
  }
})

const spec = (over: Partial<TaskSpec> = {}): TaskSpec => ({
  sessionId: 'aaaaaaaaaaaaaaaaaaaa',
  datasetId: 'pbmc',
  attempt: 1,
  size: { memoryMiB: 4096, vcpu: 1 },
  gateToken: 'secret-token',
  ...over,
})

/** What RunTask is asked for, answered by `answer` instead of AWS. */
function played(answer: (input: RunTaskCommand['input'], times: number) => unknown) {
  const asked: RunTaskCommand['input'][] = []
  const client = {
    send: async (command: unknown) => {
      if (command instanceof RunTaskCommand) {
        asked.push(command.input)
        return answer(command.input, asked.length)
      }
      if (command instanceof DescribeTasksCommand) return { tasks: [] }
      return { taskArns: [] }
    },
  } as unknown as ECSClient
  return { client, asked }
}
const named = (name: string, message: string, more = {}) =>
  Object.assign(new Error(message), { name, $metadata: { httpStatusCode: 400 }, ...more })
const started = { tasks: [{ taskArn: 'arn:task/1' }], failures: [] }

describe('what RunTask is asked for', () => {
  test('one token for one attempt, another for the next; two containers that share the memory; several zones', async () => {
    const { client, asked } = played(() => started)
    const runner = createTaskRunner(settings(), { ...(await deps()), ecs: client })
    await runner.start(spec())
    await runner.start(spec())
    await runner.start(spec({ attempt: 2 }))
    const [one, again, two] = asked
    expect(again).toEqual(one)
    expect(two?.clientToken).not.toBe(one?.clientToken)
    expect(one?.clientToken).toMatch(/^[\x21-\x7e]{1,64}$/)
    expect(one?.startedBy).toBe(spec().sessionId)
    expect(one?.overrides).toMatchObject({ cpu: '1024', memory: '4096' })
    const [gate, viewer] = one?.overrides?.containerOverrides ?? []
    expect((gate?.memory ?? 0) + (viewer?.memory ?? 0)).toBe(4096)
    expect(one?.overrides?.ephemeralStorage).toBeUndefined()
    expect(one?.networkConfiguration?.awsvpcConfiguration?.subnets?.length).toBe(2)
    expect(JSON.stringify(one?.overrides).length).toBeLessThan(8192)
    expect(logged.join()).not.toContain('secret-token')
  })

  test('disk for a large file, no more than there is; Spot at first, on demand after a refusal', async () => {
    const { client, asked } = played(() => started)
    const large = settings({ dataset: async (id) => ({ spot: true, fileBytes: (id === 'huge' ? 500 : 30) * 2 ** 30 }) })
    const runner = createTaskRunner(large, { ...(await deps()), ecs: client })
    await runner.start(spec())
    await runner.start(spec({ attempt: 2, datasetId: 'huge' }))
    expect(asked.map(({ overrides }) => overrides?.ephemeralStorage?.sizeInGiB)).toEqual([34, 200])
    expect(asked.map(({ capacityProviderStrategy: s }) => s?.[0]?.capacityProvider)).toEqual([
      'FARGATE_SPOT',
      'FARGATE',
    ])
  })
})

describe('refusals', () => {
  /** Nothing is said of whether something was started: the launcher then waits for what may still come. */
  const maybeStarted = { code: 'unavailable', data: expect.not.objectContaining({ nothingStarted: true }) }
  const refusals: [string, unknown, { code: string; data?: object }][] = [
    [
      'no capacity in the zones, as a failure',
      { tasks: [], failures: [{ reason: 'Capacity is unavailable at this time. Please try again later' }] },
      { code: 'no-room', data: { reason: 'zone-capacity' } },
    ],
    [
      'the processor quota',
      named('ClientException', 'You’ve reached the limit on the number of vCPUs you can run concurrently'),
      { code: 'no-room', data: { reason: 'vcpu-quota' } },
    ],
    [
      'the task quota',
      named('LimitExceededException', 'You have reached the limit of tasks you can run concurrently'),
      { code: 'no-room', data: { reason: 'task-quota' } },
    ],
    [
      'a right that lacks',
      named('AccessDeniedException', 'User is not authorized to perform: iam:PassRole'),
      { code: 'bad-setting' },
    ],
    [
      'throttled to the end',
      Object.assign(named('ThrottlingException', 'Rate exceeded'), { $metadata: { httpStatusCode: 400 } }),
      { code: 'unavailable', data: { nothingStarted: true } },
    ],
    [
      'never reached',
      Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' }),
      { code: 'unavailable', data: { nothingStarted: true } },
    ],
    [
      'no answer',
      Object.assign(new Error('socket hang up'), { name: 'TimeoutError', code: 'ECONNRESET' }),
      maybeStarted,
    ],
    [
      'a fault of AWS’s',
      Object.assign(named('ServerException', 'oops'), { $metadata: { httpStatusCode: 500 } }),
      maybeStarted,
    ],
  ]
  test('throttled at the end says nothing of a first try that had no answer; nor does an answer without a task', async () => {
    const lost = Object.assign(new Error('socket hang up'), { name: 'TimeoutError', code: 'ECONNRESET' })
    const throttled = Object.assign(named('ThrottlingException', 'Rate exceeded'), {
      $metadata: { httpStatusCode: 400 },
    })
    const { client, asked } = played(() => {
      throw asked.length === 1 ? lost : throttled
    })
    await expect(createTaskRunner(settings(), { ...(await deps()), ecs: client }).start(spec())).rejects.toMatchObject(
      maybeStarted,
    )
    const nothing = played(() => ({ tasks: [], failures: [] }))
    const runner = createTaskRunner(settings(), { ...(await deps()), ecs: nothing.client })
    await expect(runner.start(spec())).rejects.toMatchObject(maybeStarted)
  })

  test.each(refusals)('%s', async (_, answer, expected) => {
    const { client, asked } = played(() => {
      if (answer instanceof Error) throw answer
      return answer
    })
    const runner = createTaskRunner(settings(), { ...(await deps()), ecs: client })
    const refused = runner.start(spec())
    await expect(refused).rejects.toMatchObject(expected)
    // What may pass is tried again with the same token, so that it can’t start twice; what won’t is not.
    expect(asked.length).toBe(expected.code === 'unavailable' ? 3 : 1)
    expect(new Set(asked.map(({ clientToken }) => clientToken)).size).toBe(1)
  })

  test('throttled once, then started', async () => {
    const { client } = played((_, times) => {
      if (times === 1) throw named('ThrottlingException', 'Rate exceeded')
      return started
    })
    const all = await deps()
    await createTaskRunner(settings(), { ...all, ecs: client }).start(spec())
    expect(await all.refs.get(spec().sessionId)).toEqual(['arn:task/1'])
  })

  test('a token that was used with other parameters names the task that is there', async () => {
    const conflict = named('ConflictException', 'conflict', { resourceIds: ['arn:task/7'] })
    const { client } = played(() => {
      throw conflict
    })
    const all = await deps()
    await createTaskRunner(settings(), { ...all, ecs: client }).start(spec())
    expect(await all.refs.get(spec().sessionId)).toEqual(['arn:task/7'])
  })
})
