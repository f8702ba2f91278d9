/** The launcher on AWS: the same steps as on one machine, over the four adapters of this folder. Every Lambda begins with it. */
import { createGateTokens } from '../../auth/gate-token.ts'
import type { Keys } from '../../auth/keys.ts'
import type { Limits } from '../../core/limits.ts'
import type { Clock, LinkStore, Log, Ports } from '../../core/ports.ts'
import { createLauncher, type Launcher } from '../../launcher/index.ts'
import { openTable, type Table } from '../dynamo/table.ts'
import { createAdapters, limitsOf } from './adapters.ts'
import { type Clients, createClients } from './clients.ts'
import { jsonLog } from './log.ts'
import { loadSecrets } from './parameters.ts'
import type { SlotRouter } from './router.ts'
import { type Deployment, type Environment, readDeployment, readEnvironment } from './settings.ts'

export type Platform = {
  environment: Environment
  deployment: Deployment
  clients: Clients
  table: Table
  ports: Ports
  links: LinkStore
  router: SlotRouter
  launcher: Launcher
  limits: Limits
  keys: Keys
  originSecrets: readonly string[]
  clock: Clock
  log: Log
}

/** A write by another process is not heard of, so a long poll looks again this often, ms. */
export const recheckMs = 1_500
const gateTimes = { apiSilenceMs: 5 * 60_000, beatMs: 20_000 }

/** Reads the deployment and its secrets (two calls, side by side) and makes everything else without a call. */
export async function openPlatform(env: Readonly<Record<string, string | undefined>>): Promise<Platform> {
  const environment = readEnvironment(env)
  const clock: Clock = { now: () => Date.now() }
  const log = jsonLog
  const clients = createClients(env)
  const table = openTable(clients.dynamo, environment.table)
  const [deployment, { keys, originSecrets }] = await Promise.all([
    readDeployment(table),
    loadSecrets(clients.ssm, environment.parameters),
  ])
  const limits = limitsOf(deployment)
  const gateTokens = createGateTokens({ keys, clock, limits })
  const { ports } = createAdapters({ environment, deployment, clients, table, clock, log }, (session) =>
    gateTokens.sign(session),
  )
  const launcher = createLauncher(ports, limits, { ...gateTimes, routeKey: { ...keys.publicJwk } })
  return {
    environment,
    deployment,
    clients,
    table,
    ports,
    links: ports.links,
    router: ports.router,
    launcher: {
      ...launcher,
      waitForChange: (ownerId, datasetId, timeoutMs, signal) =>
        launcher.waitForChange(ownerId, datasetId, Math.min(timeoutMs, recheckMs), signal),
    },
    limits,
    keys,
    originSecrets,
    clock,
    log,
  }
}
