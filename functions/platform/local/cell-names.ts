/** The cells of each dataset version by name, one compressed file each: what a label belongs to, also when the data file is gone. */
import { randomUUID } from 'node:crypto'
import { readdir, readFile, rename, rm, stat, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { type CellNames, type Clock, keptCellsMs } from '../../core/ports.ts'
import { cellsEnding, cellsFile, readCells, unreadableCells, writeCells } from '../cells-record.ts'
import { makeFolder, syncFolder, writeNewFile } from './durable.ts'

/** @param dir made when missing; readable for its owner alone */
export function createCellNames(dir: string, clock: Clock): CellNames {
  const pathOf = (version: string) => join(dir, cellsFile(version))
  return {
    async get(version) {
      const path = pathOf(version)
      const bytes = await readFile(path).catch((error: unknown) => {
        if (codeOf(error) === 'ENOENT') return null
        throw unreadableCells(version, error)
      })
      return bytes && readCells(version, bytes)
    },
    has: async (version) =>
      stat(pathOf(version)).then(
        () => true,
        (error: unknown) => {
          if (codeOf(error) === 'ENOENT') return false
          throw error
        },
      ),
    async put(version, cells) {
      const path = pathOf(version)
      const draft = join(dir, `.${randomUUID()}`)
      await makeFolder(dir)
      try {
        await writeNewFile(draft, await writeCells(cells))
        await rename(draft, path)
        await syncFolder(dir)
      } finally {
        await rm(draft, { force: true })
      }
    },
    async prune(current) {
      const now = clock.now()
      const names = await readdir(dir).catch((error: unknown) => {
        if (codeOf(error) === 'ENOENT') return []
        throw error
      })
      for (const name of names) {
        const path = join(dir, name)
        // A file's time is when its version was last current; a draft's, when a write began that never ended.
        if (name.endsWith(cellsEnding) && current.has(name.slice(0, -cellsEnding.length)))
          await utimes(path, now / 1000, now / 1000).catch(unlessGone)
        else if (now - (await stat(path)).mtimeMs > keptCellsMs) await rm(path, { force: true })
      }
    },
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
}

function unlessGone(error: unknown): void {
  if (codeOf(error) !== 'ENOENT') throw error
}
