/** Where a guest arrives by a launch link, gives a name, and is handed over to the dataset's page. No account, no sign-in. */
import type { Context, Hono } from 'hono'
import { ArrivedPage, GuestDoorPage, LinkLandingPage } from '../../../web/guest.tsx'
import { guestCookie, readGuestCookie } from '../../auth/guest-cookie.ts'
import { issueTicket } from '../../auth/tickets.ts'
import { isLauncherError, LauncherError } from '../../core/errors.ts'
import type { LaunchLink } from '../../core/link.ts'
import { parsePageId } from '../../core/principal.ts'
import type { Env } from '../deps.ts'
import { assertOwnOrigin } from '../guards.ts'
import { problemHeaders, toProblem } from '../problem.ts'
import type { WebDeps } from './deps.ts'
import { readForm } from './forms.ts'
import type { Render } from './render.ts'

const linkPath = '/l/:link{[a-z2-7]{12}}'
const guestPage = '/open/:page{[a-z0-9-]+~[a-z2-7]{12}}'

export function guestRoutes(app: Hono<Env>, deps: WebDeps, { frame, html }: Render): void {
  const { auth, appOrigin, viewOrigin, clientAddress, clock, launcher, log } = deps
  const secure = appOrigin.startsWith('https:')
  const nobody = frame(null)
  const linkId = (c: Context) => c.req.param('link') ?? ''
  const pageIdOf = ({ id, datasetId }: LaunchLink) => `${datasetId}~${id}`

  // The address holds no secret: what stands behind # never reaches a server, so a preview learns nothing and uses nothing.
  app.get(linkPath, (c) => html(c, <LinkLandingPage frame={nobody} step="arriving" action={`/l/${linkId(c)}`} />))

  app.post(linkPath, async (c) => {
    assertOwnOrigin(c.req.raw, appOrigin)
    const form = await readForm(c)
    const secret = (form.get('secret') ?? '').replace(/^.*#/, '').trim().slice(0, 300)
    const name = (form.get('name') ?? '').slice(0, 300)
    const action = `/l/${linkId(c)}`
    let link: LaunchLink
    try {
      link = await auth.links.check(linkId(c), secret, clientAddress(c))
      if (form.get('enter') !== '1') return html(c, await landing(link, secret, action))
    } catch (error) {
      return refused(c, error)
    }
    try {
      const entered = await auth.links.enter({ linkId: link.id, secret, name, address: clientAddress(c) })
      const pageId = pageIdOf(entered.link)
      c.header('set-cookie', guestCookie(entered.cookie, pageId, entered.expiresAt, clock.now(), secure))
      const page = `${viewOrigin}/v/${pageId}/`
      if (secret.includes('.')) return c.redirect(page, 303)
      return html(
        c,
        <ArrivedPage frame={nobody} name={entered.guest.name} page={page} personalUrl={entered.personalUrl} />,
      )
    } catch (error) {
      // What another name would mend is said beside the name.
      if (!isLauncherError(error, 'conflict') && !isLauncherError(error, 'bad-request')) return refused(c, error)
      const { status, detail } = problemOf(c, error)
      return html(c, await landing(link, secret, action, { name, trouble: detail }), status)
    }
  })

  async function landing(link: LaunchLink, secret: string, action: string, again = { name: '', trouble: '' }) {
    const who = { kind: 'guest', datasetId: link.datasetId } as const
    const dataset = await launcher.getDataset(
      {
        ...who,
        id: '',
        name: '',
        email: null,
        groups: [],
        admin: false,
        loginId: '',
        linkId: link.id,
        mode: link.mode,
      },
      link.datasetId,
    )
    if (dataset.state === 'removed')
      throw new LauncherError('link-over', `The data file was removed. Ask ${link.createdByName} about it.`)
    return (
      <LinkLandingPage
        frame={nobody}
        step="name"
        action={action}
        secret={secret}
        personal={secret.includes('.')}
        by={link.createdByName}
        title={dataset.title}
        mode={link.mode}
        until={link.expiresAt}
        comeBack={`/open/${pageIdOf(link)}`}
        {...again}
      />
    )
  }

  // Looks at the guest's cookie alone, never at a login: a link opened by somebody who is signed in stays a guest's.
  app.get(guestPage, async (c) => {
    const pageId = c.req.param('page')
    const { datasetId, linkId: id } = parsePageId(pageId) ?? { datasetId: '', linkId: null }
    const cookie = readGuestCookie(c.req.raw)
    const guest = cookie === null || id === null ? null : await auth.links.find(cookie, id)
    if (guest === null || guest.datasetId !== datasetId) return html(c, <GuestDoorPage frame={nobody} />, 403)
    const page = `${viewOrigin}/v/${pageId}/`
    const nonceHash = c.req.query('nonce') ?? ''
    if (!/^[\w-]{43}$/.test(nonceHash)) return c.redirect(page, 303)
    const claim = { ownerId: guest.id, ownerName: guest.name, loginId: guest.loginId, pageId }
    const ticket = await issueTicket(claim, nonceHash, { keys: auth.keys, clock, viewOrigin })
    return c.redirect(`${page}-/enter?ticket=${ticket}`, 303)
  })

  const problemOf = (c: Context, error: unknown) => {
    if (!isLauncherError(error)) throw error
    const problem = toProblem(error, { method: c.req.method, path: c.req.path, log })
    for (const [name, value] of Object.entries(problemHeaders(problem))) c.header(name, value)
    return problem
  }
  const refused = (c: Context, error: unknown) => {
    const { status, title, detail } = problemOf(c, error)
    return html(c, <LinkLandingPage frame={nobody} step="refused" title={title} text={detail} />, status)
  }
}
