/**
 * Says when something may have changed below a folder. Events are a hint that makes it quick: network file systems send
 * none, and a kernel may run out of watches. A look every few seconds finds the rest.
 */
import { type FSWatcher, watch } from 'node:fs'
import { readdir, realpath } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock, Log } from '../../core/ports.ts'

export type WatchOptions = {
  /** Quiet needed after an event before `onChange` is called, ms. */
  quietMs?: number
  /** Longest that a stream of events (a file being copied) can hold `onChange` back, ms. */
  longestMs?: number
  /** Look anyway this long after the last one, ms. */
  rescanMs?: number
  log?: Log
}

/** Most folders that are watched; those beyond are found by looking. */
const mostWatches = 500
const deepest = 8

export type FolderWatch = { stop(): Promise<void> }

/**
 * Watches each folder by itself: node 20's recursive watch on Linux opens one watch per file, and throws from its own
 * callbacks when folders come and go.
 * @param onChange called at once, then after changes and on schedule, never twice at a time; what it returns is how soon
 *   it wants to be called again, ms, or null. A failure is logged and the next call comes all the same.
 * @param clock bounds how long events may hold a call back
 */
export function watchFolder(
  root: string,
  onChange: () => Promise<{ againMs: number | null }>,
  clock: Clock,
  options: WatchOptions = {},
): FolderWatch {
  const { quietMs = 300, longestMs = 2_000, rescanMs = 10_000, log } = options
  const watches = new Map<string, FSWatcher>()
  let stopped = false
  let timer: NodeJS.Timeout | undefined
  let firstEventAt: number | null = null
  let running: Promise<void> = Promise.resolve()
  let busy = false
  let missed = false

  function schedule(ms: number): void {
    if (stopped) return
    clearTimeout(timer)
    timer = setTimeout(look, ms)
  }

  function look(): void {
    firstEventAt = null
    busy = true
    missed = false
    running = lookOnce()
  }

  async function lookOnce(): Promise<void> {
    let againMs: number | null = null
    try {
      // Watches first: what changes after them is told, what changed before is seen by the call.
      await renewWatches()
      againMs = (await onChange()).againMs
    } catch (error) {
      log?.('warn', 'the data folder could not be looked through; it is tried again', { error: String(error) })
    }
    busy = false
    schedule(missed ? quietMs : Math.min(againMs ?? rescanMs, rescanMs))
  }

  function onEvent(): void {
    const now = clock.now()
    firstEventAt ??= now
    if (busy) missed = true
    else schedule(Math.max(0, Math.min(quietMs, firstEventAt + longestMs - now)))
  }

  async function renewWatches(): Promise<void> {
    const folders = new Set(await foldersBelow(root))
    for (const [folder, watcher] of watches) {
      if (folders.has(folder)) continue
      watcher.close()
      watches.delete(folder)
    }
    if (stopped) return
    for (const folder of folders) if (!watches.has(folder)) open(folder)
  }

  function open(folder: string): void {
    try {
      const watcher = watch(folder, { persistent: false }, onEvent)
      // The folder is gone, or the kernel gives no more: looking on schedule goes on.
      watcher.on('error', () => {
        watcher.close()
        watches.delete(folder)
      })
      watches.set(folder, watcher)
    } catch {
      // ENOSPC (no more watches), ENOSYS, EACCES: as above.
    }
  }

  look()
  return {
    async stop() {
      stopped = true
      clearTimeout(timer)
      await running
      for (const watcher of watches.values()) watcher.close()
      watches.clear()
    },
  }
}

/** Breadth first, so that the groups' own folders are watched before what lies deep. Unreadable ones are left out. */
async function foldersBelow(root: string): Promise<string[]> {
  const found: string[] = []
  let level = [await realpath(root)]
  for (let depth = 0; depth < deepest && level.length > 0; depth++) {
    const next: string[] = []
    for (const folder of level) {
      if (found.length >= mostWatches) return found
      const entries = await readdir(folder, { withFileTypes: true }).catch(() => null)
      if (entries === null) continue
      found.push(folder)
      for (const entry of entries) {
        if (entry.name.startsWith('.')) continue
        const path = join(folder, entry.name)
        if (entry.isDirectory()) next.push(path)
        // A linked group folder, as `dataset-files.ts` follows it; a link to a file fails at `readdir` above.
        else if (depth === 0 && entry.isSymbolicLink()) next.push(await realpath(path).catch(() => path))
      }
    }
    level = next
  }
  return found
}
