/** The cells of each dataset version by name, one compressed file each: what a label belongs to, also when the data file is gone. */
import { randomUUID } from 'node:crypto'
import { readdir, readFile, rename, rm, stat, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gunzip, gzip } from 'node:zlib'
import { z } from 'zod'
import { LauncherError } from '../../core/errors.ts'
import { type CellNames, type Clock, keptCellsMs } from '../../core/ports.ts'
import { makeFolder, syncFolder, writeNewFile } from './durable.ts'

const [compress, decompress] = [promisify(gzip), promisify(gunzip)]
const record = z.object({
  v: z.literal(1),
  names: z.array(z.string()),
  columns: z.array(z.string()),
  genes: z.array(z.string()).optional(),
})
/** Ten million names of a hundred characters; a damaged file must not fill the memory. */
const mostBytes = 2 ** 30

const ending = '.json.gz'

/** @param dir made when missing; readable for its owner alone */
export function createCellNames(dir: string, clock: Clock): CellNames {
  const pathOf = (version: string) => {
    if (!/^[0-9A-Za-z_-]{1,128}$/.test(version)) throw new LauncherError('bad-request', 'No such dataset version.')
    return join(dir, version + ending)
  }
  return {
    async get(version) {
      const path = pathOf(version)
      try {
        const text = await decompress(await readFile(path), { maxOutputLength: mostBytes })
        const { v: _, genes, ...found } = record.parse(JSON.parse(text.toString('utf8')))
        return genes === undefined ? found : { ...found, genes }
      } catch (error) {
        if (codeOf(error) === 'ENOENT') return null
        throw new LauncherError(
          'unavailable',
          'The list of a dataset’s cells can’t be read. Whoever runs this server can delete its file below “cells”: it is made again from the data.',
          { version },
          { cause: error },
        )
      }
    },
    has: async (version) =>
      stat(pathOf(version)).then(
        () => true,
        (error: unknown) => {
          if (codeOf(error) === 'ENOENT') return false
          throw error
        },
      ),
    async put(version, { names, columns, genes }) {
      const path = pathOf(version)
      const draft = join(dir, `.${randomUUID()}`)
      await makeFolder(dir)
      try {
        await writeNewFile(draft, await compress(JSON.stringify({ v: 1, names, columns, genes })))
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
        if (name.endsWith(ending) && current.has(name.slice(0, -ending.length)))
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
