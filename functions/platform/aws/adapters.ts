/** The four adapters and the stores of one deployment, put together: for the Lambdas and for the operator's sweep alike. */
import { defaultLimits, type Limits } from '../../core/limits.ts'
import type { Clock, Log, Ports } from '../../core/ports.ts'
import { createCatalogue } from '../dynamo/catalogue.ts'
import { createLinkStore } from '../dynamo/links.ts'
import { createReceiptStore } from '../dynamo/receipts.ts'
import { createSessionStore } from '../dynamo/sessions.ts'
import type { Table } from '../dynamo/table.ts'
import { newSessionId } from '../session-id.ts'
import { createCellNames } from './cells.ts'
import type { Clients } from './clients.ts'
import { createDatasetFiles } from './dataset-files.ts'
import { createLeases, type Leases } from './leases.ts'
import { createRouter, type SlotRouter } from './router.ts'
import { type Deployment, type Environment, taskShape } from './settings.ts'
import { createTaskRefs } from './task-refs.ts'
import { createTaskRunner } from './task-runner.ts'
import { createVault } from './vault.ts'

/** The ports, and what only AWS has of them. */
export type Adapters = { ports: Ports & { router: SlotRouter }; leases: Leases }

/** Makes no call. */
export function createAdapters(
  of: { environment: Environment; deployment: Deployment; clients: Clients; table: Table; clock: Clock; log: Log },
  gateToken: Ports['gateToken'],
): Adapters {
  const { environment, deployment, clients, table, clock, log } = of
  const { ecs, elb, s3 } = clients
  const catalogue = createCatalogue(table)
  const leases = createLeases(table)
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
  return {
    leases,
    ports: {
      sessions: createSessionStore(table),
      receipts: createReceiptStore(table),
      catalogue,
      links: createLinkStore(table),
      tasks,
      router: createRouter({ elb, leases, slots: deployment.slots, clock }),
      files: createDatasetFiles(s3, environment.dataBucket),
      cells: createCellNames(s3, environment.vaultBucket, clock),
      vault: createVault(s3, environment.vaultBucket, clock),
      clock,
      newId: newSessionId,
      gateToken,
      log,
    },
  }
}

export function limitsOf({ slots, limits }: Deployment): Limits {
  return {
    ...defaultLimits,
    // What infra gives each function that launches: the *bound* and *grace* rules are held against it.
    apiTimeoutMs: 30_000,
    // A viewer more than there are slots would be paid for and unreachable.
    liveSessions: slots.length,
    besideViewerMiB: taskShape.gateMemoryMiB,
    // Without what is undefined: the types allow a limit to be named and not given.
    ...Object.fromEntries(Object.entries(limits).filter(([, value]) => value !== undefined)),
  }
}
