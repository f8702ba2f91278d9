/** `npm run users`: the people of a launcher on one machine, whether it runs or not, or of a deployment on AWS. */
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { DescribeTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { createPasswords, isOwnHash } from '../../auth/passwords.ts'
import { adminName, checkUserName, parseGroups, typedName } from '../../auth/user-names.ts'
import { isLauncherError, LauncherError } from '../../core/errors.ts'
import type { Clock, UserRecord, UserStore } from '../../core/ports.ts'
import { ensureState } from '../../setup/folders.ts'
import { SetupError } from '../../setup/words.mjs'
import { openTable } from '../dynamo/table.ts'
import { createUserStore } from '../dynamo/users.ts'
import { readPassword, type Terminal } from './prompt.ts'
import { openStore } from './store.ts'
import { importHtpasswd, readHtpasswd } from './users-import.ts'

const usersUsage = `npm run users -- add NAME [--groups a,b] [--email ADDRESS] [--admin]
npm run users -- list
npm run users -- passwd NAME
npm run users -- groups NAME a,b
npm run users -- disable NAME
npm run users -- enable NAME
npm run users -- import-htpasswd FILE [--groups a,b] [--dry-run]

Passwords are asked for, or read from standard input; never given as an argument.
--state DIR names the launcher's state folder (default ./state, or CXOD_STATE).
--table NAME names the table of a deployment on AWS instead (or CXOD_TABLE); region and credentials as the AWS CLI takes them.`

type Command = {
  /** Opens the store for one step only: a launcher that is started while somebody types a password must find it free. */
  store<T>(step: (users: UserStore) => Promise<T>): Promise<T>
  clock: Clock
  name: string
  /** What stands in the name's place, as it was typed. */
  given: string
  rest: readonly string[]
  options: { groups?: string; email?: string; admin?: boolean; 'dry-run'?: boolean }
  password(): Promise<string>
  say(line: string): void
}

const commands: Record<string, (command: Command) => Promise<void>> = {
  async add({ store, clock, name, options, password, say }) {
    checkUserName(name)
    if (name === adminName && !options.admin)
      throw new LauncherError(
        'bad-request',
        `The name ${adminName} is kept for the administrator. Take another, or add --admin.`,
      )
    if ((await store((users) => users.get(name))) !== null) throw taken(name)
    const user: UserRecord = {
      name,
      email: options.email ?? null,
      groups: parseGroups(options.groups ?? ''),
      admin: options.admin ?? false,
      disabled: false,
      passwordHash: await createPasswords().hash(await password()),
      generation: 0,
      createdAt: clock.now(),
    }
    if (!(await store((users) => users.create(user)))) throw taken(name)
    say(`Added ${describe(user)}.`)
  },
  async list({ store, say }) {
    const all = await store((users) => users.list())
    for (const user of all) say(describe(user))
    if (all.length === 0) say('Nobody yet. Add somebody: npm run users -- add NAME --groups a,b')
  },
  async passwd({ store, name, password, say }) {
    await store((users) => known(users, name))
    const passwordHash = await createPasswords().hash(await password())
    await store(async (users) => {
      const { passwordHash: old } = await known(users, name)
      if (!(await users.setPassword(name, old, passwordHash, true)))
        throw new LauncherError('conflict', `${name} got another password at this very moment. Try again.`)
    })
    say(
      `${name} has a new password. Who was signed in as ${name} is signed out, and out of viewers within ten minutes.`,
    )
  },
  async groups({ store, name, rest, options, say }) {
    const given = rest[0] ?? options.groups
    if (given === undefined)
      throw new LauncherError('bad-request', 'Name the groups: npm run users -- groups NAME a,b ("" for none).')
    const groups = parseGroups(given)
    say(`Changed ${describe(await store((users) => change(users, name, { groups })))}.`)
  },
  async disable({ store, name, say }) {
    await store((users) => change(users, name, { disabled: true }))
    say(`${name} is disabled: signed out everywhere at the next request, and out of viewers within ten minutes.`)
  },
  async enable({ store, name, say }) {
    await store((users) => change(users, name, { disabled: false }))
    say(`${name} is enabled.`)
  },
  async 'import-htpasswd'({ store, clock, given, options, say }) {
    const text = readHtpasswd(given)
    const groups = parseGroups(options.groups ?? '')
    const dryRun = options['dry-run'] ?? false
    const job = { text, groups, dryRun, now: clock.now(), say }
    const { added, left, refused } = await store((users) => importHtpasswd({ ...job, users }))
    const counts = `${added} ${dryRun ? 'would be added' : 'added'}, ${left} left alone, ${refused} refused.`
    // So that a script notices that somebody is missing.
    if (refused > 0) throw new LauncherError('bad-request', counts)
    say(counts)
  },
}

/**
 * @param argv after the program's name
 * @returns exit code
 */
export async function runUsersCli(
  argv: readonly string[],
  terminal: Terminal & { error: NodeJS.WritableStream },
  env: Readonly<Record<string, string | undefined>>,
  clock: Clock,
): Promise<number> {
  try {
    const { positionals, values } = parse(argv)
    const [verb = 'help', name = '', ...rest] = positionals
    const say = (line: string) => void terminal.output.write(`${line}\n`)
    const command = Object.hasOwn(commands, verb) ? commands[verb] : undefined
    if (values.help || verb === 'help') {
      say(usersUsage)
      return 0
    }
    if (command === undefined) throw new LauncherError('bad-request', `“${verb}” is no command.\n\n${usersUsage}`)
    if (name === '' && verb !== 'list')
      throw new LauncherError(
        'bad-request',
        verb === 'import-htpasswd'
          ? 'Which file? npm run users -- import-htpasswd FILE'
          : `Whom? npm run users -- ${verb} NAME`,
      )
    const store = storeOf(values, env, terminal.error)
    const password = () => readPassword(terminal)
    await command({ store, clock, name: typedName(name), given: name, rest, options: values, say, password })
    return 0
  } catch (error) {
    if (!isLauncherError(error) && !(error instanceof SetupError)) throw error
    terminal.error.write(`${error.message}\n`)
    return 1
  }
}

type WithStore = <T>(step: (users: UserStore) => Promise<T>) => Promise<T>

function storeOf(
  given: { state?: string; table?: string },
  env: Readonly<Record<string, string | undefined>>,
  error: NodeJS.WritableStream,
): WithStore {
  const table = given.table ?? (given.state === undefined ? env.CXOD_TABLE : undefined)
  if (given.table !== undefined && given.state !== undefined)
    throw new LauncherError(
      'bad-request',
      'Give --state for a launcher on one machine, or --table for one on AWS, not both.',
    )
  if (table) return (step) => withTable(table, step)
  const stateDir = given.state ?? (env.CXOD_STATE || './state')
  // A slip in --state must not go unnoticed: the user would be added where no launcher looks.
  if (!existsSync(stateDir)) error.write(`New state folder: ${resolve(stateDir)}\n`)
  return (step) => withStore(stateDir, step)
}

/** Never makes the table: a slip in its name, its region or the account must not look like a launcher without users. */
async function withTable<T>(name: string, step: (users: UserStore) => Promise<T>): Promise<T> {
  const client = new DynamoDBClient()
  try {
    await client.send(new DescribeTableCommand({ TableName: name }))
    return await step(createUserStore(openTable(client, name)))
  } catch (error) {
    if (isLauncherError(error) || !(error instanceof Error)) throw error
    throw new LauncherError(
      'unavailable',
      `The table ${name} can’t be used: ${error.name}: ${error.message}. Check the name, AWS_REGION and your credentials (aws sts get-caller-identity).`,
      {},
      { cause: error },
    )
  } finally {
    client.destroy()
  }
}

async function withStore<T>(stateDir: string, step: (users: UserStore) => Promise<T>): Promise<T> {
  ensureState(stateDir)
  const store = await openStore(stateDir)
  try {
    return await step(createUserStore(store.table))
  } finally {
    await store.close()
  }
}

function parse(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        groups: { type: 'string' },
        email: { type: 'string' },
        admin: { type: 'boolean' },
        'dry-run': { type: 'boolean' },
        state: { type: 'string' },
        table: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    })
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error)
    throw new LauncherError('bad-request', `${words}\n\n${usersUsage}`)
  }
}

async function known(users: UserStore, name: string): Promise<UserRecord> {
  const user = await users.get(name)
  if (user === null) throw new LauncherError('not-found', `There is no user ${name}. npm run users -- list shows all.`)
  return user
}

async function change(users: UserStore, name: string, changes: Partial<UserRecord>): Promise<UserRecord> {
  const changed = { ...(await known(users, name)), ...changes }
  await users.put(changed)
  return changed
}

const taken = (name: string) =>
  new LauncherError('conflict', `There is a user ${name} already. Change it with passwd, groups, disable or enable.`)

function describe(user: UserRecord): string {
  const marks = [
    user.email,
    user.groups.length > 0 ? `groups ${user.groups.join(', ')}` : 'no groups',
    user.admin ? 'administrator' : null,
    user.passwordHash === null ? 'no password' : null,
    user.passwordHash !== null && !isOwnHash(user.passwordHash) ? 'imported, has not signed in yet' : null,
    user.disabled ? 'disabled' : null,
  ]
  return `${user.name} (${marks.filter((mark) => mark !== null).join('; ')})`
}
