/**
 * Notes which files this process opens. HDF5 data may lie in other files ("external storage"), and h5wasm tells neither
 * that it does nor that node's permission model refused to open them: zeros come instead. So every open is noted.
 */
import fs from 'node:fs'

const opened: string[] = []
const openSync = fs.openSync
Object.defineProperty(fs, 'openSync', {
  configurable: true,
  value: (path: fs.PathLike, flags: fs.OpenMode, mode?: fs.Mode | null) => {
    opened.push(String(path))
    return openSync(path, flags, mode)
  },
})

/** For files that are opened without `fs` knowing. */
export const noteOpen = (path: string): void => void opened.push(path)

/** How many opens there were so far, not counting those below `folder`. */
export function countOpens(folder: string): number {
  return opened.filter((path) => !path.startsWith(`${folder}/`)).length
}
