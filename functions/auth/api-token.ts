/** Bearer tokens for the launcher's own users: made by a signed-in browser, for scripts, and ended with its sign-out. */
import { jwtVerify, SignJWT } from 'jose'
import type { Clock } from '../core/ports.ts'
import type { Principal, User } from '../core/principal.ts'
import { type Keys, signingAlgorithm } from './keys.ts'
import type { Logins } from './logins.ts'

const apiTokenMs = 60 * 60_000
const tokenType = 'at+jwt'

export type ApiTokens = {
  /** @returns null for a principal without a login: a bearer token must not renew itself for ever */
  issue(who: Principal): Promise<{ token: string; expiresAt: number } | null>
  /** Null when it is not ours, too old, or its login has ended. */
  verify(token: string): Promise<User | null>
}

/** @param deps.appOrigin issuer and audience in one: the launcher makes these tokens for itself */
export function createApiTokens(deps: { keys: Keys; clock: Clock; logins: Logins; appOrigin: string }): ApiTokens {
  return {
    async issue(who) {
      if (who.loginId === null) return null
      const iat = Math.floor(deps.clock.now() / 1000)
      const exp = iat + apiTokenMs / 1000
      const token = await new SignJWT({ login: who.loginId })
        .setProtectedHeader({ alg: signingAlgorithm, typ: tokenType, kid: deps.keys.kid })
        .setIssuer(deps.appOrigin)
        .setAudience(deps.appOrigin)
        .setSubject(who.id)
        .setIssuedAt(iat)
        .setExpirationTime(exp)
        .sign(deps.keys.privateKey)
      return { token, expiresAt: exp * 1000 }
    },
    async verify(token) {
      const payload = await jwtVerify(token, deps.keys.publicKey, {
        issuer: deps.appOrigin,
        audience: deps.appOrigin,
        algorithms: [signingAlgorithm],
        typ: tokenType,
        requiredClaims: ['sub', 'exp', 'login'],
        currentDate: new Date(deps.clock.now()),
      }).then(
        (result) => result.payload,
        () => null,
      )
      if (payload === null || typeof payload.sub !== 'string' || typeof payload.login !== 'string') return null
      const user = await deps.logins.check(payload.login, payload.sub)
      return user === null ? null : { ...user, loginId: null }
    },
  }
}
