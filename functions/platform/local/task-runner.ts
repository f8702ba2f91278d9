/** Tasks on one machine: a gate and a viewer as two child processes that share a private folder; when one goes, so does the other. */
import { once } from 'node:events'
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { LauncherError } from '../../core/errors.ts'
import type { Log, TaskRunner, TaskSpec, TaskStatus } from '../../core/ports.ts'
import { viewerExits } from '../viewer-exits.ts'
import { boundCommand, type Child, startChild } from './child.ts'
import type { MemoryBound } from './memory-bound.ts'
import { signal } from './processes.ts'
import type { Sandbox } from './sandbox.ts'
import { removeTaskDir, taskDir, writeTaskRecord } from './task-record.ts'
import { copyOutput, type ViewerOutput } from './viewer-output.ts'

export type TaskRunnerSettings = {
  runDir: string
  /** Where gates reach the API: `unix:<path>`. */
  apiUrl: string
  /** Command and leading arguments; the runner appends the viewer's own. */
  viewerCommand: readonly string[]
  gateCommand: readonly string[]
  memory: MemoryBound
  sandbox: Sandbox
  /** Where the file of a dataset lies, for a sandbox that shows it to its viewer; null when it is gone. */
  fileOf(datasetId: string): Promise<string | null>
  /** Descriptor of the launcher's log; null: what children write is thrown away. */
  output: number | null
  /** Time from SIGTERM to SIGKILL, ms; a gate drains saves for up to 20 s. */
  stopTimeoutMs: number
  /** Called when a task has ended, told or not. */
  onEnd(sessionId: string): void
  log: Log
}

type Task = {
  memoryMiB: number
  dir: string
  gate: Child
  viewer: Child
  said: ViewerOutput
  told: boolean
  gone: (TaskStatus & { status: 'gone' }) | null
}

/** How soon a viewer is told to end again: told in its first moments, it may have missed it. */
const tellAgainMs = 1_000
const lastWordsMs = 300

export type LocalTaskRunner = TaskRunner & {
  /** Resolves when every child has exited, killed after `stopTimeoutMs` if need be. */
  drain(): Promise<void>
}

export function createTaskRunner(settings: TaskRunnerSettings): LocalTaskRunner {
  const { runDir, log, memory, sandbox, output } = settings
  const tasks = new Map<string, Task>()
  /** Under way between the question for the file and the processes: who asks again waits for the same. */
  const beginning = new Map<string, Promise<void>>()
  /** Sessions whose task was stopped or died: `start` refuses them, which is what makes a stop final. */
  const ended = new Map<string, TaskStatus & { status: 'gone' }>()

  function begin({ sessionId, size, gateToken }: TaskSpec, file: string | null): Task {
    const dir = taskDir(runDir, sessionId)
    // The viewer's own corner: of the task's record and of the gate's socket and files it must not even see the names.
    const seat = { dir: join(dir, 'v'), file }
    mkdirSync(seat.dir, { recursive: true, mode: 0o700 })
    const config = {
      sessionId,
      apiUrl: settings.apiUrl,
      token: gateToken,
      listen: `unix:${join(dir, 'gate.sock')}`,
      viewer: `unix:${join(seat.dir, 'viewer.sock')}`,
      taskSocket: join(seat.dir, 'task.sock'),
      taskDir: dir,
      ...(sandbox.file === null ? {} : { viewerFile: sandbox.file }),
    }
    const own = ['--task-socket', config.taskSocket, '--listen', config.viewer]
    const command = [...settings.viewerCommand, ...own, ...memory.viewerArguments(size.memoryMiB)]
    const bound = memory.prepare(sessionId, size.memoryMiB)
    const viewer = startChild(boundCommand(sandbox.wrap(command, seat), bound), {
      output: 'pipe',
      environment: sandbox.environment(seat),
    })
    const gate = startGate(config, viewer)
    const processes = [
      { ...viewer.ref, role: 'viewer' as const },
      { ...gate.ref, role: 'gate' as const },
    ]
    try {
      // In the same turn as the spawns: a launcher killed after this line leaves nothing that can't be found.
      writeTaskRecord(dir, { v: 1, sessionId, processes })
    } catch (error) {
      // A disk that is full, for instance. Nobody would know of them: neither a stop nor the memory's budget.
      for (const { ref } of [gate, viewer]) signal(ref, 'SIGKILL')
      rmSync(dir, { recursive: true, force: true })
      throw notRecorded(error)
    }
    const said = copyOutput(viewer.process, output)
    return { memoryMiB: size.memoryMiB, dir, gate, viewer, said, told: false, gone: null }
  }

  function startGate(config: Record<string, string>, viewer: Child): Child {
    try {
      return startChild(settings.gateCommand, { output: output ?? 'ignore', secret: JSON.stringify(config) })
    } catch (error) {
      signal(viewer.ref, 'SIGKILL') // no record names it yet
      throw error
    }
  }

  async function startOnce(spec: TaskSpec): Promise<void> {
    const { sessionId, datasetId, size } = spec
    const file = sandbox.file === null ? null : await settings.fileOf(datasetId)
    if (ended.has(sessionId)) throw stopped()
    const task = begin(spec, file)
    tasks.set(sessionId, task)
    watch(sessionId, task, 'gate')
    watch(sessionId, task, 'viewer')
    const pids = { gate: task.gate.ref.pid, viewer: task.viewer.ref.pid }
    log('info', 'task started', { session: sessionId, ...pids, memoryMiB: size.memoryMiB })
  }

  /** A gate that is told first can still save through its viewer; the viewer is told when the gate is gone. */
  function tell(sessionId: string, task: Task): void {
    if (task.told) return
    task.told = true
    signal(task.gate.ref, 'SIGTERM')
    if (task.gate.exited) tellViewer(task)
    setTimeout(() => {
      if (!task.gate.exited || !task.viewer.exited) log('warn', 'task killed', { session: sessionId })
      signal(task.gate.ref, 'SIGKILL')
      signal(task.viewer.ref, 'SIGKILL')
    }, settings.stopTimeoutMs).unref()
  }

  function tellViewer({ viewer }: Task): void {
    signal(viewer.ref, 'SIGTERM')
    const again = setInterval(() => {
      if (viewer.exited || !signal(viewer.ref, 'SIGTERM')) clearInterval(again)
    }, tellAgainMs)
    again.unref()
  }

  function watch(sessionId: string, task: Task, role: 'gate' | 'viewer'): void {
    const self = task[role]
    const other = role === 'gate' ? task.viewer : task.gate
    self.process.once('error', () => {})
    self.process.once('exit', async (code, name) => {
      Object.assign(self, { exited: true, code, signal: name })
      // What it said last may come a moment after its end.
      if (code === 1) await Promise.race([once(self.process, 'close'), pause(lastWordsMs)])
      const known = role === 'viewer' ? viewerExits[code ?? -1] : undefined
      if (!task.gone) {
        const cause = known ?? (memory.wasKilled(sessionId) ? 'out-of-memory' : 'task-lost')
        const detail = endWords(role, code, name, task.said.tail())
        task.gone = { status: 'gone', cause: task.told ? null : cause, detail: task.told ? null : detail }
        ended.set(sessionId, task.gone)
        if (!task.told) log('warn', 'task ended by itself', { session: sessionId, role, code, signal: name })
      }
      if (role === 'gate') tellViewer(task)
      else signal(other.ref, 'SIGTERM')
      tell(sessionId, task)
      // Where the viewer said why, its gate passes the words on in its bye; hear that first.
      if (known === undefined || other.exited) settings.onEnd(sessionId)
      if (!other.exited) return
      tasks.delete(sessionId)
      memory.release(sessionId)
      await removeTaskDir(task.dir, log)
    })
  }

  return {
    final: true,

    async start(spec) {
      const { sessionId } = spec
      if (ended.has(sessionId)) throw stopped()
      if (tasks.has(sessionId)) return
      const under = beginning.get(sessionId) ?? startOnce(spec).finally(() => beginning.delete(sessionId))
      beginning.set(sessionId, under)
      await under
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

    async heldMiB(counted) {
      let held = 0
      for (const [id, task] of tasks) if (task.gone !== null && !counted.has(id)) held += task.memoryMiB
      return held
    },

    async drain() {
      await Promise.allSettled(beginning.values())
      for (const [sessionId, task] of tasks) tell(sessionId, task)
      while (tasks.size > 0) await new Promise((resolve) => setTimeout(resolve, 50))
    },
  }
}

/** Nothing runs any more: a definite refusal, so that nobody waits for a deadline. */
function notRecorded(error: unknown): unknown {
  const code = error instanceof Error && 'code' in error ? error.code : ''
  if (code !== 'ENOSPC' && code !== 'EDQUOT') return error
  return new LauncherError(
    'no-room',
    'The disk of this server is full, so no viewer can be started. Ask whoever runs the server to make room, then try again.',
  )
}

const stopped = () => new LauncherError('session-over', 'This session was stopped before it began.')

/** @param tail the viewer's last output: a sandbox that can't be made says why there, in words that begin with its name */
function endWords(role: 'gate' | 'viewer', code: number | null, name: string | null, tail: string): string {
  const reason = role === 'viewer' ? /^bwrap: (.+)$/m.exec(tail)?.[1] : undefined
  if (reason !== undefined) return `The viewer’s sandbox could not be made: ${reason}`
  // A sandbox reports the signal that ended what it held as a shell does.
  const inner = role === 'viewer' && code !== null && code > 128 ? ` (signal ${code - 128})` : ''
  return `The ${role} ended ${name ? `by ${name}` : `with code ${code}${inner}`}.`
}
