/** Passwords: argon2id hashes, a check that takes as long for a user who does not exist, and the way over from other hashes. */
import { hash, verify } from '@node-rs/argon2'
import { LauncherError } from '../core/errors.ts'
import { verifyForeign } from './foreign-hash.ts'
import { newSecret } from './secrets.ts'
import { createTurns } from './turns.ts'

/** OWASP's Password Storage Cheat Sheet, first choice that fits a small server: argon2id, 19 MiB, two passes, one lane. */
const parameters = { memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const

/**
 * Each takes 19 MiB and a thread of the pool of four with which node also reads and syncs files: a flood of sign-ins must
 * not keep the vault waiting. A class that signs in at once waits two seconds.
 */
const [atOnce, mostWaiting] = [2, 100]

const shortest = 10
const longest = 256

export type Passwords = {
  /** Throws `bad-request` when the password is too short or too long to be kept. */
  hash(password: string): Promise<string>
  /** False for a null hash too, after the same work, so that time does not tell which names exist. */
  verify(hash: string | null, password: string): Promise<boolean>
  /**
   * For a password that was just found right: an argon2id hash to keep instead of one from elsewhere, null when it is
   * one already. However short: it was good enough so far, and refusing it would lock its owner out.
   */
  renewed(hash: string, password: string): Promise<string | null>
}

export function createPasswords(): Passwords {
  // Made before anybody asks: made at the first unknown name, that one answer would take twice as long.
  const nobody = hash(newSecret(), parameters)
  nobody.catch(() => undefined)
  const turn = createTurns(atOnce, mostWaiting)
  return {
    async hash(password) {
      const length = [...password].length
      if (length < shortest || length > longest)
        throw new LauncherError(
          'bad-request',
          `A password has ${shortest} to ${longest} characters; this one has ${length}.`,
        )
      return turn(() => hash(normal(password), parameters))
    },
    verify: (stored, password) => turn(() => check(stored, password)),
    async renewed(stored, password) {
      return isOwnHash(stored) ? null : turn(() => hash(normal(password.slice(0, 2 * longest)), parameters))
    },
  }

  async function check(stored: string | null, password: string): Promise<boolean> {
    // Cut, not refused: the work stays the same and no kept password is this long.
    const own = stored !== null && isOwnHash(stored) ? stored : await nobody
    const right = await verify(own, normal(password.slice(0, 2 * longest))).catch(() => false)
    if (own === stored) return right
    // Besides the work for nobody, not instead of it: most other hashes are so quick that names would show.
    return stored !== null && verifyForeign(stored, password)
  }
}

/** One of ours, as opposed to one that came with an htpasswd file. */
export const isOwnHash = (stored: string): boolean => stored.startsWith('$argon2')

/** The same letters typed on two keyboards may arrive in two forms of Unicode (NIST SP 800-63B, 3.1.1.2). */
const normal = (password: string): string => password.normalize('NFKC')
