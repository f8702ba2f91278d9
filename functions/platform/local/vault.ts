/**
 * Annotations and gene sets on disk, one folder per version:
 * `<dir>/<owner>/<dataset>/<kind>/<version>/` with `version.json` and `content.csv.gz`.
 */
import { randomUUID } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { access, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { LauncherError } from '../../core/errors.ts'
import type { Clock, Vault, VaultRef, VaultVersion } from '../../core/ports.ts'
import { vaultKinds } from '../../core/ports.ts'
import { fromPathName, toPathName } from '../path-name.ts'
import {
  baseMismatch,
  damaged,
  nextVersion,
  noSuchVersion,
  readContent,
  readRecord,
  toRecord,
} from '../vault-record.ts'
import { makeFolder, syncFolder, writeNewFile } from './durable.ts'

const metaName = 'version.json'
const contentName = 'content.csv.gz'
/** Lies in the vault's folder as long as it is the vault's: where a disk is not mounted, the folder is empty. */
const markName = '.vault'

const compress = promisify(gzip)
/** Folders of writes that never finished are removed when they are this old, ms; no write takes that long. */
const abandonedMs = 60 * 60_000

/**
 * A version becomes visible in one step: its folder is written and synced under a temporary name, then renamed to its
 * number. Renaming onto a folder that holds something fails, so of two writers with the same base, in this process or
 * in another, exactly one gets the number. A write that dies half-way leaves only a temporary folder, which no reader
 * looks at.
 * @param dir made when missing; readable for its owner alone
 * @param clock for `savedAt`
 */
export function createVault(dir: string, clock: Clock): Vault {
  mark(dir)
  const ownerFolder = (ownerId: string) => join(dir, toPathName(ownerId))
  const refFolder = (ref: VaultRef) => join(ownerFolder(ref.ownerId), toPathName(ref.datasetId), ref.kind)
  const shown = (path: string) => path.slice(dir.length + 1)

  const readWhole = (path: string): Promise<Buffer> =>
    readFile(path).catch((error: unknown) => {
      throw damaged(shown(path), error)
    })

  async function latest(ref: VaultRef): Promise<VaultVersion | null> {
    const newest = (await versionNumbers(dir, refFolder(ref)))[0]
    return newest === undefined ? null : read(ref, String(newest))
  }

  async function read(ref: VaultRef, version: string): Promise<VaultVersion> {
    const path = join(refFolder(ref), version, metaName)
    return readRecord((await readWhole(path)).toString('utf8'), shown(path), ref, version)
  }

  return {
    latest,

    async read(ref, version) {
      if (!(await versionNumbers(dir, refFolder(ref))).some((number) => String(number) === version))
        throw noSuchVersion(ref, version)
      const path = join(refFolder(ref), version, contentName)
      return readContent(await readWhole(path), shown(path), await read(ref, version))
    },

    async history(ref) {
      const versions: VaultVersion[] = []
      for (const number of await versionNumbers(dir, refFolder(ref))) versions.push(await read(ref, String(number)))
      return versions
    },

    async put(ref, body, meta) {
      const folder = refFolder(ref)
      const before = await latest(ref)
      if ((before?.version ?? null) !== meta.base) throw baseMismatch(before, meta.base)
      const version = nextVersion(before, body, meta, clock.now())
      const draft = join(folder, `.draft-${randomUUID()}`)
      try {
        await makeFolder(draft)
        await writeNewFile(join(draft, contentName), await compress(body))
        await writeNewFile(join(draft, metaName), toRecord(ref, version))
        await syncFolder(draft)
        await rename(draft, join(folder, version.version))
        await syncFolder(folder)
      } catch (error) {
        await rm(draft, { recursive: true, force: true }).catch(() => undefined)
        if (isTaken(error)) throw baseMismatch(await latest(ref), meta.base)
        throw writeFailed(error)
      }
      await removeAbandoned(folder, clock.now())
      return version
    },

    async listDatasets(ownerId) {
      const kept: string[] = []
      for (const name of await names(dir, ownerFolder(ownerId))) {
        const datasetId = fromPathName(name)
        if (datasetId === null) continue
        for (const kind of vaultKinds) {
          if ((await versionNumbers(dir, refFolder({ ownerId, datasetId, kind }))).length === 0) continue
          kept.push(datasetId)
          break
        }
      }
      return kept.sort()
    },
  }
}

/** Newest first. */
async function versionNumbers(dir: string, folder: string): Promise<number[]> {
  const numbers = (await names(dir, folder)).filter((name) => /^[1-9]\d{0,14}$/.test(name)).map(Number)
  return numbers.sort((a, b) => b - a)
}

/**
 * Only "not there" means empty: any other failure must not look like "nothing was ever kept". A whole vault that is not
 * there is such a failure: a save would be acknowledged that is out of sight as soon as its disk is back.
 */
async function names(dir: string, folder: string): Promise<string[]> {
  try {
    return await readdir(folder)
  } catch (error) {
    if (codeOf(error) === 'ENOENT' && (await isThere(join(dir, markName)))) return []
    throw new LauncherError(
      'unavailable',
      'The folder that keeps annotations can’t be read now. Nothing is lost; ask whoever runs this server to look at its disk.',
      { reason: codeOf(error) },
      { cause: error },
    )
  }
}

const isThere = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  )

/** What can't be done now is said by the first call that needs it. */
function mark(dir: string): void {
  try {
    mkdirSync(dir, { recursive: true, mode: 0o700 })
    writeFileSync(join(dir, markName), '', { flag: 'wx', mode: 0o600 })
  } catch {
    // It is there already, or the folder can't be used.
  }
}

function writeFailed(error: unknown): LauncherError {
  const code = codeOf(error)
  const why = code === 'ENOSPC' || code === 'EDQUOT' ? 'its disk is full' : `its folder can’t be written (${code})`
  return new LauncherError(
    'unavailable',
    `Not saved: the place that keeps annotations refuses, as ${why}. Keep the page open, it tries again; ask whoever runs this server to make room.`,
    { reason: code },
    { cause: error },
  )
}

/** Linux says ENOTEMPTY, other systems EEXIST or EPERM. */
function isTaken(error: unknown): boolean {
  return ['ENOTEMPTY', 'EEXIST'].includes(codeOf(error))
}

async function removeAbandoned(folder: string, now: number): Promise<void> {
  for (const name of await readdir(folder).catch(() => [])) {
    if (!name.startsWith('.draft-')) continue
    const draft = join(folder, name)
    const age = await stat(draft).then(
      (found) => now - found.mtimeMs,
      () => 0,
    )
    if (age > abandonedMs) await rm(draft, { recursive: true, force: true }).catch(() => undefined)
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
}
