/**
 * Keeps the catalogue true to the files: added, changed, half-copied, moved, removed, back again. Every step is written
 * down before the next and can be repeated, so a crash anywhere is settled by running it again.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { isLauncherError } from '../core/errors.ts'
import type { FileStat } from '../core/ports.ts'
import { fillCells } from './index-cells.ts'
import { check, type Exclusive } from './index-check.ts'
import { createIndexContext, type IndexDeps, type IndexPorts } from './index-context.ts'
import { scan } from './index-scan.ts'

export type { IndexDeps, IndexPorts, IndexTimes, Inspector } from './index-context.ts'

export type IndexDatasets = {
  /**
   * Compares files and catalogue: what came, went or changed is listed when it returns; what must be read is read after
   * that, smallest first, one at a time. May be called at any time, also while files are being read.
   * @returns when to call again for what could not be settled yet, ms from now; null when nothing waits
   */
  look(): Promise<{ againMs: number | null }>
  /** `look`, then waits until everything that can be read now has been read. */
  reconcile(): Promise<{ againMs: number | null }>
  /**
   * For a process that lives for one look: reconciles, again after each wait, until nothing waits any more; once, and
   * `stop` is part of it.
   * @param until when it gives up, ms since 1970; a file under way then is read by the next look
   * @returns false when something was left for a next look, which somebody must bring about
   */
  settle(until: number): Promise<boolean>
  /** Ends what is under way; what was not finished is done after the next start. */
  stop(): Promise<void>
}

/** What could not be settled after so many is left for the next process: it may be the bucket that is down. */
const mostLooks = 5

/**
 * Rules, where files can be taken in two ways:
 * - a path that has a record keeps it: new content there is another version of that dataset;
 * - a file at a new path continues the dataset whose content it has, if that dataset's own file is gone; two files with
 *   one content, both there, are two datasets;
 * - else a file at the path of a removed dataset is another version of it.
 */
export function createIndexDatasets(ports: IndexPorts, deps: IndexDeps): IndexDatasets {
  const context = createIndexContext(ports, deps)
  const stopping = new AbortController()
  let queue: FileStat[] = []
  let underWay: string | null = null
  let running: Promise<{ againMs: number | null }> | null = null
  let lock: Promise<unknown> = Promise.resolve()

  const exclusive: Exclusive = (work) => {
    const done = lock.then(work)
    lock = done.catch(() => undefined)
    return done
  }

  const scanNow = () =>
    exclusive(async () => {
      // What is being read now is not read again right after: if it changes meanwhile, the next look sees it.
      queue = (await scan(context)).filter((file) => file.path !== underWay)
    })

  async function run(): Promise<{ againMs: number | null }> {
    try {
      // With nothing to read it would otherwise end before the caller has remembered that it runs.
      await undefined
      for (;;) {
        const file = queue.shift()
        if (file === undefined || stopping.signal.aborted) {
          // New files come first.
          await fillCells(context, stopping.signal)
          if (queue.length === 0 || stopping.signal.aborted) return { againMs: context.waitMs() }
          continue
        }
        await checkOne(file)
        if (queue.length === 0 && !stopping.signal.aborted) await scanNow()
      }
    } finally {
      running = null
    }
  }

  async function checkOne(file: FileStat): Promise<void> {
    underWay = file.path
    try {
      await check(context, file, exclusive, stopping.signal)
      context.succeeded(file.path)
    } catch (error) {
      context.retryLater(file.path)
      if (stopping.signal.aborted || isLauncherError(error, 'not-found') || isLauncherError(error, 'conflict')) return
      ports.log('error', 'a file could not be checked; it is tried again', { path: file.path, error: String(error) })
    } finally {
      underWay = null
    }
  }

  async function begin(): Promise<{ running: Promise<{ againMs: number | null }> | null }> {
    if (stopping.signal.aborted) return { running: null }
    await scanNow()
    running ??= run()
    return { running }
  }

  return {
    async look() {
      const begun = await begin()
      begun.running?.catch((error: unknown) =>
        ports.log('error', 'reading new files stopped; it goes on at the next look', { error: String(error) }),
      )
      return { againMs: context.waitMs() }
    },
    async reconcile() {
      return (await (await begin()).running) ?? { againMs: null }
    },
    async settle(until) {
      const timer = setTimeout(() => stopping.abort(), Math.max(0, until - ports.clock.now()))
      try {
        for (let looks = 0; looks < mostLooks; looks++) {
          const { againMs } = (await (await begin()).running) ?? { againMs: 0 }
          if (stopping.signal.aborted) return false
          if (againMs === null) return true
          if (ports.clock.now() + againMs >= until) return false
          await pause(againMs, undefined, { signal: stopping.signal }).catch(() => undefined)
        }
        return false
      } finally {
        clearTimeout(timer)
        stopping.abort()
      }
    },
    async stop() {
      stopping.abort()
      await running?.catch(() => undefined)
      await lock
    },
  }
}
