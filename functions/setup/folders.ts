/** Makes the data and state folders where they are missing, and refuses at once what would fail later. */
import { accessSync, chmodSync, constants, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { SetupError } from './words.mjs'

export function ensureFolders(where: { dataDir: string; dataIsDefault: boolean; stateDir: string }): void {
  ensureState(where.stateDir)
  ensureData(where.dataDir, where.dataIsDefault)
}

function ensureState(folder: string): void {
  const probe = path.join(folder, `.probe-${process.pid}`)
  try {
    // Password hashes and everybody's annotations: for the launcher's user alone.
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    chmodSync(folder, 0o700)
    writeFileSync(probe, 'x')
    rmSync(probe)
  } catch (error) {
    throw refused(
      error,
      `The state folder ${folder} can't be written`,
      'Name another with --state DIR, or run as its owner.',
    )
  }
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
