/** Tasks on one machine: a gate and a viewer as two child processes that share a private folder; when one goes, so does the other. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { LauncherError } from '../../core/errors.ts'
import type { Log, TaskRunner, TaskSpec, TaskStatus } from '../../core/ports.ts'
import type { MemoryBound } from './memory-bound.ts'
import { type ProcessRef, signal, startTimeOf } from './processes.ts'
import { taskDir, writeTaskRecord } from './task-record.ts'

export type TaskRunnerSettings = {
  runDir: string
  /** Where gates reach the API: `unix:<path>`. */
  apiUrl: string
  /** Command and leading arguments; the runner appends the viewer's own. */
  viewerCommand: readonly string[]
  gateCommand: readonly string[]
  memory: MemoryBound
  /** Where children write: `inherit`, `ignore`, or the descriptor of the launcher's log. */
  stdio: 'inherit' | 'ignore' | number
  /** Time from SIGTERM to SIGKILL, ms; a gate drains saves for up to 20 s. */
  stopTimeoutMs: number
  /** Called when a task has ended, told or not. */
  onEnd(sessionId: string): void
  log: Log
}

type Child = { process: ChildProcess; ref: ProcessRef; exited: boolean; code: number | null; signal: string | null }
type Task = {
  memoryMiB: number
  dir: string
  gate: Child
  viewer: Child
  told: boolean
  gone: (TaskStatus & { status: 'gone' }) | null
}

/** Exit codes of the viewer (functions/viewer): what it knows of its own end. */
const viewerExits: Record<number, 'out-of-memory' | 'load-failed'> = { 77: 'out-of-memory', 78: 'load-failed' }

export type LocalTaskRunner = TaskRunner & {
  /** Resolves when every child has exited, killed after `stopTimeoutMs` if need be. */
  drain(): Promise<void>
}

export function createTaskRunner(settings: TaskRunnerSettings): LocalTaskRunner {
  const { runDir, log, memory } = settings
  const tasks = new Map<string, Task>()
  /** Sessions whose task was stopped or died: `start` refuses them, which is what makes a stop final. */
  const ended = new Map<string, TaskStatus & { status: 'gone' }>()

  function child(command: readonly string[], extra: string[], fd3: string | null): Child {
    const [program = '', ...args] = [...command, ...extra]
    const { stdio } = settings
    const spawned = spawn(program, args, {
      // Its own process group: Ctrl-C in a terminal must not reach it before its turn, and a kill must reach its children.
      detached: true,
      stdio: ['ignore', stdio, stdio, fd3 === null ? 'ignore' : 'pipe'],
      env: childEnvironment(fd3 === null ? {} : { GATE_CONFIG_FD: '3' }),
    })
    const { pid } = spawned
    if (pid === undefined) {
      spawned.once('error', () => {})
      throw new LauncherError('unavailable', `The program ${program} could not be started.`)
    }
    const pipe = spawned.stdio[3]
    if (fd3 !== null && pipe && 'end' in pipe) {
      pipe.on('error', () => {}) // it died before it read; its exit says so
      pipe.end(fd3)
    }
    return {
      process: spawned,
      ref: { pid, startTime: startTimeOf(pid) ?? '' },
      exited: false,
      code: null,
      signal: null,
    }
  }

  function begin(spec: TaskSpec): Task {
    const { sessionId, size } = spec
    const dir = taskDir(runDir, sessionId)
    mkdirSync(dir, { recursive: true, mode: 0o700 })
    const path = (name: string) => join(dir, name)
    const config = {
      sessionId,
      apiUrl: settings.apiUrl,
      token: spec.gateToken,
      listen: `unix:${path('gate.sock')}`,
      viewer: `unix:${path('viewer.sock')}`,
      taskSocket: path('task.sock'),
      taskDir: dir,
    }
    const viewerArguments = ['--task-socket', config.taskSocket, '--listen', config.viewer]
    const viewer = child(settings.viewerCommand, [...viewerArguments, ...memory.viewerArguments(size.memoryMiB)], null)
    const gate = child(settings.gateCommand, [], JSON.stringify(config))
    const processes = [
      { ...viewer.ref, role: 'viewer' as const },
      { ...gate.ref, role: 'gate' as const },
    ]
    // In the same turn as the spawns: a launcher killed after this line leaves nothing that can't be found.
    writeTaskRecord(dir, { v: 1, sessionId, processes })
    memory.apply(sessionId, viewer.ref.pid, size.memoryMiB)
    return { memoryMiB: size.memoryMiB, dir, gate, viewer, told: false, gone: null }
  }

  /** A gate that is told first can still save through its viewer; the viewer is told when the gate is gone. */
  function tell(sessionId: string, task: Task): void {
    if (task.told) return
    task.told = true
    signal(task.gate.ref, 'SIGTERM')
    if (task.gate.exited) signal(task.viewer.ref, 'SIGTERM')
    setTimeout(() => {
      if (!task.gate.exited || !task.viewer.exited) log('warn', 'task killed', { session: sessionId })
      signal(task.gate.ref, 'SIGKILL')
      signal(task.viewer.ref, 'SIGKILL')
    }, settings.stopTimeoutMs).unref()
  }

  function watch(sessionId: string, task: Task, role: 'gate' | 'viewer'): void {
    const self = task[role]
    const other = role === 'gate' ? task.viewer : task.gate
    self.process.once('error', () => {})
    self.process.once('exit', (code, name) => {
      Object.assign(self, { exited: true, code, signal: name })
      const known = role === 'viewer' ? viewerExits[code ?? -1] : undefined
      if (!task.gone) {
        const cause = known ?? (memory.wasKilled(sessionId) ? 'out-of-memory' : 'task-lost')
        const detail = `The ${role} ended ${name ? `by ${name}` : `with code ${code}`}.`
        task.gone = { status: 'gone', cause: task.told ? null : cause, detail: task.told ? null : detail }
        ended.set(sessionId, task.gone)
        if (!task.told) log('warn', 'task ended by itself', { session: sessionId, role, code, signal: name })
      }
      signal(other.ref, 'SIGTERM')
      tell(sessionId, task)
      // Where the viewer said why, its gate passes the words on in its bye; hear that first.
      if (known === undefined || other.exited) settings.onEnd(sessionId)
      if (!other.exited) return
      tasks.delete(sessionId)
      memory.release(sessionId)
      rmSync(task.dir, { recursive: true, force: true })
    })
  }

  return {
    final: true,

    async start(spec) {
      if (ended.has(spec.sessionId))
        throw new LauncherError('session-over', 'This session was stopped before it began.')
      if (tasks.has(spec.sessionId)) return
      const task = begin(spec)
      tasks.set(spec.sessionId, task)
      watch(spec.sessionId, task, 'gate')
      watch(spec.sessionId, task, 'viewer')
      const pids = { gate: task.gate.ref.pid, viewer: task.viewer.ref.pid }
      log('info', 'task started', { session: spec.sessionId, ...pids, memoryMiB: spec.size.memoryMiB })
    },

    async inspect(sessionId) {
      const over = ended.get(sessionId)
      if (over) return over
      const task = tasks.get(sessionId)
      return task ? { status: 'running', endpoint: `unix:${join(task.dir, 'gate.sock')}` } : { status: 'none' }
    },

    async stop(sessionId) {
      if (!ended.has(sessionId)) ended.set(sessionId, { status: 'gone', cause: null, detail: null })
      const task = tasks.get(sessionId)
      if (task) {
        task.gone ??= { status: 'gone', cause: null, detail: null }
        tell(sessionId, task)
      }
    },

    async listSessionIds() {
      return [...tasks.keys()].filter((id) => !ended.has(id))
    },

    async heldMiB() {
      return [...tasks.values()].reduce((sum, task) => sum + (task.gone === null ? 0 : task.memoryMiB), 0)
    },

    async drain() {
      for (const [sessionId, task] of tasks) tell(sessionId, task)
      while (tasks.size > 0) await new Promise((resolve) => setTimeout(resolve, 50))
    },
  }
}

/** Children get what they need to run and nothing else: no tokens, no cloud credentials of whoever started the launcher. */
function childEnvironment(extra: Record<string, string>): Record<string, string> {
  const kept = ['PATH', 'HOME', 'LANG', 'LC_ALL', 'TZ', 'TMPDIR', 'LD_LIBRARY_PATH']
  const entries = kept.flatMap((name) => {
    const value = process.env[name]
    return value === undefined ? [] : [[name, value] as const]
  })
  return { ...Object.fromEntries(entries), ...extra }
}
