/**
 * What the functions read when they start: one item of the table, written last, when the addresses are known. Checked here
 * with the functions' own reader, so that a deploy fails instead of every function after it.
 */
import { readFileSync } from 'node:fs'
import { type Deployment, deploymentKey, parseDeployment } from '../functions/platform/aws/settings.ts'
import type { Distributions } from './distributions.ts'
import type { Routes } from './routes.ts'
import { lifetimeHours, number, text } from './stage.ts'
import type { Tables } from './tables.ts'

const minute = 60_000

export function facts(table: Tables, { app, view }: Distributions, { slots }: Routes) {
  const limits = given({
    idleMs: times(number('CXOD_IDLE_MINUTES', 24 * 60), minute),
    lifetimeMs: lifetimeHours * 60 * minute,
    liveSessions: number('CXOD_LIVE_SESSIONS', 100),
    liveSessionsPerUser: number('CXOD_LIVE_SESSIONS_PER_USER', 100),
    liveSessionsPerLink: number('CXOD_LIVE_SESSIONS_PER_LINK', 100),
    diffexpCells: number('CXOD_DIFFEXP_CELLS', 100_000_000),
  })
  const issuers: unknown = readIssuers()
  const onDemand = (text('CXOD_ON_DEMAND') ?? '').split(',').flatMap((folder) => folder.trim() || [])
  const document = $util
    .all([app.origin, view.origin, $util.all(slots)])
    .apply(([appOrigin, viewOrigin, all]) =>
      checked(JSON.stringify({ v: 1, appOrigin, viewOrigin, slots: all, issuers, limits, onDemand })),
    )
  new aws.dynamodb.TableItem('Deployment', {
    tableName: table.name,
    hashKey: table.hashKey,
    rangeKey: table.rangeKey.apply((key) => key ?? ''),
    item: document.apply((json) =>
      JSON.stringify({ pk: { S: deploymentKey.pk }, sk: { S: deploymentKey.sk }, document: { S: json } }),
    ),
  })
}

/** The same file as `--issuers` on one machine. */
function readIssuers(): unknown {
  const file = text('CXOD_ISSUERS')
  if (file === undefined) return []
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch (error) {
    throw new Error(`CXOD_ISSUERS: ${file} can't be read as JSON (${error instanceof Error ? error.message : error}).`)
  }
}

function checked(json: string): string {
  const { slots, limits }: Deployment = parseDeployment(json)
  if ((limits.liveSessions ?? 0) > slots.length)
    throw new Error(
      `CXOD_LIVE_SESSIONS=${limits.liveSessions} is more than the ${slots.length} places: raise CXOD_SLOTS.`,
    )
  return json
}

const times = (value: number | undefined, by: number) => (value === undefined ? undefined : value * by)
/** Without what is not set. */
const given = (limits: Record<string, number | undefined>) =>
  Object.fromEntries(Object.entries(limits).filter(([, value]) => value !== undefined))
