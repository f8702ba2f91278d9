/** The folder for sockets and process records: private to the launcher's user, and short, since a Unix socket's path may have 107 bytes. */
import { createHash } from 'node:crypto'
import { lstatSync, mkdirSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join, resolve } from 'node:path'
import { LauncherError } from '../../core/errors.ts'

/** Longest name that we append: `/t/<20 characters>/v/viewer.sock`. */
const longestTail = 40
const socketPathBytes = 107

/**
 * `<state>/run` where that is short enough, else a folder of the same use under the system's temporary folder, named by
 * user and state folder. Made 0700; refused when somebody else made it first (they could swap our sockets).
 */
export function openRunDir(stateDir: string): string {
  const own = join(resolve(stateDir), 'run')
  const { uid } = userInfo()
  const hash = createHash('sha256').update(resolve(stateDir)).digest('hex').slice(0, 10)
  const dir = Buffer.byteLength(own) + longestTail <= socketPathBytes ? own : join(tmpdir(), `cxod-${uid}-${hash}`)
  mkdirSync(dir, { recursive: true, mode: 0o700 })
  const stat = lstatSync(dir)
  if (!stat.isDirectory() || stat.uid !== uid || (stat.mode & 0o077) !== 0)
    throw new LauncherError(
      'bad-setting',
      `The folder ${dir} must belong to you and be closed to others (chmod 700): the launcher's sockets live there.`,
    )
  return dir
}
