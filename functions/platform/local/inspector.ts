/** The index's eyes on one machine: dataset paths to real files, and the indexer's process to look into them. */
import { LauncherError } from '../../core/errors.ts'
import type { DatasetFiles } from '../../core/ports.ts'
import type { Indexer } from '../../indexer/client.ts'
import { ProblemFound } from '../../indexer/problems.ts'
import { incomplete } from '../../indexer/superblock.ts'
import type { Inspector } from '../../launcher/index-dataset.ts'

export function createInspector(files: DatasetFiles, indexer: Indexer): Inspector {
  async function realPath(path: string): Promise<string> {
    const at = await files.locate(path)
    if (at.kind !== 'path')
      throw new LauncherError('bad-setting', 'This inspector reads files of its own machine only.')
    return at.path
  }
  return {
    async start(path) {
      try {
        const start = await indexer.superblock(await realPath(path))
        if (start.kind === 'whole') return start
        return { kind: start.kind === 'cut-short' ? start.kind : 'refused', problem: incomplete(start).problem }
      } catch (error) {
        const code = error instanceof Error && 'code' in error ? String(error.code) : ''
        if (code === 'ENOENT') throw new LauncherError('not-found', 'The file went away while it was looked at.')
        if (!['EACCES', 'EPERM'].includes(code)) throw error
        return {
          kind: 'refused',
          problem: new ProblemFound('unreadable', 'This server may not read the file.').problem,
        }
      }
    },
    hash: async (path, signal) => indexer.hashFile(await realPath(path), signal),
    cells: async (path, signal) => indexer.readCells(await realPath(path), signal),
    index: async (path, signal) => indexer.indexFile(await realPath(path), signal),
  }
}
