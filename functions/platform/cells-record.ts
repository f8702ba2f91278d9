/** The cells of one dataset version as they are kept on disk and in a bucket: JSON, gzip'd. */
import { promisify } from 'node:util'
import { gunzip, gzip } from 'node:zlib'
import { z } from 'zod'
import { LauncherError } from '../core/errors.ts'
import type { DatasetCells } from '../core/ports.ts'

const [compress, decompress] = [promisify(gzip), promisify(gunzip)]
const record = z.object({
  v: z.literal(1),
  names: z.array(z.string()),
  columns: z.array(z.string()),
  genes: z.array(z.string()).optional(),
})
/** Ten million names of a hundred characters; a damaged file must not fill the memory. */
const mostBytes = 2 ** 30

export const cellsEnding = '.json.gz'

/** The version's name as part of a path or key. Throws `bad-request` for one that could lead elsewhere. */
export function cellsFile(version: string): string {
  if (!/^[0-9A-Za-z_-]{1,128}$/.test(version)) throw new LauncherError('bad-request', 'No such dataset version.')
  return version + cellsEnding
}

export const writeCells = ({ names, columns, genes }: DatasetCells): Promise<Buffer> =>
  compress(JSON.stringify({ v: 1, names, columns, genes }))

/** Throws `unavailable` for what is damaged: an empty list instead would lose every label. */
export async function readCells(version: string, bytes: Uint8Array): Promise<DatasetCells> {
  try {
    const text = await decompress(bytes, { maxOutputLength: mostBytes })
    const { v: _, genes, ...found } = record.parse(JSON.parse(text.toString('utf8')))
    return genes === undefined ? found : { ...found, genes }
  } catch (error) {
    throw unreadableCells(version, error)
  }
}

export const unreadableCells = (version: string, error: unknown): LauncherError =>
  new LauncherError(
    'unavailable',
    'The list of a dataset’s cells can’t be read. Whoever runs this server can delete its file below “cells”: it is made again from the data.',
    { version },
    { cause: error },
  )
