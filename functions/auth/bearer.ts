/** Bearer tokens of identity providers: JWTs checked against the issuer's published keys. */
import {
  createRemoteJWKSet,
  customFetch,
  decodeJwt,
  errors,
  type FetchImplementation,
  type JWTPayload,
  jwtVerify,
} from 'jose'
import { LauncherError } from '../core/errors.ts'
import type { Clock, Log } from '../core/ports.ts'
import type { User } from '../core/principal.ts'
import { localIssuer } from './user-names.ts'

export type IssuerConfig = {
  /** Ours, [a-z0-9-]: owner ids read `<name>:<sub>`, so it may never change. Not `local`. */
  name: string
  /** `iss`, exactly. */
  issuer: string
  /** `aud` must have it. */
  audience: string
  jwksUrl: string
  /** Claim with the groups: an array, or words in one text. A dotted path when no claim has that very name. Null: no groups. */
  groupsClaim: string | null
  nameClaim?: string
  emailClaim?: string
  /** Members of this group are administrators. None by default. */
  adminGroup?: string
}

/**
 * Asymmetric ones only: with a symmetric algorithm in the list, anybody could sign with the public key, which is no
 * secret (RFC 8725, 2.1). `none` is not an algorithm here.
 */
const algorithms = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519']

const clockToleranceSeconds = 30

export type BearerDeps = {
  issuers: readonly IssuerConfig[]
  clock: Clock
  log: Log
  /** How soon an unknown key id may make us ask the issuer again, ms; bounds what forged ids can cause. */
  cooldownMs?: number
  fetch?: FetchImplementation
}

/** @returns null for a token that is not valid; throws `unavailable` when the issuer's keys can't be had */
export function createBearer(deps: BearerDeps): (token: string) => Promise<User | null> {
  const verifiers = new Map(checkIssuers(deps.issuers).map((config) => [config.issuer, verifier(config, deps)]))
  return async (token) => {
    let issuer: string | undefined
    try {
      issuer = decodeJwt(token).iss
    } catch {
      return null
    }
    return (await verifiers.get(issuer ?? '')?.(token)) ?? null
  }
}

function verifier(config: IssuerConfig, deps: BearerDeps): (token: string) => Promise<User | null> {
  const keys = createRemoteJWKSet(new URL(config.jwksUrl), {
    cooldownDuration: deps.cooldownMs ?? 30_000,
    timeoutDuration: 5_000,
    ...(deps.fetch ? { [customFetch]: deps.fetch } : {}),
  })
  return async (token) => {
    try {
      const { payload } = await jwtVerify(token, keys, {
        issuer: config.issuer,
        audience: config.audience,
        algorithms,
        clockTolerance: clockToleranceSeconds,
        requiredClaims: ['iss', 'aud', 'exp', 'sub'],
        currentDate: new Date(deps.clock.now()),
      })
      return toUser(config, payload)
    } catch (error) {
      if (isTokensFault(error)) return null
      deps.log('warn', 'issuer-keys-unavailable', { issuer: config.name, error: String(error).slice(0, 200) })
      const message = `The keys of the identity provider “${config.name}” can't be fetched just now. Try again in a moment.`
      throw new LauncherError('unavailable', message, {}, { cause: error })
    }
  }
}

/** Everything jose throws about the token itself has a class of its own; what is left is the way to the keys. */
function isTokensFault(error: unknown): boolean {
  if (!(error instanceof errors.JOSEError)) return false
  return error.code !== 'ERR_JOSE_GENERIC' && error.code !== 'ERR_JWKS_TIMEOUT' && error.code !== 'ERR_JWKS_INVALID'
}

function toUser(config: IssuerConfig, claims: JWTPayload): User | null {
  const subject = claims.sub
  // 255: the limit of OpenID Connect; owner ids become keys and folder names.
  if (typeof subject !== 'string' || subject === '' || subject.length > 255) return null
  const groups = config.groupsClaim === null ? [] : words(claim(claims, config.groupsClaim))
  const email = claim(claims, config.emailClaim ?? 'email')
  const name = claim(claims, config.nameClaim ?? 'name')
  return {
    kind: 'user',
    id: `${config.name}:${subject}`,
    name: typeof name === 'string' && name.trim() !== '' ? name.trim().slice(0, 200) : subject,
    email: typeof email === 'string' ? email : null,
    groups,
    admin: config.adminGroup !== undefined && groups.includes(config.adminGroup),
    loginId: null,
  }
}

function claim(claims: JWTPayload, name: string): unknown {
  if (Object.hasOwn(claims, name)) return claims[name]
  let value: unknown = claims
  for (const part of name.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined
    value = Reflect.get(value, part)
  }
  return value
}

function words(value: unknown): string[] {
  const list = typeof value === 'string' ? value.split(/[\s,]+/) : Array.isArray(value) ? value : []
  return list.filter((word): word is string => typeof word === 'string' && word !== '')
}

/** Mistakes in the configuration stop the start, not the first request. */
function checkIssuers(issuers: readonly IssuerConfig[]): readonly IssuerConfig[] {
  const wrong: string[] = []
  const seen = new Set<string>()
  for (const { name, issuer, audience, jwksUrl, groupsClaim } of issuers) {
    if (!/^[a-z0-9-]{1,32}$/.test(name)) wrong.push(`the issuer name “${name}” must be up to 32 of a-z, 0-9 and -`)
    if (name === localIssuer) wrong.push(`the issuer name “${localIssuer}” is kept for the launcher's own users`)
    if (seen.has(name) || seen.has(issuer)) wrong.push(`the issuer “${name}” is there twice`)
    seen.add(name).add(issuer)
    if (issuer === '' || audience === '' || groupsClaim === '')
      wrong.push(`“${name}” needs issuer and audience; groupsClaim is a name or null`)
    if (!isKeyAddress(jwksUrl)) wrong.push(`jwksUrl of “${name}” must be an https address (http only on this machine)`)
  }
  if (wrong.length > 0)
    throw new LauncherError('bad-setting', `The identity providers can't be used: ${wrong.join('; ')}.`)
  return issuers
}

function isKeyAddress(text: string): boolean {
  if (!URL.canParse(text)) return false
  const { protocol, hostname } = new URL(text)
  return protocol === 'https:' || (protocol === 'http:' && ['localhost', '127.0.0.1', '[::1]'].includes(hostname))
}
