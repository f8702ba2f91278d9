/** The data folder: which `.h5ad` files are in it, and where they lie. */
import type { Dirent, Stats } from 'node:fs'
import { lstat, readdir, realpath, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { deepestPath, isDatasetName, isDatasetPath, isUsableName } from '../../core/dataset-path.ts'
import { LauncherError } from '../../core/errors.ts'
import type { DatasetFiles, FileStat } from '../../core/ports.ts'

/**
 * What counts: names that end in `.h5ad`, in the folder or below it, as core/dataset-path says.
 *
 * Links: labs link large files rather than copy them, and whole group folders too. A link to a file is followed, and so
 * is a link to a folder directly in the root (a group), when whoever made the link also owns what it leads to, or when
 * root or this program's user made it. Without that rule a person who may write in one group's folder could publish any
 * file that this program can read. Other links to folders are not followed, so there are no loops. What is no regular
 * file in the end (pipe, device, socket) is left out and never opened. `..` in a path is refused.
 * @param root the data folder; may itself be a link
 */
export function createDatasetFiles(root: string): DatasetFiles {
  /** The real place of a path below the root, by the rules above; null when there is nothing that may be used. */
  async function find(path: string): Promise<{ real: string; stat: FileStat } | null> {
    if (!isDatasetPath(path)) return null
    const parts = path.split('/')
    let real = await realpath(root).catch((error: unknown) => {
      throw unreadable(error)
    })
    try {
      for (const [depth, part] of parts.entries()) {
        const last = depth === parts.length - 1
        const step = await follow(join(real, part), last || depth === 0)
        if (step === null || (last ? !step.stat.isFile() : !step.stat.isDirectory())) return null
        if (last)
          return {
            real: step.real,
            stat: { path, sizeBytes: step.stat.size, modifiedAt: Math.trunc(step.stat.mtimeMs) },
          }
        real = step.real
      }
      return null
    } catch (error) {
      if (isGone(error)) return null
      throw unreadable(error)
    }
  }

  async function* walk(folder: string, prefix: string, depth: number): AsyncGenerator<FileStat> {
    for (const entry of await entriesOf(folder, depth)) {
      if (!isUsableName(entry.name)) continue
      const path = `${prefix}${entry.name}`
      const maybeFile = isDatasetName(entry.name)
      if (maybeFile && (entry.isFile() || entry.isSymbolicLink())) {
        const found = await find(path)
        if (found !== null) yield found.stat
      } else if (depth < deepestPath && (entry.isDirectory() || (entry.isSymbolicLink() && depth === 1))) {
        const step = await follow(join(folder, entry.name), depth === 1).catch((error: unknown) => {
          if (isGone(error)) return null
          throw unreadable(error)
        })
        if (step?.stat.isDirectory()) yield* walk(step.real, `${path}/`, depth + 1)
      }
    }
  }

  return {
    async list() {
      const files: FileStat[] = []
      const real = await realpath(root).catch((error: unknown) => {
        throw unreadable(error)
      })
      for await (const file of walk(real, '', 1)) files.push(file)
      return files.sort((a, b) => (a.path < b.path ? -1 : 1))
    },

    async stat(path) {
      return (await find(path))?.stat ?? null
    },

    async locate(path) {
      const found = await find(path)
      if (found === null)
        throw new LauncherError(
          'not-found',
          'The file is not in the data folder any more. Reload the list of datasets.',
        )
      return { kind: 'path', path: found.real }
    },
  }
}

async function follow(path: string, linkAllowed: boolean): Promise<{ real: string; stat: Stats } | null> {
  const found = await lstat(path)
  if (!found.isSymbolicLink()) return { real: path, stat: found }
  if (!linkAllowed) return null
  const target = await stat(path)
  const trusted = found.uid === target.uid || found.uid === 0 || found.uid === process.getuid?.()
  return trusted ? { real: await realpath(path), stat: target } : null
}

/** A group's folder that we may not enter is that group's business; one that fails to answer must not look empty. */
async function entriesOf(folder: string, depth: number): Promise<Dirent[]> {
  try {
    return await readdir(folder, { withFileTypes: true })
  } catch (error) {
    if (depth > 1 && isGone(error)) return []
    throw unreadable(error)
  }
}

/** Not there, or closed to us: facts about one file. Anything else (an I/O error, a stale mount) says nothing about it. */
function isGone(error: unknown): boolean {
  const code = codeOf(error)
  return ['ENOENT', 'ENOTDIR', 'ELOOP', 'EACCES', 'EPERM', 'ENAMETOOLONG'].includes(code)
}

/** Thrown instead of an empty list: "all files are gone" would end every viewer. */
function unreadable(error: unknown): LauncherError {
  return new LauncherError(
    'unavailable',
    `The data folder can’t be read now (${codeOf(error)}). The list of datasets stays as it is; check that the folder exists, is mounted and may be read by this program.`,
    { reason: codeOf(error) },
    { cause: error },
  )
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
}
