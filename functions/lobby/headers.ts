/** Headers of the lobby's answers: content security policies and cookies. */
import type { MiddlewareHandler } from 'hono'
import { setCommonHeaders } from '../auth/common-headers.ts'

/**
 * For cellxgene's page. `unsafe-eval`: its WebGL library builds functions from text. Inline styles: its interface sets
 * them. Scripts only by nonce, not `'self'`: nothing that a gate answers on this origin may ever run as a script.
 * @param uploadPlace where bodies go that are too large for the lobby, where there is such a place
 */
export function viewerPolicy(nonce: string, uploadPlace: string | null = null): string {
  return [
    "default-src 'none'",
    `script-src 'nonce-${nonce}' 'unsafe-eval'`,
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data: blob:",
    "font-src 'self' data:",
    `connect-src 'self'${uploadPlace === null ? '' : ` ${uploadPlace}`}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ')
}

/** For our own plain pages: no script at all. */
export const plainPolicy =
  "default-src 'none'; img-src 'self'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

/** On every page. `same-origin` and not `no-referrer`: with the latter some browsers send `Origin: null`, which `-/wake` refuses. */
export function pageHeaders(policy: string): Record<string, string> {
  return {
    'content-security-policy': policy,
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'same-origin',
    'cross-origin-opener-policy': 'same-origin',
  }
}

/** On every answer of the view origin that sets nothing of its own; a page sets its policy, a file how long it may be kept. */
export function commonHeaders(viewOrigin: string): MiddlewareHandler {
  const secure = viewOrigin.startsWith('https:')
  return async (c, next) => {
    await next()
    setCommonHeaders(c.res.headers, secure)
  }
}

/** @param seconds 0 deletes it */
export function setCookie(name: string, value: string, path: string, seconds: number, viewOrigin: string): string {
  const secure = viewOrigin.startsWith('https:') ? '; Secure' : ''
  return `${name}=${value}; Path=${path}; HttpOnly; SameSite=Lax; Max-Age=${seconds}${secure}`
}
