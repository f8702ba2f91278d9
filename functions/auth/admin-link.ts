/** The one-time link that `npm start` prints: whoever can read the launcher's terminal is its administrator. */
import { LauncherError } from '../core/errors.ts'
import type { Clock, OnceStore, UserRecord, UserStore } from '../core/ports.ts'
import { hashSecret, newSecret } from './secrets.ts'
import { adminName } from './user-names.ts'

const defaultAdminLinkMs = 60 * 60_000

export type AdminLinks = {
  /** The link's secret stands behind `#`: browsers don't send that part, so it is in no log, no Referer and no link preview. */
  create(): { url: string; expiresAt: number }
  /** Spends the link. Throws `not-signed-in` when it was spent, is too old or was never made by this process. */
  redeem(secret: string): Promise<UserRecord>
}

/** Links live as long as the process: each start prints a new one, and those of earlier starts are void. */
export function createAdminLinks(deps: {
  users: UserStore
  once: OnceStore
  clock: Clock
  /** Of the app, without a path. */
  appOrigin: string
  lifetimeMs?: number
}): AdminLinks {
  /** Hash of the secret → when it expires. */
  const made = new Map<string, number>()
  return {
    create() {
      const secret = newSecret()
      const expiresAt = deps.clock.now() + (deps.lifetimeMs ?? defaultAdminLinkMs)
      made.set(hashSecret(secret), expiresAt)
      return { url: `${deps.appOrigin}/sign-in/link#${secret}`, expiresAt }
    },
    async redeem(secret) {
      const id = hashSecret(secret)
      const expiresAt = made.get(id)
      if (
        expiresAt === undefined ||
        expiresAt <= deps.clock.now() ||
        !(await deps.once.spend(`admin-link:${id}`, expiresAt))
      )
        throw new LauncherError(
          'not-signed-in',
          'This link has been used, has expired, or is from an earlier start. Start the launcher again for a new one, or give the administrator a password: npm run users -- passwd admin',
        )
      return administrator(deps.users, deps.clock)
    },
  }
}

/** The user `admin`, made at first need; without a password until somebody sets one. */
async function administrator(users: UserStore, clock: Clock): Promise<UserRecord> {
  const fresh: UserRecord = {
    name: adminName,
    email: null,
    groups: [],
    admin: true,
    disabled: false,
    passwordHash: null,
    generation: 0,
    createdAt: clock.now(),
  }
  const user = (await users.create(fresh)) ? fresh : await users.get(adminName)
  if (user === null)
    throw new LauncherError('conflict', 'The user admin changed meanwhile. Start the launcher again for a new link.')
  if (user.disabled || !user.admin)
    throw new LauncherError(
      'not-allowed',
      'The user admin is disabled or no administrator. Enable it with: npm run users -- enable admin',
    )
  return user
}
