/** Everything that tells who is asking, as one value for the composition root. */
import type { Limits } from '../core/limits.ts'
import { parseGuestOwnerId } from '../core/link.ts'
import type { Clock, LinkStore, Log, LoginStore, OnceStore, UserStore } from '../core/ports.ts'
import type { Principal } from '../core/principal.ts'
import { type AdminLinks, createAdminLinks } from './admin-link.ts'
import { type ApiTokens, createApiTokens } from './api-token.ts'
import { createBearer, type IssuerConfig } from './bearer.ts'
import { createChangePassword, type PasswordChange, passwordMissing } from './change-password.ts'
import { createGateTokens, type GateTokens } from './gate-token.ts'
import type { Keys } from './keys.ts'
import { createLinks, type Links } from './links.ts'
import { createLogins, type Logins } from './logins.ts'
import { createPasswords, type Passwords } from './passwords.ts'
import { type Authenticate, createAuthenticator } from './principal.ts'
import { createSignIn, type SignInAttempt, type SignInLimits } from './sign-in.ts'

export type AuthDeps = {
  users: UserStore
  logins: LoginStore
  once: OnceStore
  links: LinkStore
  clock: Clock
  log: Log
  keys: Keys
  limits: Pick<Limits, 'lifetimeMs' | 'startCapMs'>
  /** `http://localhost:8080`: scheme, host and port, without a path. */
  appOrigin: string
  issuers?: readonly IssuerConfig[]
  signInLimits?: Partial<SignInLimits>
}

export type Auth = {
  keys: Keys
  authenticate: Authenticate
  adminLinks: AdminLinks
  apiTokens: ApiTokens
  gateTokens: GateTokens
  links: Links
  logins: Logins
  passwords: Passwords
  /** Name and password → the value of a login cookie. Throws as `createSignIn`. */
  signIn(attempt: SignInAttempt): Promise<string>
  /** Ends every login of theirs. @returns the value of a new login cookie. Throws as `createChangePassword`. */
  changePassword(who: Principal, change: PasswordChange): Promise<string>
  /** Why somebody has no password to change, and what to do; null when they have one. */
  passwordMissing(who: Principal): Promise<string | null>
  /** One-time link → the value of a login cookie. */
  signInByLink(secret: string): Promise<string>
  /** For the lobby: does this login still stand for this owner? With the groups of now. */
  checkLogin(loginId: string, ownerId: string): Promise<Principal | null>
}

/** Throws `bad-setting` when the issuers can't be used. */
export function createAuth(deps: AuthDeps): Auth {
  const { keys, clock, appOrigin } = deps
  const logins = createLogins(deps)
  const passwords = createPasswords()
  const apiTokens = createApiTokens({ keys, clock, logins, appOrigin })
  const bearer = createBearer({ issuers: deps.issuers ?? [], clock, log: deps.log })
  const adminLinks = createAdminLinks(deps)
  const links = createLinks(deps)
  const checkPassword = createSignIn({
    users: deps.users,
    once: deps.once,
    clock,
    passwords,
    ...(deps.signInLimits ? { limits: deps.signInLimits } : {}),
  })
  const changePassword = createChangePassword({ users: deps.users, passwords, checkPassword })
  return {
    keys,
    links,
    logins,
    passwords,
    apiTokens,
    adminLinks,
    gateTokens: createGateTokens(deps),
    authenticate: createAuthenticator({ logins, apiTokens, bearer, secure: appOrigin.startsWith('https:') }),
    signIn: async (attempt) => logins.open(await checkPassword(attempt)),
    changePassword: async (who, change) => logins.open(await changePassword(who, change)),
    passwordMissing: (who) => passwordMissing(deps.users, who),
    signInByLink: async (secret) => logins.open(await adminLinks.redeem(secret)),
    checkLogin: (loginId, ownerId) =>
      parseGuestOwnerId(ownerId) === null ? logins.check(loginId, ownerId) : links.checkLogin(loginId, ownerId),
  }
}
