/** File operations that have reached the disk when they return: a power cut afterwards takes nothing back. */
import { type FileHandle, mkdir, open } from 'node:fs/promises'
import { dirname } from 'node:path'

/** Creates a new file; fails when there is one. */
export async function writeNewFile(path: string, content: Uint8Array | string): Promise<void> {
  await withHandle(await open(path, 'wx', 0o600), async (file) => {
    await file.writeFile(content)
    await file.sync()
  })
}

/** A name made or changed inside `path` is durable only when the folder itself has been synced. */
export async function syncFolder(path: string): Promise<void> {
  await withHandle(await open(path, 'r'), (folder) => folder.sync())
}

/**
 * Makes `path` and the parents it lacks, and syncs each folder in which something was made. Own recursion: node's
 * `recursive` tells not what it made, and never returns where the system answers ENOENT to every attempt.
 */
export async function makeFolder(path: string): Promise<void> {
  const failure = await tryToMake(path)
  if (failure === 'ENOENT' && dirname(path) !== path) {
    await makeFolder(dirname(path))
    await mkdir(path, { mode: 0o700 }).catch(unlessThere)
  } else if (failure !== null) return
  await syncFolder(dirname(path))
}

/** Null when made, ENOENT when the parent lacks, EEXIST when it was there. */
async function tryToMake(path: string): Promise<'ENOENT' | 'EEXIST' | null> {
  try {
    await mkdir(path, { mode: 0o700 })
    return null
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : ''
    if (code === 'ENOENT' || code === 'EEXIST') return code
    throw error
  }
}

function unlessThere(error: unknown): void {
  if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
}

async function withHandle(handle: FileHandle, use: (handle: FileHandle) => Promise<void>): Promise<void> {
  try {
    await use(handle)
  } finally {
    await handle.close()
  }
}
