/** The whole of AWS that the launcher needs, on this machine: emulators, the edge before them, and what plays Lambda, Fargate, ALB and CloudFront. */
import { randomBytes } from 'node:crypto'
import { appendFileSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { DeleteObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { createLeases, type Lease } from '../../functions/platform/aws/leases.ts'
import type { Deployment } from '../../functions/platform/aws/settings.ts'
import { createSessionStore } from '../../functions/platform/dynamo/sessions.ts'
import { buildAws } from '../../functions/setup/build-aws.mjs'
import { projectRoot, serverDirOf } from '../../functions/setup/python.ts'
import { builtPrograms } from '../support/built.ts'
import { startDynamoDbLocal } from '../support/dynamodb-local.ts'
import { startMoto } from '../support/moto.ts'
import { keepOutput, recordSecret } from '../support/suite-record.ts'
import { testPython } from '../support/tools.ts'
import { type Account, makeAccount, names } from './account.ts'
import { createAlb } from './alb.ts'
import { startCloudFront } from './cloudfront.ts'
import { type Ecs, playEcs } from './ecs.ts'
import { type Edge, startEdge } from './edge.ts'
import { type Elb, playElb } from './elb.ts'
import { playEvents, type TaskEvents } from './events.ts'
import { createFargate } from './fargate.ts'
import { createFunction, type LambdaFunction, type Outcome } from './lambda.ts'
import { createRights } from './rights.ts'

export type HarnessSettings = {
  /** A folder of its own with a short path, removed by whoever made it. */
  dir: string
  slots?: number
  limits?: Deployment['limits']
  onDemand?: string[]
  /** The reaper's schedule, ms; 60 s on AWS. None: a test ticks by hand. */
  tickEveryMs?: number
  /** Between RunTask and running containers, ms: 45 to 90 s on AWS. */
  startMs?: number
  stopTimeoutMs?: number
}

const functionNames = ['api', 'lobby', 'reaper', 'indexer', 'task-events'] as const
export type FunctionName = (typeof functionNames)[number]
/** As infra/functions.ts sets them, ms. */
const timeouts: Record<FunctionName, number> = {
  api: 30_000,
  lobby: 30_000,
  reaper: 55_000,
  indexer: 900_000,
  'task-events': 30_000,
}

export type Harness = {
  appOrigin: string
  viewOrigin: string
  edge: Edge
  ecs: Ecs
  elb: Elb
  account: Account
  functions: Record<FunctionName, LambdaFunction>
  events: TaskEvents
  /** One minute's event of the reaper, now. */
  tick(): Promise<Outcome>
  /** Moves the functions' clocks: nobody wants to wait half an hour to see a viewer sleep. */
  advance(ms: number): void
  /** Into the data bucket; the indexer hears of it. */
  upload(key: string, file: string): Promise<void>
  remove(key: string): Promise<void>
  /** Sessions that are live, tasks not told to stop, targets and leases: all empty when nothing is left. */
  held(): Promise<{ sessions: string[]; tasks: string[]; targets: string[]; leases: Lease[] }>
  /** What functions, gates and viewers wrote. */
  log(): string
  logFile: string
  stop(): Promise<void>
}

export async function startHarness(settings: HarnessSettings): Promise<Harness> {
  const logFile = path.join(settings.dir, 'harness.log')
  const keep = keepOutput('aws')
  const output = (from: string) => (text: string) => {
    keep(text)
    appendFileSync(logFile, text.replace(/^(?=.)/gm, `${from}: `))
  }
  const closers: (() => unknown)[] = []
  const denied = new Set<string>()
  const stop = async () => {
    for (const close of closers.splice(0).reverse()) await close()
    // Told at the end: whatever happened before is what the test is about.
    if (denied.size > 0)
      throw new Error(`On AWS these calls would be refused (infra/rights.ts):\n${[...denied].join('\n')}`)
  }
  const closing = <T extends { stop(): unknown }>(one: T): T => {
    closers.push(() => one.stop())
    return one
  }
  try {
    const root = projectRoot()
    const [dist, moto, dynamodb, cloudfront] = await Promise.all([
      builtPrograms(),
      startMoto().then(closing),
      startDynamoDbLocal().then(closing),
      startCloudFront().then(closing),
    ])
    const bundles = await buildAws(root, serverDirOf(testPython()))
    const originSecret = randomBytes(32).toString('hex')
    recordSecret('token', originSecret)
    const { appOrigin, viewOrigin } = cloudfront
    const { slots = 4, limits, onDemand } = settings
    const origins = { appOrigin, viewOrigin, originSecret }
    const given = { moto, dynamodb: dynamodb.endpoint, slots, ...origins }
    const account = closing(await makeAccount({ ...given, ...(limits && { limits }), ...(onDemand && { onDemand }) }))
    const edge = closing(await startEdge({ moto: moto.endpoint, dynamodb: dynamodb.endpoint }))
    const rights = createRights(
      account.environment,
      account.slots.map(({ targetGroupArn }) => targetGroupArn),
    )
    edge.hear((call) => {
      for (const words of rights.missing(call)) denied.add(words)
    })
    const fargate = createFargate({
      dir: settings.dir,
      gateCommand: [process.execPath, path.join(dist, 'gate.mjs')],
      viewerCommand: [testPython(), '-I', path.join(root, 'functions', 'viewer')],
      stopTimeoutMs: settings.stopTimeoutMs ?? 120_000,
      startMs: settings.startMs ?? 100,
      output: output('task'),
    })
    const ecs = closing(playEcs(edge, fargate))
    const portOf = (address: string) => ecs.portOf(address)
    const elb = closing(await playElb(edge, { endpoint: moto.endpoint, portOf, checkEveryMs: 300 }))

    const ahead = { ms: 0 }
    const environment = { ...account.environment, AWS_ENDPOINT_URL: edge.url, AWS_ENDPOINT_URL_DYNAMODB: edge.url }
    const made = functionNames.map((name) => {
      const program = path.join(bundles, name, 'index.mjs')
      const one = { name, program, environment, timeoutMs: timeouts[name], output: output(name) }
      return [name, closing(createFunction(one, ahead))] as const
    })
    const functions = Object.fromEntries(made) as Record<FunctionName, LambdaFunction>
    const { api, lobby, reaper, indexer } = functions
    const alb = createAlb({ elb, portOf, idleMs: 300_000, connectMs: 3_000 })
    cloudfront.serve({ originSecret, api, lobby, alb, originTimeoutMs: 60_000 })
    const events = playEvents({ ecs, edge, indexer, taskEvents: functions['task-events'], cluster: names.cluster })
    const tick = () => reaper.invoke({ source: 'aws.events', 'detail-type': 'Scheduled Event', detail: {} })
    if (settings.tickEveryMs !== undefined) closing(schedule(tick, settings.tickEveryMs))

    const credentials = { accessKeyId: 'person', secretAccessKey: 'test' }
    const s3 = new S3Client({ endpoint: edge.url, region: 'us-east-1', credentials, forcePathStyle: true })
    closers.push(() => s3.destroy())
    const Bucket = names.data
    return {
      appOrigin,
      viewOrigin,
      edge,
      ecs,
      elb,
      account,
      functions,
      events,
      tick,
      advance(ms) {
        ahead.ms += ms
      },
      async upload(Key, file) {
        await s3.send(new PutObjectCommand({ Bucket, Key, Body: readFileSync(file) }))
      },
      async remove(Key) {
        await s3.send(new DeleteObjectCommand({ Bucket, Key }))
      },
      held: () => held(ecs, elb, account),
      log: () => readFileSync(logFile, 'utf8'),
      logFile,
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

async function held(ecs: Ecs, elb: Elb, account: Account) {
  const targets = elb.groups().flatMap((group) => elb.targets(group).filter(({ health }) => health !== 'draining'))
  const live = await createSessionStore(account.table).listLive()
  return {
    sessions: live.map(({ id }) => id),
    tasks: ecs.alive().flatMap(({ desiredStatus, startedBy }) => (desiredStatus === 'RUNNING' ? [startedBy] : [])),
    targets: targets.map(({ id, port }) => `${id}:${port}`),
    leases: await createLeases(account.table).all(),
  }
}

/** One after the other: a tick that takes long is not joined by the next. */
function schedule(tick: () => Promise<unknown>, everyMs: number): { stop(): Promise<void> } {
  let stopped = false
  let wake = () => {}
  const loop = (async () => {
    while (!stopped) {
      await new Promise<void>((resolve) => {
        wake = resolve
        setTimeout(resolve, everyMs)
      })
      if (!stopped) await tick()
    }
  })()
  return {
    async stop() {
      stopped = true
      wake()
      await loop
    },
  }
}
