/** Who asks, by the page's cookie: it names a login, and every use asks whether that login still stands. */
import type { Context } from 'hono'
import { getCookie } from 'hono/cookie'
import { pageCookieName, type VerifiedPage, verifyPageCookie } from '../auth/tickets.ts'
import type { Principal } from '../core/principal.ts'
import type { LobbyDeps } from './deps.ts'

/** Null: no cookie, an old one, one for another dataset, or a login that was ended. */
export async function whoAsks(
  c: Context,
  deps: LobbyDeps,
  datasetId: string,
): Promise<{ who: Principal; page: VerifiedPage } | null> {
  const cookie = getCookie(c, pageCookieName)
  if (cookie === undefined) return null
  const page = await verifyPageCookie(cookie, datasetId, deps)
  if (page === null) return null
  const who = await deps.checkLogin(page.loginId, page.ownerId)
  return who !== null && who.id === page.ownerId ? { who, page } : null
}
