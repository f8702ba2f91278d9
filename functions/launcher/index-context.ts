/** What scanning and checking share: ports, how long to wait, and what is remembered between two looks at the folder. */
import type { Dataset, DatasetIndex, DatasetProblem } from '../core/dataset.ts'
import type { DatasetCells, FileStat, Ports } from '../core/ports.ts'

/** Looks into files, by their path below the data folder. Throws `not-found` for one that is gone meanwhile. */
export interface Inspector {
  /** Cheap: is all of the file there? A problem when it can't be read at all, or is surely nothing for us. */
  start(path: string): Promise<{ kind: 'whole' } | { kind: 'cut-short' | 'refused'; problem: DatasetProblem }>
  /** The version of the content (64 hex): equal only for equal bytes. SHA-256 of them where they are at hand; may take minutes. */
  hash(path: string, signal: AbortSignal): Promise<string>
  /** May take minutes. Throws only for what is not the file's fault. */
  index(
    path: string,
    signal: AbortSignal,
  ): Promise<{ index: DatasetIndex; title: string | null } | { problem: DatasetProblem }>
  /** Of a file that has been indexed: the names of its cells and columns. */
  cells(path: string, signal: AbortSignal): Promise<DatasetCells>
}

/** How long to wait for what. Zero where files appear whole and lists are up to date. */
export type IndexTimes = {
  /** A file that has not changed for this long is complete as far as time can tell, ms. */
  stableMs?: number
  /** A file must be gone this long: replacing often means removing first, ms. */
  goneMs?: number
  /** The same when all files are gone at once, as when a disk is not mounted, ms. */
  allGoneMs?: number
  /** Wait before trying again what failed through no fault of the file, ms. */
  retryMs?: number
  /**
   * A move may be a copy and then a removal, with us looking in between: a copy of what is there is taken for a dataset of its
   * own when it has been there this long, ms.
   */
  moveMs?: number
  /**
   * A file that proved too much for the reader is tried again when that verdict is this old, ms. Without it: once per start,
   * which suits a process that lives for weeks and not one that lives for a minute.
   */
  demandingAgainMs?: number
}

export type IndexDeps = IndexTimes & {
  inspect: Inspector
  /** `Launcher.datasetChanged`, which ends the sessions of another version; or nothing, where a tick does (`endStale`). */
  datasetChanged(datasetId: string): Promise<void>
}

export type IndexPorts = Pick<Ports, 'files' | 'catalogue' | 'cells' | 'clock' | 'log'>

/** A file untouched for this long when it is first seen needs no watching; longer than clocks of file servers differ. */
const oldMs = 60_000

export type IndexContext = ReturnType<typeof createIndexContext>

export function createIndexContext(ports: IndexPorts, deps: IndexDeps) {
  const { stableMs = 5_000, goneMs = 5_000, allGoneMs = 60_000, retryMs = 15_000, moveMs = 0 } = deps
  /** Since when a file has looked as it does; forgotten at a restart, which costs some seconds. */
  const seen = new Map<string, FileStat & { since: number }>()
  const missingSince = new Map<string, number>()
  const retryAt = new Map<string, number>()
  /** Changes that the launcher could not be told yet. */
  const untold = new Set<string>()
  const triedAgain = new Set<string>()
  let waitMs: number | null = null

  const waitFor = (ms: number) => {
    waitMs = Math.min(waitMs ?? Number.POSITIVE_INFINITY, Math.max(1, ms))
  }

  return {
    ...ports,
    inspect: deps.inspect,
    moveMs,
    /** May a file that proved too much for the reader be tried once more? */
    mayTryAgain({ id, updatedAt }: Dataset, now: number): boolean {
      if (deps.demandingAgainMs !== undefined) return now - updatedAt >= deps.demandingAgainMs
      if (triedAgain.has(id)) return false
      triedAgain.add(id)
      return true
    },
    /** Versions whose cells are kept, or could not be read since this start. */
    triedCells: new Set<string>(),

    /** How long until another look is worth it, ms; null when nothing waits. */
    waitMs: () => waitMs,
    beginScan(paths: ReadonlySet<string>) {
      waitMs = null
      for (const path of [...seen.keys()]) if (!paths.has(path)) seen.delete(path)
      return [...untold]
    },

    /** May it be read now? Not while it changes, and not soon after a failure. */
    isReady(file: FileStat, now: number): boolean {
      const before = seen.get(file.path)
      const same = before?.sizeBytes === file.sizeBytes && before.modifiedAt === file.modifiedAt
      const since = same ? before.since : now
      const { path, sizeBytes, modifiedAt } = file
      seen.set(path, { path, sizeBytes, modifiedAt, since })
      const stableIn = now - modifiedAt > Math.max(stableMs, oldMs) ? 0 : stableMs - (now - since)
      const wait = Math.max(stableIn, (retryAt.get(path) ?? 0) - now)
      if (wait > 0) waitFor(wait)
      return wait <= 0
    },
    retryLater: (path: string) => void retryAt.set(path, ports.clock.now() + retryMs),
    succeeded: (path: string) => void retryAt.delete(path),

    /** Has it been missing long enough to believe it? */
    isGone(id: string, allGone: boolean, now: number): boolean {
      const since = missingSince.get(id) ?? now
      missingSince.set(id, since)
      const left = since + (allGone ? allGoneMs : goneMs) - now
      if (left > 0) waitFor(left)
      return left <= 0
    },
    isFound: (id: string) => void missingSince.delete(id),

    async tellChanged(id: string): Promise<void> {
      untold.add(id)
      try {
        await deps.datasetChanged(id)
        untold.delete(id)
      } catch (error) {
        waitFor(retryMs)
        const fields = { dataset: id, error: String(error) }
        ports.log('error', 'sessions of a changed dataset could not be ended yet', fields)
      }
    },
  }
}
