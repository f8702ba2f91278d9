/** The settings of the one-machine platform, parsed once from arguments and environment; every problem is reported at once. */
import { readFileSync } from 'node:fs'
import { totalmem } from 'node:os'
import path from 'node:path'
import { defaultLimits } from '../../core/limits.ts'
import { sizes } from '../../core/sizing.ts'
import { type SandboxChoice, sandboxChoices } from './sandbox.ts'
import { parseIssuers } from './settings-issuers.ts'
import { envName, settingsTable } from './settings-table.mjs'
import {
  closest,
  type Parsed,
  parseChoice,
  parseCount,
  parseDuration,
  parseHost,
  parseMemory,
  parseOrigin,
  parsePort,
} from './settings-values.ts'

/** An identity provider whose bearer tokens the API accepts. */
export type IssuerSetting = {
  /** Prefix of the owner ids it makes (`<name>:<subject>`): never change it. */
  name: string
  /** Exactly the `iss` of its tokens. */
  issuer: string
  audience: string
  jwksUrl: string
  /** Claim that lists the person's groups; null: none. */
  groupsClaim: string | null
}

export type Settings = {
  /** Absolute. */
  dataDir: string
  /** True when nobody named a data folder: then the sample is put into it. */
  dataIsDefault: boolean
  /** Absolute. */
  stateDir: string
  host: string
  port: number
  viewPort: number
  /** Origins, without a slash at the end. */
  appUrl: string
  viewUrl: string
  idleMs: number
  lifetimeMs: number
  maxSessions: number
  maxSessionsPerUser: number
  maxSessionsPerLink: number
  /** Memory for all viewers together, MiB. */
  viewerMemoryMiB: number
  diffexpCells: number
  sandbox: SandboxChoice
  issuers: IssuerSetting[]
  /** Absolute; null: `launcher.log` in the state folder. */
  logFile: string | null
  /** Python to make the viewers' environment from; null: searched on the path. */
  python: string | null
}

type Env = Readonly<Record<string, string | undefined>>
type Flag = (typeof settingsTable)[number]['flag']

/**
 * @param argv arguments after the program's name
 * @returns settings, or every problem in words for the person who typed them
 */
export function parseSettings(argv: readonly string[], env: Env): { settings: Settings } | { problems: string[] } {
  const problems: string[] = []
  const given = readArguments(argv, env, problems)

  /** What was said, where it was said, or the default; a problem yields null, and nothing is started. */
  function take<T>(flag: Flag, parse: (text: string) => Parsed<T>): T | null {
    const said = given.get(flag)
    const variable = envName(flag)
    const fromEnv = env[variable] === '' ? undefined : env[variable]
    const text = said ?? fromEnv ?? settingsTable.find((row) => row.flag === flag)?.fallback ?? ''
    if (text === '') return null
    const parsed = parse(text)
    if ('value' in parsed) return parsed.value
    problems.push(`${said === undefined ? variable : `--${flag}`}: ${parsed.problem}`)
    return null
  }
  const file = (text: string): Parsed<string> => ({ value: path.resolve(text) })

  const port = take('port', parsePort) ?? 0
  const viewPort = take('view-port', parsePort) ?? 0
  const maxSessions = take('max-sessions', parseCount) ?? 0
  const settings: Settings = {
    dataDir: take('data', file) ?? '',
    dataIsDefault: !given.has('data') && !env[envName('data')],
    stateDir: take('state', file) ?? '',
    host: take('host', parseHost) ?? '',
    port,
    viewPort,
    appUrl: take('app-url', parseOrigin) ?? `http://localhost:${port}`,
    viewUrl: take('view-url', parseOrigin) ?? `http://127.0.0.1:${viewPort}`,
    idleMs: take('idle', parseDuration) ?? 0,
    lifetimeMs: take('lifetime', parseDuration) ?? 0,
    maxSessions,
    maxSessionsPerUser:
      take('max-sessions-per-user', parseCount) ?? Math.min(defaultLimits.liveSessionsPerUser, maxSessions),
    maxSessionsPerLink:
      take('max-sessions-per-link', parseCount) ?? Math.min(defaultLimits.liveSessionsPerLink, maxSessions),
    viewerMemoryMiB: take('viewer-memory', parseMemory) ?? defaultViewerMemoryMiB(),
    diffexpCells: take('diffexp-cells', parseCount) ?? 0,
    sandbox: take('sandbox', (text) => parseChoice(text, sandboxChoices)) ?? 'auto',
    issuers: take('issuers', (name) => parseIssuers(name, readFileSync)) ?? [],
    logFile: take('log', file),
    python: take('python', (text) => ({ value: text.includes('/') ? path.resolve(text) : text })),
  }
  if (problems.length === 0) problems.push(...contradictions(settings))
  return problems.length > 0 ? { problems } : { settings }
}

/** Three quarters of what this process may use: of the machine, or of the container or service that it runs in. */
function defaultViewerMemoryMiB(): number {
  const bound = process.constrainedMemory()
  const bytes = bound > 0 && bound < totalmem() ? bound : totalmem()
  return Math.floor((bytes / 2 ** 20) * 0.75)
}

/** `--flag value` and `--flag=value`; anything else is a problem. */
function readArguments(argv: readonly string[], env: Env, problems: string[]): Map<string, string> {
  const flags = settingsTable.map((row) => row.flag)
  const given = new Map<string, string>()
  for (let at = 0; at < argv.length; at += 1) {
    const argument = argv[at] ?? ''
    const [, name = '', inline] = /^--([^=]+)(?:=(.*))?$/s.exec(argument) ?? []
    if (name === '') {
      problems.push(`"${argument}" is not a setting. Settings look like --data DIR; --help lists them.`)
      continue
    }
    const value = inline ?? (argv[at + 1]?.startsWith('--') ? undefined : argv[at + 1])
    if (!flags.includes(name)) {
      const near = closest(name, flags)
      problems.push(`--${name} is not a setting.${near === null ? ' --help lists them.' : ` Did you mean --${near}?`}`)
      // Its value, if it has one, would only be complained about a second time.
      if (inline === undefined && value !== undefined) at += 1
      continue
    }
    if (inline === undefined) at += value === undefined ? 0 : 1
    if (value === undefined || value === '') problems.push(`--${name}: a value is missing.`)
    else if (given.has(name)) problems.push(`--${name} is given twice.`)
    else given.set(name, value)
  }
  // `npm start --data x` (no `--` before it): npm takes the argument for itself, and we would silently use defaults.
  for (const name of ['data', 'state', 'port', 'view-port', 'idle', 'app-url', 'view-url'])
    if (env[`npm_config_${name.replaceAll('-', '_')}`] !== undefined)
      problems.push(`npm took --${name} for itself. Write: npm start -- --${name} …`)
  return given
}

/** Values that are right alone and wrong together. */
function contradictions(settings: Settings): string[] {
  const wrong: string[] = []
  if (settings.port === settings.viewPort) wrong.push('--port and --view-port must differ.')
  const [app, view] = [new URL(settings.appUrl), new URL(settings.viewUrl)]
  if (app.hostname === view.hostname)
    wrong.push(
      `--app-url and --view-url name the same host (${app.hostname}). Browsers share cookies between ports of one host, so a ` +
        'script in a viewer’s page could act as the person who is signed in. Use two names, as localhost and 127.0.0.1, or two DNS names.',
    )
  if (settings.lifetimeMs < settings.idleMs) wrong.push('--lifetime must not be shorter than --idle.')
  if (settings.maxSessionsPerUser > settings.maxSessions)
    wrong.push('--max-sessions-per-user must not be larger than --max-sessions.')
  const smallest = sizes[0]?.memoryMiB ?? 0
  if (settings.viewerMemoryMiB < smallest)
    wrong.push(
      `--viewer-memory: ${settings.viewerMemoryMiB} MB is less than the smallest viewer needs (${smallest} MB), so none could start.`,
    )
  const inside = path.relative(settings.dataDir, settings.stateDir)
  if (inside === '' || !(inside.startsWith('..') || path.isAbsolute(inside)))
    wrong.push('--state must not lie inside --data: everybody’s annotations would be searched for datasets.')
  return wrong
}
