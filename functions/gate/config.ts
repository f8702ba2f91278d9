/** What the task runner tells a gate at its start: a small JSON document, read once. Nothing else is configurable from outside. */
import { closeSync, readFileSync } from 'node:fs'
import { LauncherError } from '../core/errors.ts'

/** Where to listen or connect. */
export type Address = { socketPath: string } | { host: string; port: number }

export type GateConfig = {
  sessionId: string
  /** `unix:/path` or `http(s)://host[:port][/prefix]`. */
  apiUrl: string
  /** Bearer token of this one session. Never log it. */
  token: string
  listen: Address
  viewer: Address
  /** Unix socket that the gate serves to the viewer. */
  taskSocket: string
  /** 0700 folder of this task: the file, spooled answers, saves under way. */
  taskDir: string
  /** Where the viewer finds a file of its own machine already (its sandbox shows it there); null: we put it into `taskDir`. */
  viewerFile?: string | null
}

const names = ['sessionId', 'apiUrl', 'token', 'listen', 'viewer', 'taskSocket', 'taskDir'] as const

/**
 * Reads the configuration from file descriptor 3 (`GATE_CONFIG_FD=3`: other users can read an environment through /proc,
 * not a pipe) or from `GATE_CONFIG` (a Fargate task has no other way), which is taken out of `env`: whatever prints or
 * inherits the environment later must not carry the token. Throws `bad-setting` with every problem at once.
 */
export function readConfig(env: Record<string, string | undefined>): GateConfig {
  const text = env.GATE_CONFIG
  delete env.GATE_CONFIG
  return parseConfig(env.GATE_CONFIG_FD ? readDescriptor(env.GATE_CONFIG_FD) : text)
}

export function parseConfig(text: string | undefined): GateConfig {
  if (!text) throw bad('set GATE_CONFIG_FD to a readable file descriptor, or GATE_CONFIG to the JSON itself')
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw bad('it is not JSON') // the parser's own message would quote the text, and the token with it
  }
  const record = typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  const field = (name: string) => (typeof record[name] === 'string' ? record[name] : '')
  const missing = names.filter((name) => field(name) === '')
  if (missing.length > 0) throw bad(`text is missing in ${missing.join(', ')}`)
  return {
    sessionId: field('sessionId'),
    apiUrl: field('apiUrl'),
    token: field('token'),
    listen: parseAddress('listen', field('listen')),
    viewer: parseAddress('viewer', field('viewer')),
    taskSocket: field('taskSocket'),
    taskDir: field('taskDir'),
    viewerFile: field('viewerFile') || null,
  }
}

/** `unix:/path`, `tcp:host:port` or `http://host:port`. */
export function parseAddress(name: string, text: string): Address {
  if (text.startsWith('unix:/')) return { socketPath: text.slice(5) }
  const match = /^(?:tcp:|http:\/\/)([^:/]+):(\d{1,5})\/?$/.exec(text)
  if (match?.[1] && Number(match[2]) <= 65535) return { host: match[1], port: Number(match[2]) }
  throw bad(`${name} must be unix:/path, tcp:host:port or http://host:port`)
}

function readDescriptor(text: string): string {
  const descriptor = Number(text)
  if (!Number.isInteger(descriptor) || descriptor < 3) throw bad('GATE_CONFIG_FD must be a number from 3 up')
  try {
    return readFileSync(descriptor, 'utf8')
  } catch {
    throw bad(`file descriptor ${descriptor} can't be read`)
  } finally {
    try {
      closeSync(descriptor)
    } catch {} // was never open: said above
  }
}

function bad(what: string): LauncherError {
  return new LauncherError('bad-setting', `The gate's configuration can't be used: ${what}.`)
}
