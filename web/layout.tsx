/** The frame of every page of the app origin: head, navigation, who is signed in. */
import type { Child, FC } from 'hono/jsx'
import { utc } from './format.ts'

/** What a page needs beside its own content. */
export type Frame = {
  /** Null: nobody is signed in, and there is nothing to go to. */
  who: { name: string; admin: boolean } | null
  /** Address of an asset, with the hash of its content. */
  asset(name: string): string
}

type PageProps = {
  frame: Frame
  title: string
  here?: 'datasets' | 'sessions' | 'annotations'
  /** Scripts that this page needs besides the one for times. */
  islands?: readonly string[]
  /** Load the page again after this many seconds: it shows something that will be different soon. */
  refreshSeconds?: number
  children: Child
}

const links = [
  ['datasets', '/', 'Datasets'],
  ['sessions', '/sessions', 'My sessions'],
  ['annotations', '/annotations', 'My annotations'],
] as const

export const Page: FC<PageProps> = ({ frame, title, here, islands = [], refreshSeconds, children }) => (
  <html lang="en">
    <head>
      <meta charset="utf-8" />
      <meta name="viewport" content="width=device-width, initial-scale=1" />
      <title>{`${title} · cellxgene on demand`}</title>
      {refreshSeconds ? (
        <noscript>
          <meta http-equiv="refresh" content={String(refreshSeconds)} />
        </noscript>
      ) : null}
      <link rel="icon" href={frame.asset('icon.svg')} type="image/svg+xml" />
      <link rel="stylesheet" href={frame.asset('styles.css')} />
      {['times.js', ...(refreshSeconds ? ['refresh.js'] : []), ...islands].map((name) => (
        <script type="module" src={frame.asset(name)} />
      ))}
    </head>
    <body data-refresh-seconds={refreshSeconds}>
      <a class="skip" href="#content">
        Skip to the content
      </a>
      <header class="top">
        <div>
          <a class="brand" href="/">
            <Mark />
            cellxgene on demand
          </a>
          {frame.who && (
            <nav aria-label="Pages">
              {links.map(([id, href, label]) => (
                <a href={href} aria-current={id === here ? 'page' : undefined}>
                  {label}
                </a>
              ))}
            </nav>
          )}
          {frame.who && (
            <form class="you" method="post" action="/sign-out">
              <span>
                <a href="/account">{frame.who.name}</a>
                {frame.who.admin && <span class="small"> (administrator)</span>}
              </span>
              <button class="plain" type="submit">
                Sign out
              </button>
            </form>
          )}
        </div>
      </header>
      <main id="content">{children}</main>
    </body>
  </html>
)

/** A handful of cells, two of them picked out. */
const Mark: FC = () => (
  <svg viewBox="0 0 24 24" aria-hidden="true">
    <circle cx="7" cy="8" r="3.6" />
    <circle cx="16.5" cy="6" r="2.6" opacity=".45" />
    <circle cx="17" cy="15.5" r="4.2" />
    <circle cx="8" cy="18" r="2.4" opacity=".45" />
  </svg>
)

/** Words with `code` between backticks, as problems of a file have them. */
export const Words: FC<{ text: string }> = ({ text }) => (
  <>{text.split('`').map((part, at) => (at % 2 === 1 ? <code>{part}</code> : part))}</>
)

/** A moment: UTC as sent, the reader's own time once the script has run. */
export const When: FC<{ at: number }> = ({ at }) => <time datetime={new Date(at).toISOString()}>{utc(at)}</time>

/** One button that changes something. */
export const Act: FC<{
  action: string
  label: string
  primary?: boolean
  about?: string
  fields?: Record<string, string>
}> = ({ action, label, primary, about, fields = {} }) => (
  <form method="post" action={action}>
    {Object.entries(fields).map(([name, value]) => (
      <input type="hidden" name={name} value={value} />
    ))}
    <button type="submit" class={primary ? 'primary' : undefined} aria-label={about ? `${label}: ${about}` : undefined}>
      {label}
    </button>
  </form>
)
