/** Pages of the view origin as text: cellxgene's own with the companion in it, and the plain ones. */
import { randomBytes } from 'node:crypto'
import type { Context } from 'hono'
import { raw } from 'hono/html'
import type { Child } from 'hono/jsx'
import { configElementId, type PageConfig } from '../../web/companion/config.ts'
import { Words } from '../../web/layout.tsx'
import { QuietBar, WaitingOverlay } from '../../web/waiting/overlay.tsx'
import { PlainPage } from '../../web/waiting/plain-page.tsx'
import type { Dataset } from '../core/dataset.ts'
import { modeOf, type Principal, pageIdOf } from '../core/principal.ts'
import { homeOf, type PageAddress } from './address.ts'
import type { LobbyDeps } from './deps.ts'
import { pageHeaders, plainPolicy, viewerPolicy } from './headers.ts'

/** cellxgene leaves this button where gene sets are read-only: what it makes would be gone with the page, without a word. */
const lookingOnly = '[data-testid="open-create-geneset-dialog"] { display: none }'

export async function viewerPage(c: Context, deps: LobbyDeps, who: Principal, dataset: Dataset): Promise<Response> {
  const nonce = randomBytes(16).toString('base64')
  const { assets } = deps
  const config: PageConfig = {
    owner: { id: who.id, name: who.name },
    guest: who.kind === 'guest',
    mode: modeOf(who),
    dataset: { id: dataset.id, title: dataset.title, version: dataset.version },
    home: homeOf(pageIdOf(who, dataset.id)),
    appUrl: `${deps.appOrigin}/`,
    idleMs: deps.limits.idleMs,
    snapshots: deps.snapshot !== undefined,
    directBytes: deps.launcher.directBytes,
  }
  const uploadPlace = config.mode === 'view' ? null : await deps.launcher.uploadPlace(who)
  const head = (
    <>
      <title>{`${dataset.title} – cellxgene`}</title>
      <link rel="icon" href={`/v/static/${assets.icon}`} />
      <style>{raw(assets.css)}</style>
      {config.mode === 'view' && <style>{raw(lookingOnly)}</style>}
    </>
  )
  const beforeRoot = (
    <>
      <WaitingOverlay title={dataset.title} appUrl={config.appUrl} guest={config.guest} />
      <QuietBar />
      <script type="application/json" id={configElementId}>
        {raw(jsonForHtml(config))}
      </script>
      {/* Not deferred: it wraps fetch before cellxgene's deferred script runs. */}
      <script nonce={nonce} src={`/v/static/${assets.companion}`} />
    </>
  )
  return c.html(
    assets.index({ nonce, head: String(head), beforeRoot: String(beforeRoot) }),
    200,
    pageHeaders(viewerPolicy(nonce, uploadPlace)),
  )
}

/** A title may hold `</script>`; as an escape it is the same JSON and no HTML. */
function jsonForHtml(value: unknown): string {
  return JSON.stringify(value)
    .replaceAll('<', '\\u003c')
    .replaceAll('\u2028', '\\u2028')
    .replaceAll('\u2029', '\\u2029')
}

export type Plain = {
  title: string
  text: Child
  refreshSeconds?: number
  /** The first one is the way on. */
  links: readonly { href: string; label: string }[]
}

/** Where somebody goes from here. A guest has nowhere else to go: to them the launcher's own pages are closed. */
export function wayOn({ appOrigin }: LobbyDeps, page: PageAddress | null): { href: string; label: string }[] {
  return page?.linkId ? [] : [{ href: `${appOrigin}/`, label: 'All datasets' }]
}

export function plainPage(
  c: Context,
  deps: LobbyDeps,
  status: 200 | 403 | 404 | 409 | 500 | 503,
  page: Plain,
): Response {
  const { title, text, refreshSeconds, links } = page
  const html = (
    <PlainPage
      title={title}
      css={deps.assets.css}
      icon={`/v/static/${deps.assets.icon}`}
      links={links}
      {...(refreshSeconds ? { refreshSeconds } : {})}
    >
      <p>{typeof text === 'string' ? <Words text={text} /> : text}</p>
    </PlainPage>
  )
  return c.html(`<!doctype html>${String(html)}`, status, pageHeaders(plainPolicy))
}
