/** Checks the route's cookie. A signature is checked once per cookie: after that a request costs one look into a map. */

import type { JWK } from 'jose'
import { jwtVerify } from 'jose/jwt/verify'
import { importJWK } from 'jose/key/import'
import type { Work } from '../api/contract/gate.ts'
import type { Clock } from '../core/ports.ts'

export type CookieCheck = (header: string | undefined) => boolean | Promise<boolean>

const name = 'cxod-route='
/** Tabs of one owner, each with a cookie renewed every few minutes; more than this only from somebody who guesses. */
const mostKept = 64
/** Browsers send every cookie of that name that fits the path; more are not looked at. */
const mostTried = 4

/** @param work its key, owner, session and dataset are what a cookie must name */
export async function createCookieCheck(
  work: Pick<Work, 'routeKey' | 'ownerId' | 'sessionId' | 'datasetId'>,
  clock: Clock,
): Promise<CookieCheck> {
  const key = await importJWK(work.routeKey as JWK, 'EdDSA')
  /** Cookie → its expiry, ms. Only cookies that passed. */
  const passed = new Map<string, number>()

  async function verify(token: string): Promise<boolean> {
    try {
      const { payload } = await jwtVerify(token, key, {
        algorithms: ['EdDSA'],
        audience: 'route',
        requiredClaims: ['exp', 'sub', 'ses', 'ds'],
        currentDate: new Date(clock.now()),
      })
      if (payload.sub !== work.ownerId || payload.ses !== work.sessionId || payload.ds !== work.datasetId) return false
      if (passed.size >= mostKept) passed.delete(passed.keys().next().value ?? '')
      passed.set(token, (payload.exp ?? 0) * 1000)
      return true
    } catch {
      return false
    }
  }

  async function verifyAny(tokens: string[]): Promise<boolean> {
    for (const token of tokens) if (await verify(token)) return true
    return false
  }

  return (header) => {
    const tokens = cookiesNamed(header)
    for (const token of tokens) {
      const expiry = passed.get(token)
      if (expiry === undefined) continue
      if (expiry > clock.now()) return true
      passed.delete(token)
    }
    return tokens.length === 0 ? false : verifyAny(tokens)
  }
}

function cookiesNamed(header: string | undefined): string[] {
  if (!header) return []
  const found: string[] = []
  for (const part of header.split(';')) {
    const trimmed = part.trim()
    if (trimmed.startsWith(name) && found.length < mostTried) found.push(trimmed.slice(name.length))
  }
  return found
}
