/** Makes the data and state folders where they are missing, and refuses at once what would fail later. */
import {
  accessSync,
  chmodSync,
  constants,
  lstatSync,
  mkdirSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import path from 'node:path'
import { SetupError, say } from './words.mjs'

export function ensureFolders(where: { dataDir: string; dataIsDefault: boolean; stateDir: string }): void {
  ensureState(where.stateDir)
  ensureData(where.dataDir, where.dataIsDefault)
}

/**
 * Password hashes, the signing key and everybody's annotations: for the launcher's user alone. Closed when it was open;
 * refused when somebody else may have put something there, for what is in it could then no longer be trusted.
 */
export function ensureState(folder: string): void {
  const probe = path.join(folder, `.probe-${process.pid}`)
  try {
    makeFolder(folder)
    const { uid, mode } = statSync(folder)
    const own = process.getuid?.() ?? uid
    if (uid !== own) throw new SetupError(notOurs(folder, uid))
    const strange = (mode & 0o022) === 0 ? [] : readdirSync(folder).filter((name) => ownerOf(folder, name) !== own)
    if (strange.length > 0) throw new SetupError(planted(folder, strange))
    chmodSync(folder, 0o700)
    if ((mode & 0o077) !== 0) say(opened(folder, mode))
    writeFileSync(probe, 'x')
    rmSync(probe)
  } catch (error) {
    if (error instanceof SetupError) throw error
    throw refused(
      error,
      `The state folder ${folder} can't be written`,
      'Name another with --state DIR, or run as its owner.',
    )
  }
}

/** Node's own `recursive` (20) never comes back where a folder is there and takes no new ones, as below /proc or an automounter's. */
function makeFolder(folder: string): void {
  if (isFolder(folder)) return
  makeFolder(path.dirname(folder))
  try {
    mkdirSync(folder, { mode: 0o700 })
  } catch (error) {
    // Another start, at the same moment.
    if (!isFolder(folder)) throw error
  }
}

const isFolder = (folder: string): boolean => statSync(folder, { throwIfNoEntry: false })?.isDirectory() ?? false

const notOurs = (folder: string, uid: number): string =>
  `The state folder ${folder} belongs to another user (number ${uid}), who could read and change everything in it. Start ` +
  'as that user, name another folder with --state DIR, or give it to this one: sudo chown -R.'

const planted = (folder: string, names: readonly string[]): string =>
  `Everybody could write to the state folder ${folder}, and somebody else has: ${names.slice(0, 5).join(', ')}. Look at ` +
  'what is there, remove what is not yours, close the folder (chmod 700), and start again. Or name another with --state DIR.'

const opened = (folder: string, mode: number): string =>
  `The state folder ${folder} was open to other users of this machine (mode ${(mode & 0o777).toString(8)}). It is closed ` +
  'now (700). Who could read it before may know the signing key: delete secrets/signing-key.json in it if you are in doubt.'

function ownerOf(folder: string, name: string): number | undefined {
  return lstatSync(path.join(folder, name), { throwIfNoEntry: false })?.uid
}

function ensureData(folder: string, isDefault: boolean): void {
  try {
    // A folder that somebody named and that is not there is a slip, or a disk that is not mounted: not to be papered over.
    if (isDefault) mkdirSync(path.join(folder, 'public'), { recursive: true })
    if (!statSync(folder).isDirectory())
      throw new SetupError(`The data folder ${folder} is a file. Name a folder with --data DIR.`)
    accessSync(folder, constants.R_OK | constants.X_OK)
    readdirSync(folder)
  } catch (error) {
    if (error instanceof SetupError) throw error
    throw refused(error, `The data folder ${folder} can't be read`, 'Make it, or name another with --data DIR.')
  }
}

const reasons: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'the file system is read-only',
  ENOENT: 'it does not exist',
  ENOTDIR: 'part of its path is a file',
  EEXIST: 'there is a file of that name',
}

function refused(error: unknown, what: string, remedy: string): Error {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  const reason = reasons[code]
  // Others (a full disk) have words of their own, in start-error.ts.
  if (reason === undefined) return error instanceof Error ? error : new SetupError(`${what}. ${remedy}`)
  return new SetupError(`${what}: ${reason}. ${remedy}`)
}
