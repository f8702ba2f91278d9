/** The launcher's secrets on one machine: one file, made at the first start, that only the launcher's user can read. */
import { randomBytes } from 'node:crypto'
import { chmod, link, mkdir, open, readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { JWK } from 'jose'
import { type Keys, loadKeys, newSigningJwk, parseSigningJwk } from '../../auth/keys.ts'
import { LauncherError } from '../../core/errors.ts'

/**
 * The signing key under a state folder; made when there is none.
 * Throws `bad-setting` when the file is open to others or can't be used: everybody who reads it can act as any user.
 */
export async function loadSigningKeys(stateDir: string): Promise<Keys> {
  const dir = join(stateDir, 'secrets')
  const path = join(dir, 'signing-key.json')
  await mkdir(dir, { recursive: true, mode: 0o700 })
  await chmod(dir, 0o700)
  if (!(await exists(path))) await create(path, JSON.stringify(await newSigningJwk()))
  const { mode } = await stat(path)
  if ((mode & 0o077) !== 0)
    throw new LauncherError(
      'bad-setting',
      `The signing key ${path} can be read by others, who could sign in as anybody. If nobody did: chmod 600 ${path}. Else delete it; everybody signs in again.`,
    )
  return loadKeys(parse(path, await readFile(path, 'utf8')))
}

/** Written whole and synced under another name, then linked: two starts at once end with one key, a crash with none or a whole one. */
async function create(path: string, content: string): Promise<void> {
  const fresh = `${path}.${randomBytes(6).toString('hex')}`
  const file = await open(fresh, 'wx', 0o600)
  try {
    await file.writeFile(content)
    await file.sync()
  } finally {
    await file.close()
  }
  try {
    await link(fresh, path)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
  } finally {
    await rm(fresh, { force: true })
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}

function parse(path: string, text: string): JWK {
  const jwk = parseSigningJwk(text)
  if (jwk !== null) return jwk
  throw new LauncherError(
    'bad-setting',
    `The signing key ${path} is not readable JSON. Delete it: a new one is made, and everybody signs in again.`,
  )
}
