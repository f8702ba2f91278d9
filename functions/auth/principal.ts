/** Who makes a request: a bearer token or the login cookie, both ending in the same principal. */
import type { Principal } from '../core/principal.ts'
import type { ApiTokens } from './api-token.ts'
import { type Logins, readLoginCookie } from './logins.ts'

export type Authenticated = {
  who: Principal
  /** Browsers send cookies by themselves, so what came by cookie needs an origin check before it changes anything. */
  via: 'bearer' | 'cookie'
}

/** Null: nobody we know. Throws `unavailable` when that can't be told just now. */
export type Authenticate = (request: Request) => Promise<Authenticated | null>

export function createAuthenticator(deps: {
  logins: Logins
  /** The app is behind https. */
  secure: boolean
  apiTokens: ApiTokens
  /** Tokens of configured identity providers; see `createBearer`. */
  bearer: (token: string) => Promise<Principal | null>
}): Authenticate {
  return async (request) => {
    const authorization = request.headers.get('authorization')
    // A header that is there decides: falling back to the cookie would hide an expired token behind somebody else's login.
    if (authorization !== null) {
      const token = readBearer(authorization)
      const who = token === null ? null : ((await deps.apiTokens.verify(token)) ?? (await deps.bearer(token)))
      return who === null ? null : { who, via: 'bearer' }
    }
    const cookie = readLoginCookie(request, deps.secure)
    const who = cookie === null ? null : await deps.logins.find(cookie)
    return who === null ? null : { who, via: 'cookie' }
  }
}

/** The token of an `Authorization: Bearer` header, or null. */
export function readBearer(authorization: string | null): string | null {
  return /^Bearer ([\w~+/.-]+=*)$/i.exec(authorization ?? '')?.[1] ?? null
}
