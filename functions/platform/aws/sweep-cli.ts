/** `npm run sweep`: for whoever has the AWS account: what leaks, what it costs, and its end. */
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { isLauncherError, LauncherError } from '../../core/errors.ts'
import type { Clock, Log } from '../../core/ports.ts'
import { createHere } from '../../launcher/context.ts'
import { reapListed } from '../../launcher/reap.ts'
import { collect, taskChanged } from '../../launcher/sweep.ts'
import { openTable } from '../dynamo/table.ts'
import { createAdapters, limitsOf } from './adapters.ts'
import { createClients } from './clients.ts'
import { prices } from './prices.ts'
import { readDeployment, readEnvironment } from './settings.ts'
import { type Account, findLeaks, type Leak } from './sweep-report.ts'

export const sweepUsage = `npm run sweep -- --dry-run          lists what leaks and its $ a day; changes nothing
npm run sweep                       ends what leaks, as the reaper does every minute

--env FILE  the deployment's environment, as lines NAME=value or as JSON; else the environment of this process
--json      for a program
Region and credentials as the AWS CLI takes them. Exit code: 0 nothing leaks (any more), 1 something does, 2 it could not be read.`

type Terminal = { output: { write(text: string): unknown }; error: { write(text: string): unknown } }
type Env = Readonly<Record<string, string | undefined>>

/** @param settleMs see `Account.settle` */
export async function runSweepCli(
  words: readonly string[],
  terminal: Terminal,
  env: Env,
  clock: Clock,
  settleMs = 3_000,
): Promise<number> {
  try {
    const { values } = parseArgs({
      args: [...words],
      options: {
        'dry-run': { type: 'boolean' },
        env: { type: 'string' },
        json: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    })
    if (values.help) {
      terminal.output.write(`${sweepUsage}\n`)
      return 0
    }
    const given = values.env === undefined ? env : { ...env, ...readEnvFile(values.env) }
    const opened = await open(given, clock, terminal, settleMs)
    try {
      const found = await findLeaks(opened)
      if (!values['dry-run']) await opened.end(found)
      const left = values['dry-run'] ? found : found.length === 0 ? [] : await findLeaks(opened)
      terminal.output.write(values.json ? toJson(found, left, clock) : toText(found, left, values['dry-run'] ?? false))
      return left.length === 0 ? 0 : 1
    } finally {
      opened.close()
    }
  } catch (error) {
    const usage = error instanceof TypeError && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS')
    const said = isLauncherError(error) || usage ? error.message : inWords(error)
    terminal.error.write(`${said}\n${usage ? `\n${sweepUsage}\n` : ''}`)
    return 2
  }
}

const inWords = (error: unknown): string =>
  error instanceof Error
    ? `AWS could not be asked (${error.name}: ${error.message}). Are region and credentials set, and may they read this deployment?`
    : String(error)

/** Lines `NAME=value`, or what `aws lambda get-function-configuration --query Environment.Variables` prints. */
function readEnvFile(file: string): Record<string, string> {
  let text: string
  try {
    text = readFileSync(file, 'utf8').trim()
  } catch {
    throw new LauncherError('bad-setting', `${file} can't be read. Name the file with the deployment's environment.`)
  }
  if (text.startsWith('{')) {
    try {
      return Object.fromEntries(
        Object.entries(JSON.parse(text) as object).map(([name, value]) => [name, String(value)]),
      )
    } catch {
      throw new LauncherError('bad-setting', `${file} begins like JSON but is none.`)
    }
  }
  const lines = text.split('\n').map((line) => /^\s*(?:export\s+)?([A-Z][A-Z0-9_]*)=(['"]?)(.*?)\2\s*$/.exec(line))
  return Object.fromEntries(lines.flatMap((found) => (found ? [[found[1] ?? '', found[3] ?? '']] : [])))
}

/** The real adapters, without the deployment's secrets: the sweep signs nothing and starts nothing. */
async function open(env: Env, clock: Clock, terminal: Terminal, settleMs: number) {
  const environment = readEnvironment(env)
  const clients = createClients(env)
  const table = openTable(clients.dynamo, environment.table)
  const deployment = await readDeployment(table)
  const log: Log = (level, event, fields = {}) => {
    if (level !== 'info') terminal.error.write(`${event} ${JSON.stringify(fields)}\n`)
  }
  const { ports, leases } = createAdapters({ environment, deployment, clients, table, clock, log }, async () => {
    throw new LauncherError('conflict', 'The sweep starts nothing.')
  })
  const { router } = ports
  const context = { ports, limits: limitsOf(deployment), here: createHere() }
  const settle = () => new Promise<void>((resolve) => setTimeout(resolve, settleMs))
  const { cluster, taskFamily: family } = environment
  const account: Account = { ecs: clients.ecs, cluster, family, ports, leases, router, settle }
  return {
    ...account,
    async end(leaks: readonly Leak[]): Promise<void> {
      const ids = (kind: Leak['kind']) => {
        const mine = leaks.filter((leak) => leak.kind === kind && leak.kept === null)
        return [...new Set(mine.flatMap(({ sessionId }) => (sessionId === null ? [] : [sessionId])))]
      }
      await collect(context, { tasks: ids('task'), routes: ids('lease') })
      for (const { at } of leaks) if (at) await router.removeTarget(at.slot, at.endpoint)
      const live = new Map((await ports.sessions.listLive()).map((session) => [session.id, session]))
      for (const id of ids('session')) {
        const session = live.get(id)
        if (session && session.dueAt <= clock.now()) await reapListed(context, session)
        else await taskChanged(context, id)
      }
    },
    close() {
      for (const client of Object.values(clients)) client.destroy()
    },
  }
}

const total = (leaks: readonly Leak[]): number => leaks.reduce((sum, { dollarsPerDay }) => sum + dollarsPerDay, 0)
const cents = (dollars: number): string => dollars.toFixed(2)

function toJson(found: readonly Leak[], left: readonly Leak[], clock: Clock): string {
  const { region, readIn, source } = prices
  const sums = { dollarsPerDay: Number(cents(total(found))), leftDollarsPerDay: Number(cents(total(left))) }
  const report = { at: new Date(clock.now()).toISOString(), prices: { region, readIn, source }, ...sums, found, left }
  return `${JSON.stringify(report, null, 2)}\n`
}

function toText(found: readonly Leak[], left: readonly Leak[], dryRun: boolean): string {
  if (found.length === 0) return 'Nothing leaks: every task, target, lease and live session belongs together.\n'
  const lines = found.map(({ kind, sessionId, what, dollarsPerDay, kept }) =>
    [
      kind.padEnd(8),
      (sessionId ?? '-').padEnd(21),
      `$${cents(dollarsPerDay)} a day`.padEnd(15),
      what + (kept ? ` (${kept})` : ''),
    ].join(' '),
  )
  const sum = `${found.length} leak${found.length === 1 ? '' : 's'}, $${cents(total(found))} a day at the list prices of ${prices.region} (${prices.readIn}).`
  const end = dryRun
    ? 'Nothing was changed. The reaper collects them within minutes; npm run sweep does it now.'
    : left.length === 0
      ? 'All of it was ended.'
      : `${left.length} are still there: run it again in a minute; a session is only over when all that it held is gone.`
  return [...lines, '', sum, end, ''].join('\n')
}
