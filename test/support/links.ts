/** Launch links for tests of the app: who makes one, and strangers who come by it, each from an address of their own. */
import { expect } from 'vitest'
import type { Browser, Called, TestApp } from './app.ts'
import { appOrigin } from './people.ts'

/** What stands behind `#`. */
export const secretOf = (url: string): string => url.slice(url.indexOf('#') + 1)
export const guestCookieOf = (answer: Response): string =>
  /cxod-guest=([^;]+)/.exec(answer.headers.get('set-cookie') ?? '')?.[1] ?? ''
export const linkWish = { mode: 'annotate', expiresInHours: 24, note: 'next door' }

type Call = (browser: Browser, method: string, path: string, body?: unknown) => Promise<Called>

export function linkWorld(bed: TestApp, call: Call) {
  let addresses = 0
  return {
    /** A browser without any cookie of ours, from an address of its own. */
    stranger() {
      const from = `198.51.${++addresses >> 8}.${addresses & 255}`
      const post = async (path: string, fields: Record<string, string>, headers: Record<string, string> = {}) =>
        bed.app.request(`${appOrigin}${path}`, {
          method: 'POST',
          redirect: 'manual',
          headers: { origin: appOrigin, 'x-test-address': from, ...headers },
          body: new URLSearchParams(fields),
        })
      const get = async (path: string, headers: Record<string, string> = {}) =>
        bed.app.request(`${appOrigin}${path}`, { redirect: 'manual', headers })
      return { post, get }
    },
    async makeLink(over: Record<string, unknown> = {}, name = 'linda') {
      const linda = await bed.browser({ name })
      const made = await call(linda, 'POST', '/api/datasets/pbmc/links', { ...linkWish, ...over })
      expect(made.status).toBe(201)
      return { linda, link: made.json as unknown as { id: string; url: string } }
    },
  }
}
