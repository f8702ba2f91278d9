/** The verdict on one file: its index, or its problem. Never throws for what is wrong with the file. */
import type { DatasetIndex, DatasetProblem } from '../core/dataset.ts'
import { type Hdf5Library, openHdf5 } from './hdf5.ts'
import { countOpens } from './opened-files.ts'
import { ProblemFound } from './problems.ts'
import { readIndex } from './read-index.ts'
import { incomplete, readSuperblock, type Superblock } from './superblock.ts'

/**
 * @param pluginFolder may be opened as well
 * @param superblock where the file's bytes are not to be had by node's promises
 */
export async function inspectFile(
  library: Hdf5Library,
  path: string,
  pluginFolder: string,
  superblock: () => Promise<Superblock> = () => readSuperblock(path),
): Promise<{ index: DatasetIndex; title: string | null } | { problem: DatasetProblem }> {
  try {
    const start = await superblock()
    if (start.kind !== 'whole') throw incomplete(start)
    const root = openHdf5(library, path)
    const before = countOpens(pluginFolder)
    const read = readIndex(root)
    if (countOpens(pluginFolder) > before)
      throw new ProblemFound('refers-elsewhere', 'Some of its data lies in other files.')
    return read
  } catch (error) {
    return { problem: problemOf(error) }
  }
}

function problemOf(error: unknown): DatasetProblem {
  if (error instanceof ProblemFound) return error.problem
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  if (['EACCES', 'EPERM'].includes(code))
    return new ProblemFound('unreadable', 'This server may not read the file.').problem
  // Node's permission model: something inside the file named another one.
  if (code === 'ERR_ACCESS_DENIED')
    return new ProblemFound('refers-elsewhere', 'A part of the file lies in another file.').problem
  return new ProblemFound('damaged', `The file is damaged: ${shortened(error) || 'a part of it can’t be read'}.`)
    .problem
}

/** Empty where the process may not write: HDF5 collects its words in a temporary file.
 * HDF5 reports a stack of errors, the first the most general and the last the cause; lines look like `#000: … (): text`. */
function shortened(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error)
  const lines = text.split('\n').filter((line) => /^\s*#\d+:/.test(line))
  const cause = lines.at(-1)?.replace(/^.*\(\): /, '') ?? text
  return cause.replace(/\s+/g, ' ').trim().slice(0, 200)
}
