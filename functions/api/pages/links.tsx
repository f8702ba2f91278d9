/** The maker's side of launch links: a dataset's links, one link, making and revoking. */
import type { Context, Hono } from 'hono'
import { type GuestView, LinkPage, LinksPage, type LinkView } from '../../../web/links.tsx'
import { guestKeyOf, guestNames } from '../../auth/guest-names.ts'
import { isLauncherError, LauncherError } from '../../core/errors.ts'
import { type LaunchLink, type LinkUse, linkOver } from '../../core/link.ts'
import type { Principal } from '../../core/principal.ts'
import type { Env } from '../deps.ts'
import { toProblem } from '../problem.ts'
import type { WebDeps } from './deps.ts'
import { readForm } from './forms.ts'
import type { Render } from './render.ts'

export function linkPages(app: Hono<Env>, deps: WebDeps, { frame, html }: Render): void {
  const { launcher, auth, clock, log } = deps

  const page = async (
    c: Context<Env>,
    datasetId: string,
    again: { trouble: string; typed: ReadonlyMap<string, string> },
    status: Parameters<Render['html']>[2] = 200,
  ) => {
    const { who } = c.var
    const dataset = await launcher.getDataset(who, datasetId)
    const links = (await launcher.listLinks(who, datasetId)).map((link) => ({
      ...viewOf(link, who, clock.now()),
      lastUseAt: link.lastUseAt,
    }))
    return html(c, <LinksPage frame={frame(who)} dataset={dataset} links={links} {...again} />, status)
  }

  app.get('/datasets/:id/links', (c) => page(c, c.req.param('id'), { trouble: '', typed: new Map() }))

  app.post('/datasets/:id/links', async (c) => {
    const id = c.req.param('id')
    const typed = await readForm(c)
    try {
      const made = await launcher.makeLink(c.var.who, id, wishOf(typed))
      return c.redirect(`/links/${made.id}`, 303)
    } catch (error) {
      if (!isLauncherError(error, 'bad-request') && !isLauncherError(error, 'conflict')) throw error
      const { status, detail } = toProblem(error, { method: 'POST', path: c.req.path, log })
      return page(c, id, { trouble: detail, typed }, status)
    }
  })

  app.get('/links/:link', async (c) => {
    const { who } = c.var
    const id = c.req.param('link')
    const [{ link, uses }, kept] = await Promise.all([launcher.getLink(who, id), launcher.guestAnnotations(who, id)])
    const dataset = await launcher.getDataset(who, link.datasetId)
    const came: GuestView[] = kept.map(({ guest, labels, geneSets }) => ({
      key: guest.key,
      name: guest.name,
      createdAt: guest.createdAt,
      url: auth.links.personalUrl(id, guest.key),
      labelsAt: labels?.savedAt ?? null,
      geneSetsAt: geneSets?.savedAt ?? null,
    }))
    const missing = (link.guestNames ?? [])
      .map((name) => ({ name, key: guestKeyOf(name) }))
      .filter(({ key }) => !came.some((guest) => guest.key === key))
      .map(({ name, key }) => ({
        ...{ key, name, createdAt: null, url: auth.links.personalUrl(id, key) },
        ...{ labelsAt: null, geneSetsAt: null },
      }))
    return html(
      c,
      <LinkPage
        frame={frame(who)}
        dataset={dataset}
        link={viewOf(link, who, clock.now())}
        url={link.guestNames === null ? auth.links.url(id) : null}
        guests={[...came, ...missing]}
        uses={uses.map((use) => ({ at: use.at, name: use.guestName, words: useWords(use) }))}
      />,
    )
  })

  app.post('/links/:link/revoke', async (c) => {
    await launcher.revokeLink(c.var.who, c.req.param('link'))
    return c.redirect(`/links/${encodeURIComponent(c.req.param('link'))}`, 303)
  })
}

/** Throws `bad-request` with words for the form. */
function wishOf(typed: ReadonlyMap<string, string>) {
  const days = Number(typed.get('days'))
  if (!(Number.isInteger(days) && days >= 1 && days <= 90))
    throw new LauncherError('bad-request', 'Give a whole number of days, from 1 to 90.')
  const guests = (typed.get('guests') ?? '').trim()
  const names = (typed.get('names') ?? '')
    .split(/[\n\r]+/)
    .map((name) => name.trim())
    .filter((name) => name !== '')
  const mode = typed.get('mode') === 'view' ? ('view' as const) : ('annotate' as const)
  return {
    mode,
    expiresInMs: days * 24 * 3_600_000,
    note: (typed.get('note') ?? '').trim(),
    guestNames: names.length === 0 ? null : guestNames(names),
    maxGuests: guests === '' ? null : Number(guests),
  }
}

function viewOf(link: LaunchLink, who: Principal, now: number): LinkView {
  const over = linkOver(link, now)
  const full = link.maxGuests !== null && link.guests >= link.maxGuests
  const { id, mode, note, createdAt, expiresAt, revokedAt, guests, maxGuests, guestNames } = link
  return {
    ...{ id, mode, note, createdAt, expiresAt, revokedAt, guests, maxGuests, guestNames },
    by: link.createdByName,
    state: over ?? (full ? 'used up' : 'open'),
    mine: who.admin || link.createdBy === who.id,
  }
}

function useWords({ what, detail }: LinkUse): string {
  if (what === 'entered') return 'came for the first time'
  if (what === 'returned') return 'came back'
  return what === 'launched' ? 'started a viewer' : `was refused: ${detail}`
}
