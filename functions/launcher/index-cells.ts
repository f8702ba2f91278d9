/** The cells of each dataset version by name, kept beside the index: what a page of that version saves is known by them, also when its file is gone. */
import { type DatasetIndex, isUsable } from '../core/dataset.ts'
import type { DatasetCells } from '../core/ports.ts'
import { sha256 } from './hash.ts'
import type { IndexContext } from './index-context.ts'
import * as records from './index-records.ts'

type Reading = Pick<IndexContext, 'inspect' | 'log'>

/** Null when they can't be read, or are not those that were indexed: names of another file would put labels on wrong cells. */
export async function readCells(
  { inspect, log }: Reading,
  path: string,
  index: DatasetIndex,
  signal: AbortSignal,
): Promise<DatasetCells | null> {
  try {
    const cells = await inspect.cells(path, signal)
    if (sha256(cells.names.map((name) => `${name}\n`).join('')) === index.obsIndexHash) return cells
    log('warn', 'names of cells not kept', { path, error: 'the file has changed meanwhile' })
  } catch (error) {
    // It can be opened without: only what a page could not save can't be kept by name when the file is replaced.
    log('warn', 'names of cells not kept', { path, error: String(error) })
  }
  return null
}

/**
 * Reads the names of datasets that were indexed by an older program, or whose names could not be read then. Once per start
 * for each that fails.
 */
export async function fillCells(context: IndexContext, signal: AbortSignal): Promise<void> {
  const { catalogue, cells, files, triedCells } = context
  for (const record of await catalogue.list()) {
    if (signal.aborted) return
    if (!isUsable(record) || triedCells.has(record.version)) continue
    triedCells.add(record.version)
    if (await cells.has(record.version)) continue
    const isThere = async () => {
      const found = await files.stat(record.path)
      return found !== null && records.sameFile(record, found)
    }
    if (!(await isThere())) continue
    const read = await readCells(context, record.path, record.index, signal)
    if (read !== null && (await isThere())) await cells.put(record.version, read)
  }
}
