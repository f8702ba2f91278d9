/**
 * One Lambda as the faults see it: the real launcher on the real adapters, and every request to AWS passes a rule that
 * may count it, refuse it, lose its answer, hold it up, or end the process before or after its effect.
 */
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { ECSClient } from '@aws-sdk/client-ecs'
import { ElasticLoadBalancingV2Client } from '@aws-sdk/client-elastic-load-balancing-v2'
import { S3Client } from '@aws-sdk/client-s3'
import { defaultLimits, type Limits } from '../../functions/core/limits.ts'
import type { Ports } from '../../functions/core/ports.ts'
import { createLauncher, type Launcher } from '../../functions/launcher/index.ts'
import { createCellNames } from '../../functions/platform/aws/cells.ts'
import { createDatasetFiles } from '../../functions/platform/aws/dataset-files.ts'
import { createLeases } from '../../functions/platform/aws/leases.ts'
import { type ReaperTick, reaperTick } from '../../functions/platform/aws/reaper-tick.ts'
import { createRouter, type SlotRouter } from '../../functions/platform/aws/router.ts'
import { taskShape } from '../../functions/platform/aws/settings.ts'
import { createTaskRefs } from '../../functions/platform/aws/task-refs.ts'
import { createTaskRunner } from '../../functions/platform/aws/task-runner.ts'
import { createVault } from '../../functions/platform/aws/vault.ts'
import { createCatalogue } from '../../functions/platform/dynamo/catalogue.ts'
import { createLinkStore } from '../../functions/platform/dynamo/links.ts'
import { createReceiptStore } from '../../functions/platform/dynamo/receipts.ts'
import { createSessionStore } from '../../functions/platform/dynamo/sessions.ts'
import { openTable } from '../../functions/platform/dynamo/table.ts'
import { newSessionId } from '../../functions/platform/session-id.ts'
import type { World } from './world.ts'

/** One request: its number in this process, how often this very question was asked before it, and what it asks. */
export type Call = { n: number; name: string; tries: number; input: object }
/**
 * An `Error` is what AWS answers instead; `lose`: it had its effect, and the connection broke before the answer; `answer`:
 * given in place of asking; `hold`: asked once that is done; `change`: what becomes of the real answer.
 */
export type Verdict =
  | 'go'
  | 'die-before'
  | 'die-after'
  | 'lose'
  | Error
  | { answer: object }
  | { hold: Promise<void> }
  | { change(output: object): object }
export type Rule = (call: Call) => Verdict

/** As AWS answers when it is asked too often. */
export const throttled = () =>
  Object.assign(new Error('Rate exceeded'), {
    name: 'ThrottlingException',
    $metadata: { httpStatusCode: 400 },
    $retryable: { throttling: true },
  })

export const mutating = /^(PutItem|UpdateItem|DeleteItem|RunTask|StopTask|RegisterTargets|DeregisterTargets|PutObject)$/

export type Process = {
  launcher: Launcher
  ports: Ports
  router: SlotRouter
  /** Names of all requests so far, in order: `PutItem`, `RunTask`. */
  calls: string[]
  tick(): Promise<ReaperTick>
  /** What became of it; a process that died says nothing. */
  run<T>(work: Promise<T>): Promise<{ value: T } | { error: unknown } | 'died'>
}

const never = () => new Promise<never>(() => {})
const answered = (output: object) => ({ $metadata: {}, ...output })
const lost = () => Object.assign(new Error('socket hang up'), { name: 'TimeoutError', code: 'ECONNRESET' })

export function startProcess(world: World, rule: Rule = () => 'go', over: Partial<Limits> = {}): Process {
  const calls: string[] = []
  const tries = new WeakMap<object, number>()
  let die = () => {}
  let dead = false
  const died = new Promise<'died'>((resolve) => {
    die = () => {
      dead = true
      resolve('died')
    }
  })

  type Client = DynamoDBClient | ECSClient | ElasticLoadBalancingV2Client | S3Client
  const watched = <T extends Client>(client: T): T => {
    const stack = client.middlewareStack as ECSClient['middlewareStack']
    stack.add(
      (next, context) => async (args) => {
        if (dead) return never()
        const name = String(context.commandName).replace(/Command$/, '')
        calls.push(name)
        const asked = tries.get(args.input) ?? 0
        tries.set(args.input, asked + 1)
        const verdict = rule({ n: calls.length, name, tries: asked, input: args.input })
        if (verdict instanceof Error) throw verdict
        if (verdict === 'die-before') {
          die()
          return never()
        }
        const send = async () => {
          if (typeof verdict === 'object' && 'hold' in verdict) await verdict.hold
          if (typeof verdict === 'object' && 'answer' in verdict)
            return { response: {}, output: answered(verdict.answer) }
          const real = await next(args)
          return typeof verdict === 'object' && 'change' in verdict
            ? { ...real, output: answered(verdict.change(real.output)) }
            : real
        }
        const answer = await (name === 'RunTask' ? world.onceByToken(args.request, send) : send())
        if (verdict === 'die-after') die()
        // Also what was under way when it died: its effect is there, and nobody hears of it.
        if (dead) return never()
        if (verdict === 'lose') throw lost()
        return answer
      },
      // Within the SDK's own repeating: each try is a request.
      { step: 'finalizeRequest', priority: 'low', name: 'faults' },
    )
    return client
  }

  const { moto, clock, log } = world
  // The SDK's pauses would only cost time here; how often it tries is what it does by itself (3).
  const token = (count: number) => ({ getRetryCount: () => count, getRetryDelay: () => 0 })
  const retryStrategy = {
    acquireInitialRetryToken: async () => token(0),
    refreshRetryTokenForRetry: async (last: { getRetryCount(): number }, { errorType }: { errorType: string }) => {
      if (errorType === 'CLIENT_ERROR' || last.getRetryCount() >= 2) throw new Error('tried three times')
      return token(last.getRetryCount() + 1)
    },
    recordSuccess: () => {},
  }
  const dynamo = watched(
    new DynamoDBClient({
      endpoint: world.tables.endpoint,
      region: 'us-east-1',
      credentials: moto.clientConfig.credentials,
      requestHandler: world.handler,
      retryStrategy,
    }),
  )
  const shared = { ...moto.clientConfig, requestHandler: world.handler }
  const ecs = watched(new ECSClient(shared))
  const elb = watched(new ElasticLoadBalancingV2Client(shared))
  const s3 = watched(
    new S3Client({ ...moto.clientConfig, requestHandler: world.handler, retryStrategy, forcePathStyle: true }),
  )
  const patience = { tries: 6, firstMs: 1, mostMs: 1, random: () => 0, sleep: async () => {} }
  const table = openTable(dynamo, world.table.name)
  const catalogue = createCatalogue(table)
  const router = createRouter({ elb, leases: createLeases(table), slots: world.slots, clock, patience })
  const tasks = createTaskRunner(
    {
      cluster: world.cluster,
      taskDefinition: 'viewer:1',
      family: 'viewer',
      subnets: world.subnets,
      securityGroup: 'sg-12345678',
      publicIp: true,
      port: taskShape.gatePort,
      containers: taskShape.containers,
      gateMemoryMiB: taskShape.gateMemoryMiB,
      apiUrl: 'https://app.example.org',
      dataset: async (id) => ({ spot: true, fileBytes: (await catalogue.get(id))?.sizeBytes ?? 0 }),
    },
    { ecs, refs: createTaskRefs(table), clock, log, patience },
  )
  const ports: Ports = {
    sessions: createSessionStore(table),
    receipts: createReceiptStore(table),
    catalogue,
    links: createLinkStore(table),
    tasks,
    router,
    files: createDatasetFiles(s3, world.bucket),
    cells: createCellNames(s3, world.bucket, clock),
    vault: createVault(s3, world.bucket, clock),
    clock,
    newId: newSessionId,
    gateToken: async () => 'token',
    log,
  }
  const limits = { ...defaultLimits, liveSessions: world.slots.length, ...over }
  const launcher = createLauncher(ports, limits, { apiSilenceMs: 300_000, beatMs: 20_000, routeKey: {} })
  return {
    launcher,
    ports,
    router,
    calls,
    tick: () => reaperTick({ launcher, ports, router, settleMs: 0 }, 55_000),
    run: (work) =>
      Promise.race([
        work.then(
          (value) => ({ value }),
          (error: unknown) => ({ error }),
        ),
        died,
      ]),
  }
}
