/** Brings the dataset's file into the task's folder: from the same machine by a link, from elsewhere by parallel ranges straight to disk. */
import { constants } from 'node:fs'
import { copyFile, link, rm, stat, symlink } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { Work } from '../api/contract/gate.ts'
import { LauncherError } from '../core/errors.ts'
import { downloadRanges } from './download-ranges.ts'
import type { Tuning } from './tuning.ts'

type File = Work['file']

export type Download = {
  taskDir: string
  /** As `GateConfig.viewerFile`. */
  viewerFile?: string | null
  /** Knocks again: a presigned URL ends, often before a large file does. */
  freshFile(): Promise<File>
  onProgress(doneBytes: number): void
  signal: AbortSignal
  tuning: Pick<Tuning, 'rangeBytes' | 'rangesAtOnce' | 'stallMs' | 'backoffMs' | 'backoffMostMs'>
}

/** @returns path of the complete file, as the viewer knows it. Throws `dataset-unusable` or `dataset-changed`, with words for the page. */
export async function download(file: File, options: Download): Promise<string> {
  const to = join(options.taskDir, fileName(file))
  const shown = file.kind === 'path' ? (options.viewerFile ?? null) : null
  if (shown === null) {
    await rm(to, { force: true })
    if (file.kind === 'url') await downloadRanges(file, to, options)
    else await linkFile(file, to)
  }
  const { size } = await stat(file.kind === 'path' && shown !== null ? file.path : to).catch((error: unknown) => {
    throw codeOf(error) === 'ENOENT' ? notThere() : unreadable()
  })
  if (size !== file.sizeBytes)
    throw new LauncherError(
      'dataset-changed',
      `The file has ${size} bytes where ${file.sizeBytes} were expected: it changed since it was checked. Open it again in a minute.`,
    )
  options.onProgress(size)
  return shown ?? to
}

/** A hard link keeps the very file that was checked, even when its name is given to another one meanwhile. */
async function linkFile(file: File & { kind: 'path' }, to: string): Promise<void> {
  try {
    await link(file.path, to)
    return
  } catch (error) {
    if (codeOf(error) === 'ENOENT') throw notThere()
  }
  // Another device, another owner's file (fs.protected_hardlinks), or no hard links at all.
  for (const attempt of [
    () => copyFile(file.path, to, constants.COPYFILE_FICLONE_FORCE), // shares its blocks where the file system can
    () => symlink(file.path, to),
    () => copyFile(file.path, to),
  ])
    try {
      await attempt()
      return
    } catch {
      await rm(to, { force: true })
    }
  throw unreadable()
}

export const notThere = () =>
  new LauncherError('dataset-unusable', 'The file is not there any more. It may have been moved or removed.')
const unreadable = () =>
  new LauncherError('dataset-unusable', 'The file can’t be read. Check its permissions, and the space on disk.')

/** cellxgene decides by the name's ending how to read it. */
function fileName(file: File): string {
  const ending = file.kind === 'path' ? /\.[a-z0-9]{1,8}$/i.exec(basename(file.path))?.[0] : undefined
  return `dataset${ending ?? '.h5ad'}`
}

export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''
}
