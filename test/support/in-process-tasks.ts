/** Tasks without processes: the real gate and a stand-in viewer inside the test, so that hundreds of them fit into one machine. */
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { TaskStatus } from '../../functions/core/ports.ts'
import { run } from '../../functions/gate/run.ts'
import { taskDir } from '../../functions/platform/local/task-record.ts'
import type { LocalTaskRunner, TaskRunnerSettings } from '../../functions/platform/local/task-runner.ts'
import { type StandInViewer, startStandInViewer } from './stand-in-viewer.ts'

/** Hundreds of gates, their viewers and the launcher take turns in one process: what is slow there is only waiting for its turn. */
const longMs = 600_000
const patience = {
  laterAfterMs: longMs,
  apiTimeoutMs: longMs,
  vaultRetryMs: longMs,
  startSilenceMs: longMs,
  settleMs: longMs,
  headersMs: longMs,
  requestMs: longMs,
}

type Task = { memoryMiB: number; dir: string; gate: Promise<unknown>; viewer: StandInViewer; terminate(): void }

export function createInProcessTasks(settings: TaskRunnerSettings): LocalTaskRunner {
  const tasks = new Map<string, Task>()
  const ended = new Map<string, TaskStatus & { status: 'gone' }>()

  function end(sessionId: string): Promise<unknown> {
    const task = tasks.get(sessionId)
    ended.set(sessionId, { status: 'gone', cause: null, detail: null })
    if (!task) return Promise.resolve()
    task.terminate()
    return task.gate
  }

  return {
    final: true,
    async start({ sessionId, size, gateToken }) {
      if (tasks.has(sessionId) || ended.has(sessionId)) return
      const dir = taskDir(settings.runDir, sessionId)
      mkdirSync(dir, { recursive: true, mode: 0o700 })
      const taskSocket = join(dir, 'task.sock')
      const viewerSocket = join(dir, 'viewer.sock')
      const heard: (() => void)[] = []
      const viewer = await startStandInViewer({ taskSocket, listen: `unix:${viewerSocket}` })
      const config = {
        sessionId,
        apiUrl: settings.apiUrl,
        token: gateToken,
        listen: { socketPath: join(dir, 'gate.sock') },
        viewer: { socketPath: viewerSocket },
        taskSocket,
        taskDir: dir,
      }
      const signals = { once: (_: string, then: () => void) => heard.push(then) }
      const gate = run(config, { signals, tuning: patience, log: () => {} })
        .then(() => viewer.kill())
        .then(() => {
          tasks.delete(sessionId)
          rmSync(dir, { recursive: true, force: true })
          settings.onEnd(sessionId)
        })
      tasks.set(sessionId, { memoryMiB: size.memoryMiB, dir, gate, viewer, terminate: () => heard[0]?.() })
    },
    async inspect(sessionId) {
      const over = ended.get(sessionId)
      if (over) return over
      const task = tasks.get(sessionId)
      return task ? { status: 'running', endpoint: `unix:${join(task.dir, 'gate.sock')}` } : { status: 'none' }
    },
    async stop(sessionId) {
      void end(sessionId)
    },
    listSessionIds: async () => [...tasks.keys()].filter((id) => !ended.has(id)),
    async heldMiB(counted) {
      let held = 0
      for (const [id, task] of tasks) if (ended.has(id) && !counted.has(id)) held += task.memoryMiB
      return held
    },
    async drain() {
      await Promise.all([...tasks.keys()].map(end))
    },
  }
}
