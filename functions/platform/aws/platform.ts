/** The launcher on AWS: the same steps as on one machine, over the four adapters of this folder. Every Lambda begins with it. */

import { createGateTokens } from '../../auth/gate-token.ts'
import type { Keys } from '../../auth/keys.ts'
import { defaultLimits, type Limits } from '../../core/limits.ts'
import type { Clock, LinkStore, Log, Ports } from '../../core/ports.ts'
import { createLauncher, type Launcher } from '../../launcher/index.ts'
import { createCatalogue } from '../dynamo/catalogue.ts'
import { createLinkStore } from '../dynamo/links.ts'
import { createReceiptStore } from '../dynamo/receipts.ts'
import { createSessionStore } from '../dynamo/sessions.ts'
import { openTable, type Table } from '../dynamo/table.ts'
import { newSessionId } from '../session-id.ts'
import { createCellNames } from './cells.ts'
import { type Clients, createClients } from './clients.ts'
import { createDatasetFiles } from './dataset-files.ts'
import { createLeases } from './leases.ts'
import { jsonLog } from './log.ts'
import { loadSecrets } from './parameters.ts'
import { createRouter, type SlotRouter } from './router.ts'
import { type Deployment, type Environment, readDeployment, readEnvironment, taskShape } from './settings.ts'
import { createTaskRefs } from './task-refs.ts'
import { createTaskRunner } from './task-runner.ts'
import { createVault } from './vault.ts'

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
  const { dynamo, ecs, elb, s3, ssm } = clients
  const table = openTable(dynamo, environment.table)
  const [deployment, { keys, originSecrets }] = await Promise.all([
    readDeployment(table),
    loadSecrets(ssm, environment.parameters),
  ])
  const limits: Limits = {
    ...defaultLimits,
    // What infra gives each function that launches: the *bound* and *grace* rules are held against it.
    apiTimeoutMs: 30_000,
    // A viewer more than there are slots would be paid for and unreachable.
    liveSessions: deployment.slots.length,
    besideViewerMiB: taskShape.gateMemoryMiB,
    ...given(deployment.limits),
  }
  const catalogue = createCatalogue(table)
  const tasks = createTaskRunner(
    {
      cluster: environment.cluster,
      taskDefinition: environment.taskDefinition,
      family: environment.taskFamily,
      subnets: environment.subnets,
      securityGroup: environment.taskSecurityGroup,
      publicIp: true,
      port: taskShape.gatePort,
      containers: taskShape.containers,
      gateMemoryMiB: taskShape.gateMemoryMiB,
      apiUrl: deployment.appOrigin,
      async dataset(datasetId) {
        const dataset = await catalogue.get(datasetId)
        const path = dataset?.path ?? ''
        const onDemand = deployment.onDemand.some((folder) => folder === '*' || path.startsWith(`${folder}/`))
        return { spot: !onDemand, fileBytes: dataset?.sizeBytes ?? 0 }
      },
    },
    { ecs, refs: createTaskRefs(table), clock, log },
  )
  const router = createRouter({ elb, leases: createLeases(table), slots: deployment.slots, clock })
  const links = createLinkStore(table)
  const gateTokens = createGateTokens({ keys, clock, limits })
  const ports: Ports = {
    sessions: createSessionStore(table),
    receipts: createReceiptStore(table),
    catalogue,
    links,
    tasks,
    router,
    files: createDatasetFiles(s3, environment.dataBucket),
    cells: createCellNames(s3, environment.vaultBucket, clock),
    vault: createVault(s3, environment.vaultBucket, clock),
    clock,
    newId: newSessionId,
    gateToken: (session) => gateTokens.sign(session),
    log,
  }
  const launcher = createLauncher(ports, limits, { ...gateTimes, routeKey: { ...keys.publicJwk } })
  return {
    environment,
    deployment,
    clients,
    table,
    ports,
    links,
    router,
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

/** Without what is undefined: the types allow a limit to be named and not given. */
function given(limits: Deployment['limits']): Partial<Limits> {
  return Object.fromEntries(Object.entries(limits).filter(([, value]) => value !== undefined))
}
