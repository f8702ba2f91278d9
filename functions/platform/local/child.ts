/** Starts one of a task's two processes: a session and process group of its own, few variables, nothing secret on its command line. */
import { type ChildProcess, spawn } from 'node:child_process'
import { LauncherError } from '../../core/errors.ts'
import { type ProcessRef, startTimeOf } from './processes.ts'

export type Child = {
  process: ChildProcess
  ref: ProcessRef
  exited: boolean
  code: number | null
  signal: string | null
}

export type ChildOptions = {
  /** Where it writes: nowhere, a descriptor of ours, or a pipe to us. */
  output: 'ignore' | 'pipe' | number
  /** Handed over on descriptor 3: others can read arguments and environments. */
  secret?: string
  environment?: Readonly<Record<string, string>>
}

/**
 * Becomes the viewer after it has put itself under its memory bound ($1, if any). SIGTERM to the group is for the viewer: a
 * sandbox around it that died of it would take the viewer along before it had answered what it was asked. Ignoring survives
 * exec; the viewer's first line ends it.
 */
const becoming = 'trap "" TERM; if [ -n "$1" ]; then echo $$ > "$1" || exit 70; fi; shift; exec "$@"'

/** @param bound as `MemoryBound.prepare` gave it */
export const boundCommand = (command: readonly string[], bound: string | null): string[] => [
  '/bin/sh',
  '-c',
  becoming,
  'viewer',
  bound ?? '',
  ...command,
]

/** Throws `unavailable` when there is no such program. */
export function startChild(command: readonly string[], { output, secret, environment = {} }: ChildOptions): Child {
  const [program = '', ...args] = command
  const spawned = spawn(program, args, {
    // Its own process group: Ctrl-C in a terminal must not reach it before its turn, and a kill must reach its children.
    detached: true,
    stdio: ['ignore', output, output, secret === undefined ? 'ignore' : 'pipe'],
    env: { ...keptEnvironment(), ...(secret === undefined ? {} : { GATE_CONFIG_FD: '3' }), ...environment },
  })
  const { pid } = spawned
  if (pid === undefined) {
    spawned.once('error', () => {})
    throw new LauncherError('unavailable', `The program ${program} could not be started.`)
  }
  const pipe = spawned.stdio[3]
  if (secret !== undefined && pipe && 'end' in pipe) {
    pipe.on('error', () => {}) // it died before it read; its exit says so
    pipe.end(secret)
  }
  const ref = { pid, startTime: startTimeOf(pid) ?? '' }
  return { process: spawned, ref, exited: false, code: null, signal: null }
}

/** Children get what they need to run and nothing else: no tokens, no cloud credentials of whoever started the launcher. */
function keptEnvironment(): Record<string, string> {
  const kept = ['PATH', 'HOME', 'LANG', 'LC_ALL', 'TZ', 'TMPDIR', 'LD_LIBRARY_PATH']
  const entries = kept.flatMap((name) => {
    const value = process.env[name]
    return value === undefined ? [] : [[name, value] as const]
  })
  return Object.fromEntries(entries)
}
