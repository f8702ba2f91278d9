/** `npm run users -- import-htpasswd FILE`: people of an nginx or Apache that asked for passwords, with the passwords that they have. */
import { readFileSync, statSync } from 'node:fs'
import { readForeignHash } from '../../auth/foreign-hash.ts'
import { adminName, checkUserName, typedName } from '../../auth/user-names.ts'
import { isLauncherError, LauncherError } from '../../core/errors.ts'
import type { UserRecord, UserStore } from '../../core/ports.ts'

/** A hundred thousand people; more is another file. */
const largestFile = 10 * 2 ** 20

export type Import = {
  text: string
  groups: string[]
  dryRun: boolean
  now: number
  users: Pick<UserStore, 'get' | 'create'>
  say(line: string): void
}

/** Throws `bad-request` for a file that can't be read. */
export function readHtpasswd(file: string): string {
  try {
    if (statSync(file).size > largestFile) throw new Error('it is too large for a file of passwords')
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new LauncherError('bad-request', `${file} can't be read: ${error instanceof Error ? error.message : error}`)
  }
}

/**
 * Adds those who are new, one line of report each; people who exist already are left as they are. May be repeated.
 * @returns how many were added, left alone and refused
 */
export async function importHtpasswd({ text, groups, dryRun, now, users, say }: Import) {
  const counts = { added: 0, left: 0, refused: 0 }
  const seen = new Set<string>()
  for (const [at, line] of text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .entries()) {
    if (/^\s*(#.*)?$/.test(line)) continue
    const read = readLine(line)
    if ('refused' in read) {
      counts.refused++
      // Without the line's text: what stands there may be a password.
      say(`${read.name === null ? `line ${at + 1}` : read.name}: refused: ${read.refused}`)
      continue
    }
    const { name, hash, kind } = read
    if (seen.has(name)) {
      counts.refused++
      say(`${name}: refused: it stands in the file twice (capitals don't count); the first one is taken`)
      continue
    }
    seen.add(name)
    const user: UserRecord = {
      ...{ name, email: null, groups, admin: false, disabled: false },
      ...{ passwordHash: hash, generation: 0, createdAt: now },
    }
    const added = dryRun ? (await users.get(name)) === null : await users.create(user)
    if (added) counts.added++
    else counts.left++
    if (!added) say(`${name}: left alone: there is such a user already`)
    else say(`${name}: ${dryRun ? 'would be added' : 'added'} (${kind})`)
  }
  return counts
}

type Line = { name: string; hash: string; kind: string } | { name: string | null; refused: string }

function readLine(line: string): Line {
  const [, given, hash = ''] = /^([^:]*):([^:]*)(?::.*)?$/.exec(line.trimEnd()) ?? []
  if (given === undefined) return { name: null, refused: 'it is no line of an htpasswd file, NAME:HASH' }
  let name: string
  try {
    name = checkUserName(typedName(given))
  } catch (error) {
    if (!isLauncherError(error)) throw error
    return { name: null, refused: error.message }
  }
  if (name === adminName)
    return {
      name,
      refused: `this name is kept for the administrator; add them by another, or npm run users -- passwd ${name}`,
    }
  const found = readForeignHash(hash)
  if ('refused' in found)
    return { name, refused: `${found.refused}. Give a new password: npm run users -- add ${name}` }
  return { name, hash, kind: found.kind }
}
