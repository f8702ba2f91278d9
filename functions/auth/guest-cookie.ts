/** The cookie of a guest on the app origin: bound to the one address that hands a guest over to the view origin. */

const guestCookieName = 'cxod-guest'

/**
 * Its path keeps it from everything else: a signed-in person who opens a launch link stays signed in, two links don't
 * mix, and no page or call of the launcher ever sees a guest.
 * @param pageId `<dataset>~<link>`
 */
export function guestCookie(value: string, pageId: string, expiresAt: number, now: number, secure: boolean): string {
  const maxAge = Math.max(0, Math.floor((expiresAt - now) / 1000))
  const end = secure ? '; Secure' : ''
  return `${guestCookieName}=${value}; Path=/open/${pageId}; HttpOnly; SameSite=Lax; Max-Age=${maxAge}${end}`
}

export function readGuestCookie(request: Request): string | null {
  for (const pair of (request.headers.get('cookie') ?? '').split(';')) {
    const at = pair.indexOf('=')
    if (at > 0 && pair.slice(0, at).trim() === guestCookieName) return pair.slice(at + 1).trim() || null
  }
  return null
}
