/** Who asks, by the page's cookie: it names a login, and every use asks whether that login still stands. */
import type { Context } from 'hono'
import { getCookie } from 'hono/cookie'
import { pageCookieName, type VerifiedPage, verifyPageCookie } from '../auth/tickets.ts'
import type { Principal } from '../core/principal.ts'
import { isPageOf, type PageAddress } from './address.ts'
import type { LobbyDeps } from './deps.ts'

/** Null: no cookie, an old one, one for another page, or a login that was ended. */
export async function whoAsks(
  c: Context,
  deps: LobbyDeps,
  page: PageAddress,
): Promise<{ who: Principal; claim: VerifiedPage } | null> {
  const cookie = getCookie(c, pageCookieName)
  if (cookie === undefined) return null
  const claim = await verifyPageCookie(cookie, page.id, deps)
  if (claim === null) return null
  const who = await deps.checkLogin(claim.loginId, claim.ownerId)
  return who !== null && who.id === claim.ownerId && isPageOf(who, page) ? { who, claim } : null
}
