/** Signed-in browsers: an opaque cookie, of which only the hash is kept, that names a login for seven days. */
import type { Clock, LoginStore, UserRecord, UserStore } from '../core/ports.ts'
import type { User } from '../core/principal.ts'
import { hashSecret, newSecret } from './secrets.ts'
import { localUserId, userPrincipal } from './user-names.ts'

/**
 * Behind https browsers take a `__Host-` cookie from this very host only. Without it a script on a neighbour, as the view
 * host is one below the same domain, could plant another login, and the victim would work in the attacker's name.
 */
export const loginCookieName = (secure: boolean): string => `${secure ? '__Host-' : ''}cxod-login`
export const defaultLoginMs = 7 * 24 * 60 * 60_000

export type Logins = {
  /** @returns the value of the login cookie; it exists nowhere else */
  open(user: UserRecord): Promise<string>
  /** The user behind a cookie's value, as the store has them now; null when signed out, expired or disabled. */
  find(cookieValue: string): Promise<User | null>
  close(cookieValue: string): Promise<void>
  /**
   * For what a login opened elsewhere (page and route cookies, API tokens): does it still stand, and for this owner?
   * Null ends it. Groups and rights are those of now.
   */
  check(loginId: string, ownerId: string): Promise<User | null>
}

export function createLogins(deps: {
  logins: LoginStore
  users: UserStore
  clock: Clock
  lifetimeMs?: number
}): Logins {
  const byId = async (id: string): Promise<User | null> => {
    const login = await deps.logins.get(id)
    if (login === null || login.expiresAt <= deps.clock.now()) return null
    const user = await deps.users.get(login.userName)
    // A user removed and made again under the same name must not inherit a browser.
    if (user === null || user.disabled || user.createdAt > login.createdAt) return null
    // Another password ends what was opened with the old one.
    if (user.generation !== login.generation) return null
    return userPrincipal(user, login.id)
  }
  return {
    async open(user) {
      const secret = newSecret()
      const createdAt = deps.clock.now()
      const expiresAt = createdAt + (deps.lifetimeMs ?? defaultLoginMs)
      const { name: userName, generation } = user
      await deps.logins.create({ id: hashSecret(secret), userName, generation, createdAt, expiresAt })
      return secret
    },
    find: (cookieValue) => byId(hashSecret(cookieValue)),
    close: (cookieValue) => deps.logins.delete(hashSecret(cookieValue)),
    async check(loginId, ownerId) {
      const user = await byId(loginId)
      return user !== null && localUserId(user.name) === ownerId ? user : null
    },
  }
}

/**
 * `Set-Cookie` for a login. Host-only (no Domain), so that the view origin, another host, never sees it; Lax, so that a
 * link from a mail still finds the person signed in.
 * @param value null: sign out
 */
export function loginCookie(value: string | null, secure: boolean, lifetimeMs = defaultLoginMs): string {
  const maxAge = value === null ? 0 : Math.floor(lifetimeMs / 1000)
  return `${loginCookieName(secure)}=${value ?? ''}; Path=/; HttpOnly; SameSite=Lax; Max-Age=${maxAge}${secure ? '; Secure' : ''}`
}

/** Value of the login cookie in a request, or null. @param secure as it was set: the other name is not ours */
export function readLoginCookie(request: Request, secure: boolean): string | null {
  const name = loginCookieName(secure)
  for (const pair of (request.headers.get('cookie') ?? '').split(';')) {
    const at = pair.indexOf('=')
    if (at > 0 && pair.slice(0, at).trim() === name) return pair.slice(at + 1).trim() || null
  }
  return null
}
