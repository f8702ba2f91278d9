/** Sign-in by name and password: limited by name and by address, and silent about which of the two was wrong. */
import { LauncherError } from '../core/errors.ts'
import type { Clock, OnceStore, UserRecord, UserStore } from '../core/ports.ts'
import { addressKey } from './address.ts'
import type { Passwords } from './passwords.ts'
import { createRateLimit, type RateLimit } from './rate-limit.ts'
import { hashSecret } from './secrets.ts'
import { typedName } from './user-names.ts'

export type SignInLimits = {
  /** One name from one address: a colleague's guesses must not lock its owner out elsewhere. */
  byNameAndAddress: RateLimit
  /** One name from everywhere. */
  byName: RateLimit
  /** One address, whatever the name. */
  byAddress: RateLimit
}

const quarterHour = 15 * 60_000

/** Every attempt counts, a right one too: the store can't take one back. A class of students behind one address must still get in. */
const defaultSignInLimits: SignInLimits = {
  byNameAndAddress: { attempts: 20, windowMs: quarterHour },
  // NIST SP 800-63B (5.2.2) allows a hundred failures in a row.
  byName: { attempts: 60, windowMs: quarterHour },
  byAddress: { attempts: 300, windowMs: quarterHour },
}

export type SignInAttempt = {
  name: string
  password: string /** The client's address, as far as it can be trusted. */
  address: string
}

/** @returns throws `not-signed-in`, `not-allowed` (right password, account disabled) or `too-many-attempts` */
export function createSignIn(deps: {
  users: UserStore
  once: OnceStore
  passwords: Passwords
  clock: Clock
  limits?: Partial<SignInLimits>
}): (attempt: SignInAttempt) => Promise<UserRecord> {
  const limits = { ...defaultSignInLimits, ...deps.limits }
  const addresses = createRateLimit(deps, 'sign-in-address', limits.byAddress)
  const names = createRateLimit(deps, 'sign-in-name', limits.byName)
  const pairs = createRateLimit(deps, 'sign-in-name-address', limits.byNameAndAddress)
  return async (attempt) => {
    const name = typedName(attempt.name)
    const address = addressKey(attempt.address)
    // Hashed, because people type passwords into the name's field, and this key is stored.
    const nameKey = hashSecret(name)
    // Before anything is counted: each of ten thousand guesses would else cost a write in the store.
    const pairKey = `${nameKey} ${address}`
    addresses.check(address)
    pairs.check(pairKey)
    names.check(nameKey)
    // Address first: who is over that limit can't go on to lock other people's names; nor who is over the pair's.
    await addresses.count(address)
    await pairs.count(pairKey)
    await names.count(nameKey)
    const user = await deps.users.get(name)
    if (!(await deps.passwords.verify(user?.passwordHash ?? null, attempt.password)) || user === null)
      throw new LauncherError(
        'not-signed-in',
        'The name or the password is not right. Try again, or ask your administrator for a new password.',
      )
    if (user.disabled)
      throw new LauncherError('not-allowed', 'This account is disabled. Ask your administrator to enable it again.')
    const kept = user.passwordHash ?? ''
    const renewed = await deps.passwords.renewed(kept, attempt.password)
    // Not set when somebody else sets another password at this moment; theirs is the one to keep.
    const set = renewed !== null && (await deps.users.setPassword(name, kept, renewed, false))
    return set ? { ...user, passwordHash: renewed } : user
  }
}
