/** The real program, as `npm start` runs it: a process of its own, on free ports, with a state folder that is thrown away. */
import { type ChildProcess, spawn } from 'node:child_process'
import { copyFileSync, mkdirSync, readdirSync, readFileSync, symlinkSync, utimesSync } from 'node:fs'
import path from 'node:path'
import { openRunDir } from '../../functions/platform/local/run-dir.ts'
import { type TaskRecord, tasksDir } from '../../functions/platform/local/task-record.ts'
import { projectRoot } from '../../functions/setup/python.ts'
import { builtPrograms } from './built.ts'
import { freePort } from './free-port.ts'
import { keepLog, keepOutput, recordSecret } from './suite-record.ts'
import { testPython, testSample } from './tools.ts'

export type RecordedProcess = TaskRecord['processes'][number] & Pick<TaskRecord, 'sessionId'>

export type LauncherProcess = {
  child: ChildProcess
  signInUrl: string
  appUrl: string
  viewUrl: string
  stateDir: string
  dataDir: string
  /** The launcher's log, and what its children wrote. */
  log(): string
  /** What it printed so far. */
  printed(): string
  /** Processes of tasks that it has recorded, by role. */
  processes(): RecordedProcess[]
  /** Ctrl-C; resolves with the exit code. */
  stop(): Promise<number | null>
  /** kill -9; its children are left as they are. */
  kill(): Promise<void>
}

/** A data folder with the sample under the names given, as `public/pbmc.h5ad`. */
export function makeData(dir: string, names: readonly string[]): string {
  for (const name of names) {
    mkdirSync(path.dirname(path.join(dir, name)), { recursive: true })
    copyFileSync(testSample(), path.join(dir, name))
    // As if it had been there for long: a young file is watched for a while first.
    utimesSync(path.join(dir, name), 1_700_000_000, 1_700_000_000)
  }
  return dir
}

/** @param from a state folder of an earlier launcher, to go on with */
export async function startLauncher(from: {
  dataDir: string
  stateDir: string
  ports?: { app: number; view: number }
  args?: readonly string[]
}): Promise<LauncherProcess> {
  await builtPrograms()
  const { dataDir, stateDir } = from
  mkdirSync(stateDir, { recursive: true, mode: 0o700 })
  // The environment that the harness has made, where the launcher looks for it: making another takes a minute.
  const python = path.dirname(path.dirname(path.dirname(testPython())))
  try {
    symlinkSync(python, path.join(stateDir, 'python'))
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
  }
  const ports = from.ports ?? { app: await freePort(), view: await freePort() }
  const args = ['--data', dataDir, '--state', stateDir, '--port', String(ports.app), '--view-port', String(ports.view)]
  keepLog(path.join(stateDir, 'launcher.log'))
  const keep = keepOutput('launcher')
  const child = spawn(
    process.execPath,
    [path.join(projectRoot(), 'functions', 'setup', 'start.mjs'), ...args, ...(from.args ?? [])],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  )
  let printed = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (text) => {
      printed += text
      keep(text)
    })
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve))
  const launcher: LauncherProcess = {
    child,
    signInUrl: await signInLine(() => printed, exited),
    appUrl: `http://localhost:${ports.app}`,
    viewUrl: `http://127.0.0.1:${ports.view}`,
    stateDir,
    dataDir,
    log: () => readFileSync(path.join(stateDir, 'launcher.log'), 'utf8'),
    printed: () => printed,
    processes: () => recordedProcesses(stateDir),
    async stop() {
      child.kill('SIGINT')
      return exited
    },
    async kill() {
      child.kill('SIGKILL')
      await exited
    },
  }
  return launcher
}

/** Processes of tasks that the launcher of this state folder has recorded. */
export function recordedProcesses(stateDir: string): RecordedProcess[] {
  const tasks = tasksDir(openRunDir(stateDir))
  return readdirSync(tasks).flatMap((id) => {
    try {
      const { sessionId, processes } = JSON.parse(readFileSync(path.join(tasks, id, 'task.json'), 'utf8')) as TaskRecord
      return processes.map((one) => ({ ...one, sessionId }))
    } catch {
      return [] // removed while we read
    }
  })
}

async function signInLine(printed: () => string, exited: Promise<number | null>): Promise<string> {
  let over = false
  void exited.then(() => (over = true))
  for (let left = 1200; left > 0 && !over; left -= 1) {
    const url = /^Open (http\S+)$/m.exec(printed())?.[1]
    if (url) {
      recordSecret('link secret', url.split('#')[1])
      return url
    }
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error(`The launcher did not start. It said: ${printed()}`)
}
