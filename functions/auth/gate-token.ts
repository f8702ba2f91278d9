/** The token of a session's gate: speaks for that one session, and is the same bytes however often it is made. */
import { jwtVerify, SignJWT } from 'jose'
import type { Limits } from '../core/limits.ts'
import type { Clock } from '../core/ports.ts'
import type { GatePrincipal } from '../core/principal.ts'
import type { Session } from '../core/session.ts'
import { type Keys, signingAlgorithm } from './keys.ts'

const audience = 'gate'
const marginMs = 10 * 60_000

export type GateTokens = {
  /** Deterministic: ECS refuses a repeated start whose parameters changed, and the token is one of them. */
  sign(session: Pick<Session, 'id' | 'ownerId' | 'datasetId' | 'createdAt'>): Promise<string>
  /** Null for any token that is not a gate's, is not ours or is too old. Whether the session lives is for the launcher to say. */
  verify(token: string): Promise<GatePrincipal | null>
}

export function createGateTokens(deps: {
  keys: Keys
  clock: Clock
  limits: Pick<Limits, 'lifetimeMs' | 'startCapMs'>
}): GateTokens {
  // The life of a session counts from ready, and getting ready may take `startCapMs`.
  const lifetimeMs = deps.limits.startCapMs + deps.limits.lifetimeMs + marginMs
  return {
    sign(session) {
      // Ed25519 signatures are deterministic (RFC 8032), and every claim comes from the session's record.
      return new SignJWT({ own: session.ownerId, ds: session.datasetId })
        .setProtectedHeader({ alg: signingAlgorithm, typ: 'gate+jwt', kid: deps.keys.kid })
        .setAudience(audience)
        .setSubject(session.id)
        .setIssuedAt(Math.floor(session.createdAt / 1000))
        .setExpirationTime(Math.floor((session.createdAt + lifetimeMs) / 1000))
        .sign(deps.keys.privateKey)
    },
    async verify(token) {
      try {
        const { payload } = await jwtVerify(token, deps.keys.publicKey, {
          audience,
          algorithms: [signingAlgorithm],
          typ: 'gate+jwt',
          requiredClaims: ['sub', 'exp', 'own', 'ds'],
          currentDate: new Date(deps.clock.now()),
        })
        const { sub, own, ds } = payload
        if (typeof sub !== 'string' || typeof own !== 'string' || typeof ds !== 'string') return null
        return { kind: 'gate', sessionId: sub, ownerId: own, datasetId: ds }
      } catch {
        return null
      }
    },
  }
}
