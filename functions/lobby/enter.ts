/**
 * How a browser gets its page cookie: a nonce cookie here, a ticket from the app for that nonce, and the ticket exchanged
 * here, once. So a ticket that leaks (a history, a log, a shared screen) opens nothing in another browser.
 */
import type { Context } from 'hono'
import { getCookie } from 'hono/cookie'
import {
  hashNonce,
  issuePageCookie,
  newNonce,
  type PageClaim,
  pageCookieName,
  pageCookieSeconds,
  verifyTicket,
} from '../auth/tickets.ts'
import { homeOf, isPageOf, type PageAddress } from './address.ts'
import type { LobbyDeps } from './deps.ts'
import { setCookie } from './headers.ts'
import { plainPage, wayOn } from './page.tsx'
import { signedOutText } from './who.ts'

const nonceCookieName = 'cxod-nonce'
const nonceSeconds = 10 * 60
/** There for some seconds after a page cookie was given: if that cookie then is missing, another round would loop. */
const enteredCookieName = 'cxod-entered'
const enteredSeconds = 10
/** Set when only the sign-in is wanted: the page that asked is still open in another tab. */
const returnCookieName = 'cxod-return'

/** To the app and back with a ticket. */
export function askForTicket(c: Context, deps: LobbyDeps, page: PageAddress, onlySignIn = false): Response {
  // With its page cookie the browser keeps cookies; then it was a login that ended so soon, and the app can tell more.
  const lost = getCookie(c, enteredCookieName) !== undefined && getCookie(c, pageCookieName) === undefined
  if (lost && !onlySignIn) return refused(c, deps, page, 'loop')
  const path = homeOf(page.id)
  // Several tabs may ask at once (a browser that restores them); one nonce serves them all.
  const known = getCookie(c, nonceCookieName)
  const nonce = known !== undefined && /^[\w-]{43}$/.test(known) ? known : newNonce()
  const headers = new Headers({
    location: `${deps.appOrigin}/open/${page.id}?nonce=${hashNonce(nonce)}`,
    'cache-control': 'no-store',
    'referrer-policy': 'no-referrer',
  })
  headers.append('set-cookie', setCookie(nonceCookieName, nonce, path, nonceSeconds, deps.viewOrigin))
  if (onlySignIn) headers.append('set-cookie', setCookie(returnCookieName, '1', path, nonceSeconds, deps.viewOrigin))
  return new Response(null, { status: 302, headers })
}

/** `-/enter?ticket=`: the exchange. */
export async function enter(c: Context, deps: LobbyDeps, page: PageAddress): Promise<Response> {
  const nonce = getCookie(c, nonceCookieName)
  if (nonce === undefined) return refused(c, deps, page, 'no-nonce')
  const ticket = await verifyTicket(c.req.query('ticket') ?? '', { pageId: page.id, nonce }, deps)
  if (ticket === null) return refused(c, deps, page, 'invalid')
  if (!(await deps.once.spend(`ticket:${ticket.id}`, ticket.expiresAt))) return refused(c, deps, page, 'spent')
  const who = await deps.checkLogin(ticket.loginId, ticket.ownerId)
  if (who === null || !isPageOf(who, page)) return refused(c, deps, page, 'signed-out', await overText(deps, page))
  deps.log('info', 'page entered', { page: page.id, owner: ticket.ownerId })

  const path = homeOf(page.id)
  const onlySignIn = getCookie(c, returnCookieName) !== undefined
  const headers = new Headers({
    location: onlySignIn ? `${path}-/signed-in` : path,
    'cache-control': 'no-store',
    'referrer-policy': 'no-referrer',
  })
  headers.append('set-cookie', await pageCookie(ticket, deps))
  headers.append('set-cookie', setCookie(enteredCookieName, '1', path, enteredSeconds, deps.viewOrigin))
  if (onlySignIn) headers.append('set-cookie', setCookie(returnCookieName, '', path, 0, deps.viewOrigin))
  return new Response(null, { status: 303, headers })
}

export async function pageCookie(claim: PageClaim, deps: LobbyDeps): Promise<string> {
  const value = await issuePageCookie(claim, deps)
  return setCookie(pageCookieName, value, homeOf(claim.pageId), pageCookieSeconds, deps.viewOrigin)
}

type Refusal = 'loop' | 'no-nonce' | 'invalid' | 'spent' | 'signed-out'

/** Always a page with a link, never a redirect: what failed once would fail again. */
function refused(c: Context, deps: LobbyDeps, page: PageAddress, why: Refusal, over: string | null = null): Response {
  deps.log('warn', 'ticket refused', { page: page.id, why })
  const host = new URL(deps.viewOrigin).host
  const words: Record<Refusal, { title: string; text: string }> = {
    loop: {
      title: 'Your browser did not keep the sign-in',
      text: `It was told to keep a cookie for ${host} and came back without it. Allow cookies for ${host}, then try again.`,
    },
    'no-nonce': {
      title: 'This browser did not ask for the page',
      text: `Either it does not keep cookies for ${host}, or the sign-in took more than ten minutes, or the address was made for another browser. Allow cookies for ${host} if they are blocked, then try again.`,
    },
    invalid: {
      title: 'This address is no longer valid',
      text: 'It works for a minute, in the browser that asked for it. Try again for a new one.',
    },
    spent: { title: 'This address was used already', text: 'Each works once. Try again for a new one.' },
    'signed-out':
      over === null
        ? { title: 'You are signed out', text: signedOutText(page) }
        : { title: 'This link is over', text: over },
  }
  const { title, text } = words[why]
  const guestsWay =
    page.linkId === null || why === 'signed-out'
      ? ''
      : ' If it stays like this, open your launch link again, or ask whoever sent it.'
  return plainPage(c, deps, 403, {
    title,
    text: text + guestsWay,
    links: [{ href: deps.viewOrigin + homeOf(page.id), label: 'Try again' }, ...wayOn(deps, page)],
  })
}

const overText = async (deps: LobbyDeps, { linkId }: PageAddress): Promise<string | null> =>
  linkId === null ? null : ((await deps.whyOver(linkId))?.message ?? null)
