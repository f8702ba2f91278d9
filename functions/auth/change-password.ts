/** Another password for whoever is signed in: by the one they have, as a browser left alone must not be enough. */
import { isLauncherError, LauncherError } from '../core/errors.ts'
import type { UserRecord, UserStore } from '../core/ports.ts'
import type { Principal } from '../core/principal.ts'
import type { Passwords } from './passwords.ts'
import type { SignInAttempt } from './sign-in.ts'
import { localUserId } from './user-names.ts'

export type PasswordChange = {
  current: string
  next: string
  /** The client's address, as at sign-in: guesses are counted together with those. */
  address: string
}

const localName = (who: Principal): string => who.id.slice(localUserId('').length)

/** @returns why there is no password to change, and what to do; null when there is one */
export async function passwordMissing(users: UserStore, who: Principal): Promise<string | null> {
  const name = localName(who)
  if (who.kind !== 'user' || who.id !== localUserId(name))
    return 'Your password is kept by your identity provider. Change it there.'
  if ((await users.get(name))?.passwordHash !== null) return null
  return `This account has no password yet. Give it its first one on the machine of the launcher: \`npm run users -- passwd ${name}\``
}

/**
 * Ends every sign-in of theirs, with the pages and tokens that came of it.
 * @returns the user as they are now, for a login to go on with. Throws `bad-request` (the new one), `not-allowed` (the
 * current one is wrong, or there is none), `too-many-attempts`, `conflict`
 */
export function createChangePassword(deps: {
  users: UserStore
  passwords: Passwords
  checkPassword(attempt: SignInAttempt): Promise<UserRecord>
}): (who: Principal, change: PasswordChange) => Promise<UserRecord> {
  return async (who, { current, next, address }) => {
    const missing = await passwordMissing(deps.users, who)
    if (missing !== null) throw new LauncherError('not-allowed', missing)
    const name = localName(who)
    const hash = await deps.passwords.hash(next)
    const user = await deps.checkPassword({ name, password: current, address }).catch((error: unknown) => {
      // "Sign in first" would be wrong: they are.
      if (!isLauncherError(error, 'not-signed-in')) throw error
      throw new LauncherError('not-allowed', 'The current password is not right. Nothing was changed.')
    })
    if (next === current) throw new LauncherError('bad-request', 'That is the password that you have already.')
    if (!(await deps.users.setPassword(name, user.passwordHash, hash, true)))
      throw new LauncherError(
        'conflict',
        'Your password was changed by somebody else at this very moment. Sign in again.',
      )
    return { ...user, passwordHash: hash, generation: user.generation + 1 }
  }
}
