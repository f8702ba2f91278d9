/** The cells of each dataset version by name, one compressed file each: what a label belongs to, also when the data file is gone. */
import { randomUUID } from 'node:crypto'
import { readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gunzip, gzip } from 'node:zlib'
import { z } from 'zod'
import { LauncherError } from '../../core/errors.ts'
import type { CellNames } from '../../core/ports.ts'
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

/** @param dir made when missing; readable for its owner alone */
export function createCellNames(dir: string): CellNames {
  const pathOf = (version: string) => {
    if (!/^[0-9A-Za-z_-]{1,128}$/.test(version)) throw new LauncherError('bad-request', 'No such dataset version.')
    return join(dir, `${version}.json.gz`)
  }
  return {
    async get(version) {
      try {
        const text = await decompress(await readFile(pathOf(version)), { maxOutputLength: mostBytes })
        const { v: _, genes, ...found } = record.parse(JSON.parse(text.toString('utf8')))
        return genes === undefined ? found : { ...found, genes }
      } catch (error) {
        if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null
        throw new LauncherError(
          'unavailable',
          'The list of a dataset’s cells can’t be read. Whoever runs this server can delete its file below “cells”: it is made again from the data.',
          { version },
          { cause: error },
        )
      }
    },
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
  }
}
