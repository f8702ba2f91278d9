/** What every answer of both origins says to a browser, where it says nothing stricter of its own. */
import { permissionsPolicy } from './permissions-policy.ts'

/** @param secure behind https */
export function setCommonHeaders(headers: Headers, secure: boolean): void {
  const set = (name: string, value: string) => headers.has(name) || headers.set(name, value)
  set('content-security-policy', "default-src 'none'; frame-ancestors 'none'")
  set('x-content-type-options', 'nosniff')
  // Not `no-referrer`: with that, browsers send `Origin: null` with a form, and the origin check would refuse our own.
  set('referrer-policy', 'same-origin')
  set('cross-origin-opener-policy', 'same-origin')
  set('cross-origin-resource-policy', 'same-origin')
  set('permissions-policy', permissionsPolicy)
  set('cache-control', 'no-store')
  if (secure) set('strict-transport-security', 'max-age=31536000')
}
