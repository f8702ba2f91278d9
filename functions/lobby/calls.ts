/** The companion's calls below `-/`: status (long poll), wake, keep and stop. */
import type { Context } from 'hono'
import { type LobbyStatus, pageHeaders, wakeRequest } from '../api/contract/lobby.ts'
import { issueRouteCookie, pageCookieSeconds, routeCookieName, routeCookieSeconds } from '../auth/tickets.ts'
import type { Dataset } from '../core/dataset.ts'
import { isLauncherError, LauncherError } from '../core/errors.ts'
import type { Principal } from '../core/principal.ts'
import type { Session } from '../core/session.ts'
import type { PageAddress } from './address.ts'
import type { LobbyDeps } from './deps.ts'
import { pageCookie } from './enter.ts'
import { setCookie } from './headers.ts'
import { lobbyStatus } from './status.ts'
import { assertKnown } from './who.ts'

/** Below the 30 s after which some proxies cut an idle answer off. */
const longestWaitMs = 25_000

type Asked = { who: Principal; dataset: Dataset; renewed: string | null }

/** `GET -/status?wait=<seconds>&seen=<status.seen>`: at once when `seen` is not the newest, else when something changes. */
export async function status(c: Context, deps: LobbyDeps, page: PageAddress): Promise<Response> {
  const asked = await authorize(c, deps, page)
  const seen = c.req.query('seen')
  const waitMs = Math.min(longestWaitMs, 1000 * (Number(c.req.query('wait')) || 0))
  if (seen === undefined || waitMs <= 0) return answer(deps, asked, await statusOf(deps, asked))

  const until = deps.clock.now() + waitMs
  let waited = false
  for (;;) {
    // Listening starts before the look, so that a change in between is not slept through.
    const done = new AbortController()
    const remaining = Math.max(0, until - deps.clock.now())
    const signal = AbortSignal.any([done.signal, c.req.raw.signal])
    const change = deps.launcher.waitForChange(
      asked.who.id,
      page.datasetId,
      Math.min(remaining, deps.recheckMs ?? 2000),
      signal,
    )
    try {
      // Rights may have gone while it waited, and with `ready` goes a cookie.
      const now = waited ? await authorize(c, deps, page) : asked
      const status = await statusOf(deps, now)
      if (status.seen !== seen || remaining === 0 || c.req.raw.signal.aborted) return await answer(deps, now, status)
      await change
      waited = true
    } finally {
      done.abort()
    }
  }
}

export async function wake(c: Context, deps: LobbyDeps, page: PageAddress): Promise<Response> {
  const asked = await authorize(c, deps, page)
  const request = wakeRequest.safeParse(await body(c))
  if (!request.success)
    throw new LauncherError('bad-request', 'A wake call is {"by":"click"|"page","larger"?:boolean}.')
  const { by, larger } = request.data
  const session = await deps.launcher.launch(asked.who, page.datasetId, larger === undefined ? { by } : { by, larger })
  return answer(deps, asked, await statusOf(deps, asked, session))
}

export async function keep(c: Context, deps: LobbyDeps, page: PageAddress): Promise<Response> {
  return onSession(c, deps, page, (who, session) => deps.launcher.keep(who, session.id))
}

export async function stop(c: Context, deps: LobbyDeps, page: PageAddress): Promise<Response> {
  return onSession(c, deps, page, (who, session) => deps.launcher.stop(who, session.id))
}

async function onSession(
  c: Context,
  deps: LobbyDeps,
  page: PageAddress,
  act: (who: Principal, session: Session) => Promise<Session>,
): Promise<Response> {
  const asked = await authorize(c, deps, page)
  const session = await deps.launcher.findSession(asked.who, page.datasetId)
  return answer(deps, asked, await statusOf(deps, asked, session && (await act(asked.who, session))))
}

/** Who asks, and that it is who the page was made for. Throws `not-signed-in`, `link-over`, `owner-changed`. */
export async function authorizePerson(c: Context, deps: LobbyDeps, page: PageAddress) {
  const { who, claim } = await assertKnown(c, deps, page)
  const owner = c.req.header(pageHeaders.owner)
  // Header values are Latin-1 on the wire; the companion percent-encodes an id that is not plain ASCII.
  if (owner !== undefined && owner !== who.id && decodeHeader(owner) !== who.id)
    throw new LauncherError(
      'owner-changed',
      `This browser is now signed in as ${who.name}; the page was opened by somebody else.`,
      {
        owner: who.name,
      },
    )
  return { who, claim }
}

/** Throws as `authorizePerson`, `dataset-changed`, and what `getDataset` throws. */
async function authorize(c: Context, deps: LobbyDeps, page: PageAddress): Promise<Asked> {
  const { who, claim } = await authorizePerson(c, deps, page)
  const dataset = await deps.launcher.getDataset(who, page.datasetId)
  const version = c.req.header(pageHeaders.datasetVersion)
  if (version !== undefined && version !== dataset.version)
    throw new LauncherError('dataset-changed', 'The dataset’s file was replaced since the page was opened.')
  const old = deps.clock.now() - claim.issuedAt > (pageCookieSeconds * 1000) / 2
  return { who, dataset, renewed: old ? await pageCookie(claim, deps) : null }
}

function decodeHeader(value: string): string {
  try {
    return decodeURIComponent(value)
  } catch {
    return value
  }
}

async function statusOf(deps: LobbyDeps, { who, dataset }: Asked, known?: Session | null): Promise<LobbyStatus> {
  const session = known === undefined ? await deps.launcher.findSession(who, dataset.id) : known
  const [queue, carried] = await Promise.all([
    session === null ? null : deps.launcher.waitInLine(session),
    // A vault that can't be read now is told by the calls that need it; a page without a status would say “no connection”.
    deps.launcher.carried(who, dataset.id).catch((error: unknown) => {
      if (isLauncherError(error, 'unavailable')) return null
      throw error
    }),
  ])
  return lobbyStatus(who, dataset, { session, queue, carried }, deps.clock.now(), deps.limits)
}

async function answer(deps: LobbyDeps, asked: Asked, status: LobbyStatus): Promise<Response> {
  const headers = new Headers({ 'content-type': 'application/json', 'cache-control': 'no-store' })
  if (asked.renewed !== null) headers.append('set-cookie', asked.renewed)
  if (status.state === 'ready' && status.route !== null && status.sessionId !== null) {
    const claim = { ownerId: asked.who.id, sessionId: status.sessionId, datasetId: asked.dataset.id }
    const value = await issueRouteCookie(claim, deps)
    headers.append('set-cookie', setCookie(routeCookieName, value, status.route, routeCookieSeconds, deps.viewOrigin))
  }
  return new Response(JSON.stringify(status), { headers })
}

async function body(c: Context): Promise<unknown> {
  try {
    return await c.req.json()
  } catch {
    return null
  }
}
