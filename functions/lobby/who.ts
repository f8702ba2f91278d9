/** Who asks, by the page's cookie: it names a login, and every use asks whether that login still stands. */
import type { Context } from 'hono'
import { getCookie } from 'hono/cookie'
import { pageCookieName, type VerifiedPage, verifyPageCookie } from '../auth/tickets.ts'
import { LauncherError } from '../core/errors.ts'
import type { Principal } from '../core/principal.ts'
import { isPageOf, type PageAddress } from './address.ts'
import type { LobbyDeps } from './deps.ts'

export type Asking = { who: Principal; claim: VerifiedPage }

/** Null: no cookie, an old one, one for another page, or a login that was ended. */
export async function whoAsks(c: Context, deps: LobbyDeps, page: PageAddress): Promise<Asking | null> {
  const claim = await claimOf(c, deps, page)
  if (claim === null) return null
  const who = await deps.checkLogin(claim.loginId, claim.ownerId)
  return who !== null && who.id === claim.ownerId && isPageOf(who, page) ? { who, claim } : null
}

/** As `whoAsks`; throws `not-signed-in` or, for a guest whose link is over, `link-over`. */
export async function assertKnown(c: Context, deps: LobbyDeps, page: PageAddress): Promise<Asking> {
  const known = await whoAsks(c, deps, page)
  if (known !== null) return known
  // Only to who came by the link: whether it stands is nobody else's business.
  if (page.linkId !== null && (await claimOf(c, deps, page)) !== null) {
    const over = await deps.whyOver(page.linkId)
    if (over !== null) throw over
  }
  throw new LauncherError('not-signed-in', signedOutText(page))
}

/** A guest has no account to sign in with: the way back is the way in. */
export const signedOutText = (page: PageAddress): string =>
  page.linkId === null
    ? 'You are signed out. Sign in again to go on; the page can wait.'
    : 'You are signed out. Open your launch link again to go on; the page can wait. If it does not open any more, ask whoever sent it for another one.'

async function claimOf(c: Context, deps: LobbyDeps, page: PageAddress): Promise<VerifiedPage | null> {
  const cookie = getCookie(c, pageCookieName)
  return cookie === undefined ? null : verifyPageCookie(cookie, page.id, deps)
}
