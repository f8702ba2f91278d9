/** What runs, on disk: written the moment a process exists, so that the next launcher can find what a killed one left. */
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { Log } from '../../core/ports.ts'
import { endProcesses, type ProcessRef } from './processes.ts'

export type TaskRecord = { v: 1; sessionId: string; processes: (ProcessRef & { role: 'gate' | 'viewer' })[] }

const fileName = 'task.json'

export const tasksDir = (runDir: string): string => join(runDir, 't')
export const taskDir = (runDir: string, sessionId: string): string => join(tasksDir(runDir), sessionId)

export function writeTaskRecord(dir: string, record: TaskRecord): void {
  const next = join(dir, `${fileName}.next`)
  writeFileSync(next, JSON.stringify(record), { mode: 0o600 })
  renameSync(next, join(dir, fileName))
}

function readTaskRecord(dir: string): TaskRecord | null {
  try {
    return JSON.parse(readFileSync(join(dir, fileName), 'utf8')) as TaskRecord
  } catch {
    return null // killed before it was written: nothing had been started yet
  }
}

const removeTries = 10
const removeAgainMs = 200

/** What a sandbox held may write a moment longer than its outermost process lives. Never throws: the next start tries again. */
export async function removeTaskDir(dir: string, log: Log): Promise<void> {
  for (let left = removeTries; ; left -= 1)
    try {
      return rmSync(dir, { recursive: true, force: true })
    } catch (error) {
      if (left === 0) return log('warn', 'task folder not removed', { error: String(error) })
      await pause(removeAgainMs)
    }
}

/**
 * Ends what an earlier launcher with this run folder left behind, and removes its folders.
 * @returns how many processes were found alive
 */
export async function collectOrphans(runDir: string, log: Log): Promise<number> {
  mkdirSync(tasksDir(runDir), { recursive: true, mode: 0o700 })
  const dirs = readdirSync(tasksDir(runDir)).map((name) => join(tasksDir(runDir), name))
  const refs = dirs.flatMap((dir) => readTaskRecord(dir)?.processes ?? [])
  const found = await endProcesses(refs, 3000)
  for (const dir of dirs) await removeTaskDir(dir, log)
  if (found > 0) log('warn', 'orphans of an earlier launcher ended', { processes: found })
  return found
}
