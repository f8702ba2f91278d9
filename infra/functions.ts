/**
 * The five Lambdas, each with a role of its own. The roles are ours and not SST's: its own may also be taken by the whole
 * account while developing, and write to every log.
 */
import { existsSync } from 'node:fs'
import { join, relative } from 'node:path'
import { type Environment, environmentNames } from '../functions/platform/aws/settings.ts'
import type { Network } from './network.ts'
import type { Openings } from './openings.ts'
import { documentOf, type Rights, rights, takenBy, writeLogs } from './rights.ts'
import type { Routes } from './routes.ts'
import type { Secrets } from './secrets.ts'
import { logDays, named, text } from './stage.ts'
import type { Storage } from './storage.ts'
import type { Tables } from './tables.ts'
import type { Tasks } from './tasks.ts'

export type Functions = ReturnType<typeof functions>
type Parts = {
  net: Network
  open: Openings
  storage: Storage
  table: Tables
  tasks: Tasks
  slots: Routes
  secret: Secrets
}
type Size = { memory: `${number} MB`; timeout: `${number} seconds` }

/** Where `buildAws` has put them. */
const bundles = text('CXOD_LAMBDAS') ?? join($cli.paths.root, 'dist', 'aws')

export function functions({ net, open, storage, table, tasks, slots, secret }: Parts) {
  const may = rights(table, storage, tasks, slots, secret.parameters)
  const launcher: Rights = [...may.store, ...may.secrets, ...may.viewers]
  const facts: Record<keyof Environment, $util.Input<string>> = {
    table: table.name,
    dataBucket: storage.data.id,
    vaultBucket: storage.vault.id,
    cluster: tasks.cluster.arn,
    taskDefinition: tasks.definition.arn,
    taskFamily: tasks.family,
    subnets: $util.all(net.taskSubnets.map(({ id }) => id)).apply((ids) => ids.join(',')),
    taskSecurityGroup: open.task.id,
    parameters: secret.parameters,
  }
  const environment = Object.fromEntries(
    (Object.keys(facts) as (keyof Environment)[]).map((name) => [environmentNames[name], facts[name]]),
  )

  function lambda(name: string, size: Size, allowed: Rights, url = false) {
    const title = name.replace(/(^|-)([a-z])/g, (_, __, letter: string) => letter.toUpperCase())
    const logs = new aws.cloudwatch.LogGroup(`${title}Logs`, {
      name: `/aws/lambda/${named(name)}`,
      retentionInDays: logDays,
    })
    const role = new aws.iam.Role(`${title}Role`, {
      name: named(name),
      assumeRolePolicy: takenBy('lambda.amazonaws.com'),
    })
    new aws.iam.RolePolicy(`${title}Rights`, { role: role.name, policy: documentOf([...allowed, writeLogs(logs)]) })
    const made = new sst.aws.Function(title, {
      name: named(name),
      bundle: bundleOf(name),
      handler: 'index.handler',
      runtime: 'nodejs22.x',
      architecture: 'arm64',
      ...size,
      role: role.arn,
      environment,
      // The program writes JSON itself; Lambda's own JSON would wrap it, and the alarms would not find its members.
      logging: { logGroup: logs.name, format: 'text' },
      // Open to the internet: the secret header is checked before anything of a request is read.
      ...(url ? { url: { authorization: 'none' as const, cors: false } } : {}),
    })
    return { fn: made, logs, name: named(name) }
  }

  // 30 seconds: longer than the longest poll (25), and short enough for the rules that make the launcher's protocol safe
  // (`requestedMs` three times, `graceMs` twice as long). A million cells' labels are carried over by the one, and brought together with
  // others by both, in 1.3 GB.
  const api = lambda(
    'api',
    { memory: '2048 MB', timeout: '30 seconds' },
    [...launcher, ...may.openRoute, ...may.readData, ...may.annotations],
    true,
  )
  const lobby = lambda('lobby', { memory: '2048 MB', timeout: '30 seconds' }, [...launcher, ...may.annotations], true)
  // Ends before the next minute's begins, and before `graceMs` is over for what it started.
  const reaper = lambda('reaper', { memory: '512 MB', timeout: '55 seconds' }, [
    ...launcher,
    ...may.noAccounts,
    ...may.cellNames,
    ...may.listCellNames,
    ...may.forgetCellNames,
  ])
  // No concurrency is reserved for it, though two looks at once are never needed (platform/aws/turn.ts sees to that): a new
  // account has ten in all, of which ten must stay unreserved, and could not deploy.
  // 3,008 MB is the most that a new account may have; one process that reads files takes half of it (indexer/client.ts). Files
  // are read in pieces and never lie on the disk, so the free 512 MB do.
  const indexer = lambda('indexer', { memory: '3008 MB', timeout: '900 seconds' }, [
    ...may.catalogue,
    ...may.readData,
    ...may.cellNames,
  ])
  const taskEvents = lambda('task-events', { memory: '512 MB', timeout: '30 seconds' }, [
    ...launcher,
    ...may.noAccounts,
  ])
  return { api, lobby, reaper, indexer, taskEvents }
}

/** SST wants it relative to the project, and would deploy an empty folder without a word. */
function bundleOf(name: string): string {
  const folder = join(bundles, name)
  if (existsSync(join(folder, 'index.mjs'))) return relative($cli.paths.root, folder)
  throw new Error(`The Lambda ${name} is not built (${folder}/index.mjs). Build first; infra/README.md says how.`)
}
