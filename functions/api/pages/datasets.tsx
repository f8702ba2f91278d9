/** Catalogue and dataset page, opening a dataset, and the way into its page on the view origin. */
import type { Hono } from 'hono'
import { type CatalogueGroup, CataloguePage } from '../../../web/catalogue.tsx'
import { DatasetPage, type KeptView } from '../../../web/dataset.tsx'
import { sessionsSeen } from '../../../web/session-state.tsx'
import { issueTicket } from '../../auth/tickets.ts'
import { type Dataset, publicGroup } from '../../core/dataset.ts'
import { LauncherError } from '../../core/errors.ts'
import type { VaultVersion } from '../../core/ports.ts'
import { nextLarger, sizeFor } from '../../core/sizing.ts'
import type { Env } from '../deps.ts'
import { viewUrl } from '../wire.ts'
import type { WebDeps } from './deps.ts'
import { readForm } from './forms.ts'
import type { Render } from './render.ts'
import { type PlacedSession, placeSessions, sessionView } from './session-view.ts'

export function datasetPages(app: Hono<Env>, deps: WebDeps, { frame, html }: Render): void {
  const { launcher, limits, clock, viewOrigin } = deps
  const view = (dataset: Dataset, session: PlacedSession | null | undefined) => {
    if (!session) return null
    const shown = sessionView(session, dataset.title, limits, clock.now())
    // How it went with another version of the file says nothing about this one.
    return session.datasetVersion === dataset.version || shown.live ? shown : { ...shown, ending: null }
  }

  app.get('/', async (c) => {
    const { who } = c.var
    const query = (c.req.query('q') ?? '').trim().slice(0, 100)
    const [datasets, mine] = await Promise.all([launcher.listDatasets(who), launcher.listSessions(who)])
    const sessions = await placeSessions(launcher, mine)
    const rows = datasets
      .filter(({ title, path }) => `${title} ${path}`.toLowerCase().includes(query.toLowerCase()))
      .map((dataset) => ({
        dataset,
        session: view(
          dataset,
          sessions.find(({ datasetId }) => datasetId === dataset.id),
        ),
      }))
    const groups = byGroup(rows)
    const page = { groups, query, total: datasets.length, seen: sessionsSeen(sessions) }
    return html(c, <CataloguePage frame={frame(who)} {...page} />)
  })

  app.get('/datasets/:id', async (c) => {
    const { who } = c.var
    const dataset = await launcher.getDataset(who, c.req.param('id'))
    const [all, kept] = await Promise.all([launcher.listSessions(who), launcher.listAnnotations(who)])
    const sessions = await placeSessions(launcher, all)
    const session = sessions.find(({ datasetId }) => datasetId === dataset.id)
    const mine = kept.find((one) => one.dataset.id === dataset.id)
    const size = dataset.index && sizeFor(dataset.index.memoryMiB, limits.besideViewerMiB)
    const larger = session?.ending?.cause === 'out-of-memory' ? nextLarger(session.size) : null
    const page = {
      dataset,
      size,
      session: view(dataset, session),
      largerMiB: larger?.memoryMiB ?? null,
      kept: [keptView('Categories and labels', mine?.labels), keptView('Gene sets', mine?.geneSets)],
      seen: sessionsSeen(sessions),
    }
    return html(c, <DatasetPage frame={frame(who)} {...page} />)
  })

  app.post('/datasets/:id/launch', async (c) => {
    const id = c.req.param('id')
    const larger = (await readForm(c)).get('larger') === '1'
    await launcher.launch(c.var.who, id, { by: 'click', ...(larger ? { larger } : {}) })
    return c.redirect(viewUrl(viewOrigin, id), 303)
  })

  // Only hands over who is asking; a GET never launches, since link previews and uptime checks would.
  app.get('/open/:id', async (c) => {
    const { who } = c.var
    const dataset = await launcher.getDataset(who, c.req.param('id'))
    const page = viewUrl(viewOrigin, dataset.id)
    const nonceHash = c.req.query('nonce') ?? ''
    // Without a nonce nobody could redeem the ticket: the page itself begins the exchange.
    if (!/^[\w-]{43}$/.test(nonceHash)) return c.redirect(page, 303)
    if (who.loginId === null)
      throw new LauncherError(
        'not-allowed',
        'A viewer’s page is opened in a browser that is signed in, not with a token.',
      )
    const claim = { ownerId: who.id, ownerName: who.name, loginId: who.loginId, pageId: dataset.id }
    const ticket = await issueTicket(claim, nonceHash, { keys: deps.auth.keys, clock, viewOrigin })
    return c.redirect(`${page}-/enter?ticket=${ticket}`, 303)
  })
}

/** `donor_2` before `donor_10`. */
const byName = new Intl.Collator('en', { numeric: true })

/** The reader's own groups first: what everybody has, they know. */
function byGroup(rows: CatalogueGroup['rows']): CatalogueGroup[] {
  const groups = new Map<string, CatalogueGroup['rows'][number][]>()
  for (const row of rows) groups.set(row.dataset.group, [...(groups.get(row.dataset.group) ?? []), row])
  return [...groups]
    .map(([name, members]) => ({ name, rows: members.sort((a, b) => byName.compare(a.dataset.path, b.dataset.path)) }))
    .sort((a, b) => Number(a.name === publicGroup) - Number(b.name === publicGroup) || byName.compare(a.name, b.name))
}

function keptView(label: string, version: VaultVersion | null | undefined): KeptView {
  return version ? { label, version: version.version, savedAt: version.savedAt, savedBy: version.savedBy } : null
}
