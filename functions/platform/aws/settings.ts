/**
 * What a deploy tells its Lambdas. Few words by environment, the rest in one item of the table, written by infra: a
 * hundred slots don't fit into an environment (4 KB), and the addresses of the two distributions exist only after the
 * functions that answer behind them.
 */
import { GetCommand } from '@aws-sdk/lib-dynamodb'
import { z } from 'zod'
import { LauncherError } from '../../core/errors.ts'
import type { Table } from '../dynamo/table.ts'
import { issuerList } from '../issuer-list.ts'

/** Environment of every Lambda; infra sets each of these and nothing else. */
export const environmentNames = {
  /** The one DynamoDB table. */
  table: 'CXOD_TABLE',
  dataBucket: 'CXOD_DATA_BUCKET',
  /** Annotations, and the names of cells below `cells/`. */
  vaultBucket: 'CXOD_VAULT_BUCKET',
  cluster: 'CXOD_CLUSTER',
  /** Family and revision, or ARN. */
  taskDefinition: 'CXOD_TASK_DEFINITION',
  taskFamily: 'CXOD_TASK_FAMILY',
  /** Ids, separated by commas: one per zone. */
  subnets: 'CXOD_SUBNETS',
  taskSecurityGroup: 'CXOD_TASK_SECURITY_GROUP',
  /** Of the parameters in SSM, `/<app>/<stage>`; below it `signing-key` (made at first need) and `origin-secrets`. */
  parameters: 'CXOD_PARAMETERS',
} as const

export type Environment = Record<Exclude<keyof typeof environmentNames, 'subnets'>, string> & { subnets: string[] }

/** Throws `bad-setting` naming everything that is missing. */
export function readEnvironment(env: Readonly<Record<string, string | undefined>>): Environment {
  const missing = Object.values(environmentNames).filter((name) => !env[name])
  if (missing.length > 0)
    throw new LauncherError('bad-setting', `The deployment sets no ${missing.join(', ')}. Deploy again.`)
  const value = (name: keyof typeof environmentNames) => env[environmentNames[name]] ?? ''
  return {
    table: value('table'),
    dataBucket: value('dataBucket'),
    vaultBucket: value('vaultBucket'),
    cluster: value('cluster'),
    taskDefinition: value('taskDefinition'),
    taskFamily: value('taskFamily'),
    subnets: value('subnets').split(','),
    taskSecurityGroup: value('taskSecurityGroup'),
    parameters: value('parameters'),
  }
}

/** Key of the item; its attribute `document` is JSON of a `Deployment`. */
export const deploymentKey = { pk: 'deployment', sk: 'current' } as const

const origin = z.url().refine((text) => new URL(text).origin === text, 'without a path')
const duration = z.number().positive()

const deployment = z.object({
  v: z.literal(1),
  /** Scheme and host as browsers see them; two hosts, never one. */
  appOrigin: origin,
  viewOrigin: origin,
  slots: z.array(z.object({ slot: z.string().regex(/^\d\d$/), targetGroupArn: z.string() })).min(1),
  /** Identity providers whose tokens are accepted; the same form as the file of `--issuers` on one machine. */
  issuers: issuerList.default([]),
  /** Limits that a lab may set; what is missing has the default of `core/limits.ts`. */
  limits: z
    .object({
      idleMs: duration,
      lifetimeMs: duration,
      liveSessions: duration,
      liveSessionsPerUser: duration,
      liveSessionsPerLink: duration,
      diffexpCells: duration,
    })
    .partial()
    .default({}),
  /** Datasets below these folders run on demand, all others on Spot; `*`: all of them on demand. */
  onDemand: z.array(z.string()).default([]),
})
export type Deployment = z.infer<typeof deployment>

/** Throws `unavailable` before the first deploy is complete, `bad-setting` for one that this program can't use. */
export async function readDeployment({ client, name: TableName }: Table): Promise<Deployment> {
  const { Item } = await client.send(new GetCommand({ TableName, Key: deploymentKey, ConsistentRead: true }))
  if (Item === undefined)
    throw new LauncherError('unavailable', 'The deployment is not complete yet. Try again in a few minutes.')
  return parseDeployment(String(Item.document))
}

export function parseDeployment(text: string): Deployment {
  const parsed = deployment.safeParse(safeJson(text))
  if (parsed.success) return parsed.data
  throw new LauncherError(
    'bad-setting',
    `The deployment's settings can't be used: ${parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ')}.`,
  )
}

function safeJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

/** The two containers of the task definition, the port of gates, and what a gate takes of a task's memory (MiB). */
export const taskShape = {
  containers: { gate: 'gate', viewer: 'viewer' },
  gatePort: 8080,
  gateMemoryMiB: 256,
  /** Mount point of the volume that both share. The viewer's own corner is `v` below it, as on one machine. */
  taskDir: '/task',
  viewerSocket: '/task/v/viewer.sock',
  taskSocket: '/task/v/task.sock',
} as const

/**
 * How pages of both origins reach the vault's bucket, and only this: large bodies, by PUT to an address that was signed for exactly
 * these bytes. Their size is signed as well, but is no header that a page could set.
 */
export const uploadCors = {
  methods: ['PUT'],
  headers: ['content-type', 'x-amz-checksum-sha256'],
  maxAgeSeconds: 300,
} as const

/** What CloudFront adds so that the functions can tell it from the rest of the internet. */
export const originSecretHeader = 'x-cxod-origin'
