/** How a page becomes an answer: its frame, its content security policy, and the page for what went wrong. */
import type { Context } from 'hono'
import type { HtmlEscapedString } from 'hono/utils/html'
import type { Frame } from '../../../web/layout.tsx'
import type { Principal } from '../../core/principal.ts'
import type { Problem } from '../problem.ts'
import { assetAddress } from './assets.ts'
import type { WebDeps } from './deps.ts'

export type Render = {
  frame(who: Principal | null): Frame
  html(
    c: Context,
    body: HtmlEscapedString | Promise<HtmlEscapedString>,
    status?: Problem['status'] | 200,
    /** An address that the page's scripts may connect to besides our own. */
    connect?: string | null,
  ): Promise<Response>
}

export function createRender({ assets, viewOrigin }: Pick<WebDeps, 'assets' | 'viewOrigin'>): Render {
  // Scripts and styles are files of ours and nothing is inline; a form may end on the view origin (that is "Open").
  const policy = (connect: string | null) =>
    [
      "default-src 'none'",
      "script-src 'self'",
      "style-src 'self'",
      "img-src 'self'",
      `connect-src 'self'${connect === null ? '' : ` ${connect}`}`,
      `form-action 'self' ${viewOrigin}`,
      "base-uri 'none'",
      "frame-ancestors 'none'",
    ].join('; ')
  return {
    frame: (who) => ({
      who: who && { name: who.name, admin: who.admin },
      asset: (name) => assetAddress(assets, name),
    }),
    async html(c, body, status = 200, connect = null) {
      c.header('content-security-policy', policy(connect))
      return c.html(`<!doctype html>${(await body).toString()}`, status)
    },
  }
}
