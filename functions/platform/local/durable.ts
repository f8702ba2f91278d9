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

/** Makes `path` and its parents, and syncs each parent in which something was made. */
export async function makeFolder(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true, mode: 0o700 })
  if (first === undefined) return
  for (let made = path; ; made = dirname(made)) {
    await syncFolder(dirname(made))
    if (made === first) return
  }
}

async function withHandle(handle: FileHandle, use: (handle: FileHandle) => Promise<void>): Promise<void> {
  try {
    await use(handle)
  } finally {
    await handle.close()
  }
}
