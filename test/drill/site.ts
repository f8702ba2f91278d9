/** The launcher that is drilled: the real program on real files, started again whenever it was killed, and looked at afterwards. */
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { isAlive } from '../../functions/platform/local/processes.ts'
import { freePort } from '../support/free-port.ts'
import { type LauncherProcess, makeData, startLauncher } from '../support/launcher-process.ts'
import { addUser } from '../support/people-of-launcher.ts'
import { testPython } from '../support/tools.ts'
import { type Annotator, annotator } from './annotator.ts'

export type Role = 'gate' | 'viewer' | 'launcher'

export type Site = {
  launcher(): LauncherProcess
  stateDir: string
  /** Users `user-0` … with a page each. */
  people(count: number, datasets: readonly string[]): Promise<Annotator[]>
  /** kill -9. A launcher is started again at once. @returns false when there was none */
  kill(role: Role): Promise<boolean>
  /** What is left when everybody has left: nothing of ours may run, no session may be live. */
  leftOvers(): Promise<{ orphans: string[]; stuck: string[] }>
  close(): Promise<void>
}

export async function openSite(dir: string, args: readonly string[] = []): Promise<Site> {
  const dataDir = makeData(path.join(dir, 'data'), ['public/one.h5ad', 'public/two.h5ad'])
  const stateDir = path.join(dir, 'state')
  const ports = { app: await freePort(), view: await freePort() }
  const start = () => startLauncher({ dataDir, stateDir, ports, args: ['--max-sessions-per-user', '4', ...args] })
  let launcher = await start()
  const cells = cellsOf(path.join(dataDir, 'public', 'one.h5ad'))
  const seen = new Map<string, { pid: number; startTime: string; role: string }>()
  const note = () => {
    for (const one of launcher.processes()) seen.set(`${one.pid} ${one.startTime}`, one)
    return [...seen.values()]
  }
  const people: Annotator[] = []

  return {
    launcher: () => launcher,
    stateDir,

    async people(count, datasets) {
      while (people.length < count * datasets.length) {
        const name = `user-${Math.floor(people.length / datasets.length)}`
        const datasetId = datasets[people.length % datasets.length] ?? ''
        if (people.length % datasets.length === 0) await addUser(stateDir, name)
        people.push(await annotator(() => launcher, name, datasetId, cells))
      }
      return people
    },

    async kill(role) {
      note()
      if (role === 'launcher') {
        await launcher.kill()
        launcher = await start()
        return true
      }
      const chosen = launcher.processes().filter((one) => one.role === role && isAlive(one))
      const one = chosen[Math.floor(Math.random() * chosen.length)]
      if (!one) return false
      try {
        process.kill(one.pid, 'SIGKILL')
        return true
      } catch {
        return false
      }
    },

    async leftOvers() {
      note()
      for (const one of people) await one.post('stop').catch(() => 0)
      const live = async () => {
        const states = await Promise.all(
          people.map(async (one) => ({ one, now: await one.status().catch(() => null) })),
        )
        const over = ['none', 'asleep', 'lost', 'failed']
        return states.filter(({ now }) => now === null || !over.includes(now.state))
      }
      const running = () => note().filter(isAlive)
      for (let left = 200; left > 0; left--) {
        if ((await live()).length === 0 && running().length === 0) break
        await sleep(250)
      }
      return {
        orphans: [
          ...running().map(({ role, pid }) => `${role} ${pid}`),
          ...strangers(stateDir, new Set([launcher.child.pid ?? 0])),
        ],
        stuck: (await live()).map(({ one, now }) => `${one.name} on ${one.datasetId}: ${now?.state ?? 'no answer'}`),
      }
    },

    async close() {
      await launcher.stop()
    },
  }
}

/** Processes of any kind whose command line names this state folder, the launcher itself left out. */
function strangers(stateDir: string, known: ReadonlySet<number>): string[] {
  if (process.platform !== 'linux') return []
  return readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name) || known.has(Number(name))) return []
    try {
      const words = readFileSync(`/proc/${name}/cmdline`, 'utf8').split('\0').join(' ')
      return words.includes(stateDir) && Number(name) !== process.pid ? [`${name}: ${words.slice(0, 120)}`] : []
    } catch {
      return []
    }
  })
}

/** As the viewer's own library reads them. */
function cellsOf(file: string): string[] {
  const program =
    'import sys, h5py; f = h5py.File(sys.argv[1]); print("\\n".join(n.decode() for n in f["obs"][f["obs"].attrs["_index"]][:]))'
  const old = 'import sys, anndata; print("\\n".join(anndata.read_h5ad(sys.argv[1], backed="r").obs_names))'
  for (const text of [program, old])
    try {
      const said = execFileSync(testPython(), ['-I', '-W', 'ignore', '-c', text, file], {
        stdio: ['ignore', 'pipe', 'ignore'],
      })
      return said.toString().trim().split('\n')
    } catch {
      // The sample is written the old way: ask the library that knows every way.
    }
  throw new Error('the names of the cells could not be read')
}
