/** A page of the view origin that is not cellxgene: one message, what to do about it, and a way on. */

import { raw } from 'hono/html'
import type { Child, FC } from 'hono/jsx'

export type PlainPageProps = {
  title: string
  css: string
  icon: string
  /** Load the page again by itself after this many seconds. */
  refreshSeconds?: number
  links: readonly { href: string; label: string }[]
  children: Child
}

export const PlainPage: FC<PlainPageProps> = ({ title, css, icon, refreshSeconds, links, children }) => (
  <html lang="en">
    <head>
      <meta charset="utf-8" />
      <meta name="viewport" content="width=device-width, initial-scale=1" />
      {refreshSeconds ? <meta http-equiv="refresh" content={String(refreshSeconds)} /> : null}
      <title>{title}</title>
      <link rel="icon" href={icon} />
      <style>{raw(css)}</style>
    </head>
    <body class="cxod cxod-plain">
      <main class="cxod-card">
        <h1>{title}</h1>
        {children}
        {links.length > 0 && (
          <p class="cxod-buttons">
            {links.map(({ href, label }, at) => (
              <a href={href} class={at === 0 ? 'cxod-button cxod-primary' : 'cxod-button'}>
                {label}
              </a>
            ))}
          </p>
        )}
      </main>
    </body>
  </html>
)
