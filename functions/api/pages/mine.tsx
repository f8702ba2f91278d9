/** What belongs to the reader: sessions, receipts, annotations. */
import type { Context, Hono } from 'hono'
import { AnnotationsPage, type UploadView, VersionsPage } from '../../../web/annotations.tsx'
import { sessionsSeen } from '../../../web/session-state.tsx'
import { SessionsPage } from '../../../web/sessions.tsx'
import { isLauncherError, LauncherError } from '../../core/errors.ts'
import { vaultKinds } from '../../core/ports.ts'
import type { Principal } from '../../core/principal.ts'
import { type Env, uploadBytes, uploadLimit } from '../deps.ts'
import { type Problem, toProblem } from '../problem.ts'
import type { WebDeps } from './deps.ts'
import { field, readForm } from './forms.ts'
import type { Render } from './render.ts'
import { placeSessions, receiptView, sessionView, titlesOf } from './session-view.ts'

const shownReceipts = 50

export function minePages(app: Hono<Env>, deps: WebDeps, { frame, html }: Render): void {
  const { launcher, limits, clock } = deps

  app.get('/sessions', async (c) => {
    const { who } = c.var
    const [datasets, mine, receipts] = await Promise.all([
      launcher.listDatasets(who),
      launcher.listSessions(who),
      launcher.receipts(who),
    ])
    const sessions = await placeSessions(launcher, mine)
    const title = titlesOf(datasets)
    const page = {
      seen: sessionsSeen(sessions),
      sessions: sessions.map((session) => sessionView(session, title(session.datasetId), limits, clock.now())),
      receipts: receipts.slice(0, shownReceipts).map((receipt) => receiptView(receipt, title(receipt.datasetId))),
      olderReceipts: Math.max(0, receipts.length - shownReceipts),
    }
    return html(c, <SessionsPage frame={frame(who)} {...page} />)
  })
  app.post('/sessions/:id/stop', async (c) => {
    await launcher.stop(c.var.who, c.req.param('id'))
    return c.redirect('/sessions', 303)
  })
  app.post('/sessions/:id/keep', async (c) => {
    await launcher.keep(c.var.who, c.req.param('id'))
    return c.redirect('/sessions', 303)
  })

  // A form is a little larger than its file.
  const formBytes = uploadLimit(launcher.directBytes).bytes - 16 * 2 ** 10
  const largeFiles = launcher.directBytes === null ? null : { aboveBytes: formBytes }
  const mostBytes = largeFiles === null ? formBytes : uploadBytes

  /** Of what one keeps, or could begin to keep: who may open a dataset may upload labels for it. */
  async function versionsPage(who: Principal, id: string, upload: UploadView | null) {
    const mine = (await launcher.listAnnotations(who)).find(({ dataset }) => dataset.id === id)
    const dataset = mine?.dataset ?? (await launcher.getDataset(who, id))
    const kinds = vaultKinds.map(async (kind) => ({ kind, versions: await launcher.history(who, id, kind) }))
    const page = { dataset, kinds: await Promise.all(kinds), upload, mostBytes, largeFiles }
    return <VersionsPage frame={frame(who)} {...page} />
  }

  const showVersions = async (
    c: Context<Env>,
    page: Awaited<ReturnType<typeof versionsPage>>,
    status?: Problem['status'],
  ) => html(c, page, status, await launcher.uploadPlace(c.var.who))

  app.get('/annotations', async (c) => {
    const { who } = c.var
    return html(c, <AnnotationsPage frame={frame(who)} rows={await launcher.listAnnotations(who)} />)
  })
  app.get('/annotations/:id', async (c) => {
    const { who } = c.var
    const id = c.req.param('id')
    // By what one keeps, not by what one may open: labels stay theirs when the right to the file is gone.
    return showVersions(c, await versionsPage(who, id, null))
  })
  app.post('/annotations/:id/labels/upload', async (c) => {
    const { who } = c.var
    const id = c.req.param('id')
    const form = await c.req.parseBody()
    const { file, ref, base, mode } = form
    const isThere = typeof ref === 'string' && ref !== ''
    if (!(isThere || file instanceof File) || typeof base !== 'string' || !/^(none|\d{1,12})$/.test(base))
      throw new LauncherError('bad-request', 'Choose a file of labels first.')
    const body = isThere ? { ref, mostBytes: uploadBytes } : new Uint8Array(await (file as File).arrayBuffer())
    const wish = { body, base: base === 'none' ? null : base, mode: mode === 'add' ? 'add' : 'replace' } as const
    try {
      const merged = await launcher.uploadLabels(who, id, wish)
      return showVersions(c, await versionsPage(who, id, { merged, trouble: '' }))
    } catch (error) {
      if (!isLauncherError(error, 'bad-request') && !isLauncherError(error, 'base-mismatch')) throw error
      const { status, detail } = toProblem(error, { method: 'POST', path: c.req.path, log: deps.log })
      return showVersions(c, await versionsPage(who, id, { merged: null, trouble: detail }), status)
    }
  })
  app.post('/annotations/:id/:kind/restore', async (c) => {
    const { id, kind: named } = c.req.param()
    const kind = vaultKinds.find((known) => known === named)
    if (kind === undefined) throw new LauncherError('not-found', 'There is nothing of this kind to restore.')
    const form = await readForm(c)
    await launcher.restore(c.var.who, id, kind, field(form, 'version', 12), field(form, 'base', 12))
    return c.redirect(`/annotations/${encodeURIComponent(id)}`, 303)
  })
}
