/** Passwords: argon2id hashes, and a check that takes as long for a user who does not exist. */
import { hash, verify } from '@node-rs/argon2'
import { LauncherError } from '../core/errors.ts'
import { newSecret } from './secrets.ts'

/** OWASP's Password Storage Cheat Sheet, first choice that fits a small server: argon2id, 19 MiB, two passes, one lane. */
const parameters = { memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const

const shortest = 10
const longest = 256

export type Passwords = {
  /** Throws `bad-request` when the password is too short or too long to be kept. */
  hash(password: string): Promise<string>
  /** False for a null hash too, after the same work, so that time does not tell which names exist. */
  verify(hash: string | null, password: string): Promise<boolean>
}

export function createPasswords(): Passwords {
  // Made before anybody asks: made at the first unknown name, that one answer would take twice as long.
  const nobody = hash(newSecret(), parameters)
  nobody.catch(() => undefined)
  return {
    async hash(password) {
      const length = [...password].length
      if (length < shortest || length > longest)
        throw new LauncherError(
          'bad-request',
          `A password has ${shortest} to ${longest} characters; this one has ${length}.`,
        )
      return hash(normal(password), parameters)
    },
    async verify(stored, password) {
      // Cut, not refused: the work stays the same and no kept password is this long.
      const right = await verify(stored ?? (await nobody), normal(password.slice(0, 2 * longest))).catch(() => false)
      return right && stored !== null
    },
  }
}

/** The same letters typed on two keyboards may arrive in two forms of Unicode (NIST SP 800-63B, 3.1.1.2). */
const normal = (password: string): string => password.normalize('NFKC')
