/** Processes by pid *and* start time: a pid alone may by now be somebody else's. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

export type ProcessRef = { pid: number /** Opaque; equal only for the same process. */; startTime: string }

/** When the process started, in the system's own terms; null when there is none (or only a zombie). */
export function startTimeOf(pid: number): string | null {
  if (process.platform !== 'linux') return startTimeByPs(pid)
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The second field is the name in parentheses and may hold anything, so count from the last one (proc(5)).
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return fields[0] === 'Z' ? null : (fields[19] ?? null)
  } catch {
    return null
  }
}

function startTimeByPs(pid: number): string | null {
  try {
    return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim() || null
  } catch {
    return null
  }
}

export const isAlive = ({ pid, startTime }: ProcessRef): boolean => startTimeOf(pid) === startTime

/** Signals the process's whole group (we start each child as the leader of its own). True if it was still there. */
export function signal(ref: ProcessRef, name: NodeJS.Signals): boolean {
  if (!isAlive(ref)) return false
  try {
    process.kill(-ref.pid, name)
    return true
  } catch {
    return false
  }
}

/** SIGTERM, then SIGKILL after `patienceMs`; resolves when none of them is left. */
export async function endProcesses(refs: readonly ProcessRef[], patienceMs: number): Promise<number> {
  const ours = refs.filter(isAlive)
  for (const ref of ours) signal(ref, 'SIGTERM')
  const pause = () => new Promise((resolve) => setTimeout(resolve, 50))
  for (let waited = 0; waited < patienceMs && ours.some(isAlive); waited += 50) await pause()
  for (const ref of ours) signal(ref, 'SIGKILL')
  for (let waited = 0; waited < 5000 && ours.some(isAlive); waited += 50) await pause()
  return ours.length
}
