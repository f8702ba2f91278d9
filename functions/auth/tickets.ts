/**
 * The signed words that pass between app, lobby and gate through the browser: the ticket (exchanged once), the page's
 * cookie and the route's cookie. All are JWTs of the launcher's own key, told apart by type and audience.
 */
import { randomUUID } from 'node:crypto'
import { type JWTPayload, jwtVerify, SignJWT } from 'jose'
import type { Clock } from '../core/ports.ts'
import { type Keys, signingAlgorithm } from './keys.ts'
import { hashSecret, newSecret } from './secrets.ts'

export const pageCookieName = 'cxod-page'
export const routeCookieName = 'cxod-route'
/** Audience of route cookies, as gates know it. */
const routeAudience = 'route'

/** A ticket is on its way for one redirect. */
const ticketSeconds = 60
/** A page's cookie is renewed by use; what ends it early is its login, which every use checks. */
export const pageCookieSeconds = 12 * 60 * 60
/** How long a gate goes on serving somebody whose rights were taken: it can't ask, it only reads this cookie. */
export const routeCookieSeconds = 10 * 60

const ticketType = 'cxod-ticket+jwt'
const pageType = 'cxod-page+jwt'
/** Clocks of app and lobby may differ by this much on machines of their own. */
const clockToleranceSeconds = 5

/** Whose page (`core/principal`, `pageIdOf`): what a ticket hands over and a page cookie keeps. */
export type PageClaim = { ownerId: string; ownerName: string; loginId: string; pageId: string }

export type Signing = { keys: Keys; clock: Clock }
/** `viewOrigin`: scheme, host and port of the lobby, without a path; the audience. */
export type PageSigning = Signing & { viewOrigin: string }

/** A secret for the nonce cookie of the browser that asks for a ticket. */
export const newNonce = newSecret
/** What the app may know of a nonce: enough to bind a ticket to the browser, not enough to redeem it. */
export const hashNonce = hashSecret

/** @param nonceHash `hashNonce` of the asking browser's nonce, as `/open/<page id>?nonce=` brought it */
export async function issueTicket(claim: PageClaim, nonceHash: string, signing: PageSigning): Promise<string> {
  const payload = { ...pagePayload(claim), nonce: nonceHash, jti: randomUUID() }
  return sign(payload, ticketType, signing.viewOrigin, ticketSeconds, signing)
}

export type VerifiedTicket = PageClaim & { id: string; expiresAt: number }

/**
 * Null for everything that is not a ticket of ours, fresh, for this page and for the browser with this nonce. That it
 * is used once is for the caller to see to: spend `id` until `expiresAt` (ms since 1970).
 */
export async function verifyTicket(
  token: string,
  expected: { pageId: string; nonce: string },
  signing: PageSigning,
): Promise<VerifiedTicket | null> {
  const payload = await verify(token, ticketType, signing.viewOrigin, signing, ticketSeconds)
  const claim = payload && readPage(payload)
  if (!payload || !claim || typeof payload.jti !== 'string' || typeof payload.exp !== 'number') return null
  // Both sides are hashes of 256 random bits, so comparing them in variable time tells nothing of use.
  if (payload.nonce !== hashNonce(expected.nonce) || claim.pageId !== expected.pageId) return null
  return { ...claim, id: payload.jti, expiresAt: (payload.exp + clockToleranceSeconds) * 1000 }
}

export async function issuePageCookie(claim: PageClaim, signing: PageSigning): Promise<string> {
  return sign(pagePayload(claim), pageType, signing.viewOrigin, pageCookieSeconds, signing)
}

/** `issuedAt` in ms since 1970, so that a cookie in use can be renewed. */
export type VerifiedPage = PageClaim & { issuedAt: number }

/** Null unless it is a page cookie of ours for this page. Whether its login still stands is for the caller to ask. */
export async function verifyPageCookie(
  token: string,
  pageId: string,
  signing: PageSigning,
): Promise<VerifiedPage | null> {
  const payload = await verify(token, pageType, signing.viewOrigin, signing, pageCookieSeconds)
  const claim = payload && readPage(payload)
  if (!claim || claim.pageId !== pageId || typeof payload?.iat !== 'number') return null
  return { ...claim, issuedAt: payload.iat * 1000 }
}

/** What a gate reads: this owner may use this session for the next ten minutes. */
export async function issueRouteCookie(
  claim: { ownerId: string; sessionId: string; datasetId: string },
  signing: Signing,
): Promise<string> {
  const payload = { sub: claim.ownerId, ses: claim.sessionId, ds: claim.datasetId }
  return sign(payload, 'JWT', routeAudience, routeCookieSeconds, signing)
}

function pagePayload({ ownerId, ownerName, loginId, pageId }: PageClaim): JWTPayload {
  return { sub: ownerId, name: ownerName, login: loginId, page: pageId }
}

function readPage(payload: JWTPayload): PageClaim | null {
  const { sub, name, login, page } = payload
  if (typeof sub !== 'string' || typeof name !== 'string' || typeof login !== 'string' || typeof page !== 'string')
    return null
  return { ownerId: sub, ownerName: name, loginId: login, pageId: page }
}

function sign(payload: JWTPayload, typ: string, audience: string, seconds: number, { keys, clock }: Signing) {
  const now = Math.floor(clock.now() / 1000)
  return new SignJWT(payload)
    .setProtectedHeader({ alg: signingAlgorithm, typ, kid: keys.kid })
    .setAudience(audience)
    .setIssuedAt(now)
    .setExpirationTime(now + seconds)
    .sign(keys.privateKey)
}

async function verify(token: string, typ: string, audience: string, { keys, clock }: Signing, seconds: number) {
  try {
    const { payload } = await jwtVerify(token, keys.publicKey, {
      // Named here, so that neither `none` nor an HMAC keyed with our public key is ever considered.
      algorithms: [signingAlgorithm],
      typ,
      audience,
      requiredClaims: ['aud', 'iat', 'exp', 'sub', 'page', 'login'],
      // Our own word is never older than we make it, whatever `exp` claims.
      maxTokenAge: seconds,
      clockTolerance: clockToleranceSeconds,
      currentDate: new Date(clock.now()),
    })
    return payload
  } catch {
    return null
  }
}
