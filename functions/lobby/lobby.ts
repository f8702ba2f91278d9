/** The view origin: a dataset's page, whether a viewer runs or not, cellxgene's static files, and the companion's calls. */
import { type Context, Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { viewerHeader } from '../api/contract/lobby.ts'
import { isUsable } from '../core/dataset.ts'
import { isLauncherError, LauncherError } from '../core/errors.ts'
import type { Principal } from '../core/principal.ts'
import { isLive } from '../core/session.ts'
import { addressOf, cleanAddress, homeOf, type PageAddress, pagePattern } from './address.ts'
import { keep, status, stop, wake } from './calls.ts'
import type { LobbyDeps } from './deps.ts'
import { download, downloads } from './download.ts'
import { askForTicket, enter } from './enter.ts'
import { commonHeaders } from './headers.ts'
import { createMerge, offerMerge } from './merge.ts'
import { plainPage, viewerPage, wayOn } from './page.tsx'
import { serveStatic } from './static-files.ts'
import { datasetWords } from './status.ts'
import { assertKnown, whoAsks } from './who.ts'

/** Throws `bad-setting` when app and view origin would share cookies. */
export function createLobby(deps: LobbyDeps): Hono {
  assertOrigins(deps)
  const app = new Hono()
  const merge = createMerge(deps.launcher.directBytes)
  type Handle = (c: Context, deps: LobbyDeps, page: PageAddress) => Response | Promise<Response>
  const at = (handle: Handle) => (c: Context) => {
    const page = addressOf(c)
    return page === null ? c.notFound() : handle(c, deps, page)
  }

  app.use('*', commonHeaders(deps.viewOrigin))
  app.get('/v/static/*', (c) => files(c, deps, '/v/static/'))
  app.use(`${pagePattern}/*`, async (c, next) => {
    const page = addressOf(c)
    const clean = page && cleanAddress(c, page.id)
    return clean ? c.redirect(clean, 308) : next()
  })
  app.get(
    pagePattern,
    at((c, _deps, page) => c.redirect(homeOf(page.id), 308)),
  )
  app.get(`${pagePattern}/`, at(openPage))
  app.get(
    `${pagePattern}/static/*`,
    at((c, _deps, page) => files(c, deps, `${homeOf(page.id)}static/`)),
  )
  // A HEAD comes from something that looks at links, and must not use up the ticket of who follows them.
  app.get(
    `${pagePattern}/-/enter`,
    at((c, _deps, page) => (c.req.method === 'HEAD' ? c.body(null, 405, { allow: 'GET' }) : enter(c, deps, page))),
  )
  app.get(
    `${pagePattern}/-/sign-in`,
    at((c, _deps, page) => askForTicket(c, deps, page, true)),
  )
  app.get(`${pagePattern}/-/signed-in`, at(signedIn))
  app.get(`${pagePattern}/-/status`, at(status))
  app.get(`${pagePattern}/-/annotations/:file`, at(download))
  app.all(`${pagePattern}/api/v0.2/*`, at(apiWithoutViewer))

  app.post(`${pagePattern}/-/merge/:kind`, async (c) => {
    assertOwnOrigin(c, deps, /^application\/(json|octet-stream)\b/)
    return at(merge)(c)
  })
  app.post(`${pagePattern}/-/*`, bodyLimit({ maxSize: 4096, onError: tooLarge }), async (c, next) => {
    assertOwnOrigin(c, deps, /^application\/json\b/)
    await next()
  })
  app.post(`${pagePattern}/-/merge/:kind/upload`, at(offerMerge))
  app.post(`${pagePattern}/-/wake`, at(wake))
  app.post(`${pagePattern}/-/keep`, at(keep))
  app.post(`${pagePattern}/-/stop`, at(stop))

  app.notFound((c) =>
    plainPage(c, deps, 404, {
      title: 'There is nothing at this address',
      text: addressOf(c)?.linkId
        ? 'Open your launch link again, or ask whoever sent it.'
        : 'Check the link, or choose from the datasets that you may open.',
      links: wayOn(deps, addressOf(c)),
    }),
  )
  app.onError((error, c) => failed(c, deps, error))
  return app
}

/** The page itself. It launches nothing: link previews and restored tabs would. */
async function openPage(c: Context, deps: LobbyDeps, page: PageAddress): Promise<Response> {
  // A page that a browser draws ahead of its user would run the companion, which wakes a viewer; 503 calls that off.
  if (/\bprerender\b/.test(c.req.header('sec-purpose') ?? '')) return c.body(null, 503, { 'cache-control': 'no-store' })
  const asked = await whoAsks(c, deps, page)
  if (asked === null) return askForTicket(c, deps, page)
  const found = await deps.launcher.getDataset(asked.who, page.datasetId)
  if (isUsable(found)) return viewerPage(c, deps, asked.who, found)
  const words = datasetWords(found, page.linkId !== null)
  // A viewer that already runs has its file loaded; a file that is looked at again must not take it away.
  const session = await deps.launcher.findSession(asked.who, page.datasetId)
  if (session !== null && isLive(session) && session.datasetVersion === found.version && found.version !== '')
    return viewerPage(c, deps, asked.who, found)
  return plainPage(c, deps, words.passing ? 200 : 409, {
    title: words.title,
    text: `${found.title}: ${words.text}`,
    ...(words.passing ? { refreshSeconds: 5 } : {}),
    links: [...(found.state === 'removed' ? await keptLinks(deps, asked.who, page) : []), ...wayOn(deps, page)],
  })
}

/** What of theirs can be downloaded, although the file is gone. */
async function keptLinks(deps: LobbyDeps, who: Principal, page: PageAddress) {
  const kept = await Promise.all(
    Object.entries(downloads).map(async ([file, { kind, label }]) => {
      const [newest] = await deps.launcher.history(who, page.datasetId, kind)
      return newest ? [{ href: `${homeOf(page.id)}-/annotations/${file}`, label }] : []
    }),
  )
  return kept.flat()
}

/** Where cellxgene's calls land while no viewer runs. 202 and no 503: content delivery networks cache errors. */
async function apiWithoutViewer(c: Context, deps: LobbyDeps, page: PageAddress): Promise<Response> {
  const none = () => c.body(null, 202, { [viewerHeader]: 'none', 'cache-control': 'no-store' })
  if (deps.snapshot === undefined || c.req.method !== 'GET') return none()
  const { who } = await assertKnown(c, deps, page)
  const { pathname, search } = new URL(c.req.url)
  const found = await deps.launcher.getDataset(who, page.datasetId)
  return (await deps.snapshot(found, pathname.slice(homeOf(page.id).length) + search)) ?? none()
}

async function signedIn(c: Context, deps: LobbyDeps, page: PageAddress): Promise<Response> {
  const asked = await whoAsks(c, deps, page)
  if (asked === null) return askForTicket(c, deps, page, true)
  return plainPage(c, deps, 200, {
    title: 'You are signed in again',
    text: `As ${asked.who.name}. Close this tab and go back to the one you were working in: it goes on by itself.`,
    links: [{ href: homeOf(page.id), label: 'Open the dataset here instead' }],
  })
}

function files(c: Context, deps: LobbyDeps, prefix: string): Response | Promise<Response> {
  return serveStatic(c, deps.assets.files, new URL(c.req.url).pathname.slice(prefix.length)) ?? c.notFound()
}

/** Cookies come along with any site's POST to a host of this site; the Origin header does not lie. */
function assertOwnOrigin(c: Context, deps: LobbyDeps, types: RegExp): void {
  if (c.req.header('origin') !== deps.viewOrigin)
    throw new LauncherError('not-allowed', `This can only be asked for by a page of ${deps.viewOrigin}.`)
  // A form of another site can send neither.
  if (!types.test(c.req.header('content-type') ?? ''))
    throw new LauncherError('bad-request', 'The body must be JSON, with content type application/json.')
}

function tooLarge(): never {
  throw new LauncherError('too-large', 'The body of this call is far smaller.')
}

function failed(c: Context, deps: LobbyDeps, error: unknown): Response {
  const problem = deps.problem(error, { method: c.req.method, path: c.req.path })
  const download = c.req.path.includes('/-/annotations/')
  if ((c.req.path.includes('/-/') && !download) || c.req.path.includes('/api/'))
    return new Response(JSON.stringify(problem), {
      status: problem.status,
      headers: { 'content-type': 'application/problem+json', 'cache-control': 'no-store' },
    })
  const code = isLauncherError(error) ? error.code : null
  const title =
    code === 'not-allowed'
      ? 'You may not open this dataset'
      : code === 'not-found'
        ? 'There is nothing like this here'
        : code === 'link-over'
          ? 'This link is over'
          : code === 'not-signed-in'
            ? 'You are signed out'
            : 'Something went wrong here'
  const text = isLauncherError(error) ? error.message : 'It was written to the log. Try again in a minute.'
  const refused = code === 'not-allowed' || code === 'link-over' || code === 'not-signed-in'
  return plainPage(c, deps, refused ? 403 : code === 'not-found' ? 404 : 500, {
    title,
    text,
    links: wayOn(deps, addressOf(c)),
  })
}

function assertOrigins({ appOrigin, viewOrigin }: LobbyDeps): void {
  for (const origin of [appOrigin, viewOrigin])
    if (!URL.canParse(origin) || new URL(origin).origin !== origin)
      throw new LauncherError('bad-setting', `“${origin}” is no origin: give scheme, host and port, without a path.`)
  if (new URL(appOrigin).hostname === new URL(viewOrigin).hostname)
    throw new LauncherError(
      'bad-setting',
      `App (${appOrigin}) and viewers (${viewOrigin}) must be on different hosts: ports of one host share cookies, and a script in a viewer page could act for the user.`,
    )
}
