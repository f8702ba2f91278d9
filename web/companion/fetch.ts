/**
 * cellxgene's `fetch`, wrapped: calls to the page's own API go to whoever can answer them, are held while nobody can, and
 * are repeated after a sleep, a crash or a relaunch, so that cellxgene never learns of any.
 */
import { type Bases, loadedBy, type SaveKind, savedBy } from './base.ts'
import type { PageConfig } from './config.ts'
import { type Env, ownHeaders, readProblem } from './env.ts'
import { pageHeaders, versionHeaders, viewerHeader } from './names.ts'
import type { Newer, Saves } from './saves.ts'
import type { Link, Place } from './status.ts'

export type FetchDeps = {
  config: PageConfig
  env: Env
  link: Link
  bases: Bases
  saves: Saves
  /** A call that was no save failed for good; the page says so. */
  lost(): void
}

type Call = {
  method: string
  /** Below the page, as `api/v0.2/schema?x=y`. */
  rest: string
  headers: Headers
  body: ArrayBuffer | null
  signal: AbortSignal
}

/** How an attempt ended: an answer for cellxgene, or a reason to try again. */
type Outcome =
  | { kind: 'answer'; response: Response }
  /** Nobody answered. `inFlight`: somebody may have been at work on it and died; a proxy's "no viewer" does not tell. */
  | { kind: 'nobody'; inFlight: boolean; response: Response | null }
  | { kind: 'later-please'; ms: number }

/** A call that fails on a viewer that is said to be well: given up after this, ms. */
const stuckMs = 180_000
/** Deaths of viewers that one call may see: it is repeated once. Nothing loops on money. */
const mostDeaths = 2
const nullBodies = [101, 204, 205, 304]

/** @returns a replacement for `window.fetch`; `real` gets what is not the page's API */
export function wrapFetch(deps: FetchDeps, real: typeof fetch, pageUrl: string): typeof fetch {
  const api = new URL('api/v0.2/', pageUrl)
  return async (input, init) => {
    const url = new URL(input instanceof Request ? input.url : String(input), pageUrl)
    if (url.origin !== api.origin || !url.pathname.startsWith(api.pathname)) return real(input, init)
    const request = new Request(input instanceof Request ? input : url, init)
    return answer(deps, {
      method: request.method,
      rest: url.pathname.slice(deps.config.home.length) + url.search,
      headers: request.headers,
      body: request.method === 'GET' || request.method === 'HEAD' ? null : await request.arrayBuffer(),
      signal: request.signal,
    })
  }
}

async function answer(deps: FetchDeps, call: Call): Promise<Response> {
  const path = call.rest.slice('api/v0.2/'.length).replace(/\?.*$/, '')
  const kind = savedBy(call.method, path)
  if (kind !== null) return save(deps, call, kind)

  const response = (await fromLobby(deps, call)) ?? (await hold(deps, call, () => ({})))
  if (response === null) {
    deps.lost()
    return gaveUp()
  }
  const loaded = loadedBy(call.method, path)
  if (loaded !== null && response.ok) deps.bases.move(loaded, response.headers.get(versionHeaders[loaded]))
  return response
}

/** While no viewer runs, the lobby may have the answer. */
async function fromLobby({ config, env, link }: FetchDeps, call: Call): Promise<Response | null> {
  if (!config.snapshots || call.method !== 'GET' || link.status()?.state === 'ready') return null
  try {
    const headers = withOwn(call.headers, config)
    const response = await env.fetch(config.home + call.rest, {
      headers,
      credentials: 'same-origin',
      signal: call.signal,
    })
    return response.status === 200 ? response : null
  } catch {
    call.signal.throwIfAborted()
    return null
  }
}

async function save(deps: FetchDeps, call: Call, kind: SaveKind): Promise<Response> {
  const { saves, bases, env } = deps
  saves.begin(kind)
  const pause = saves.pauseMs(kind)
  if (pause > 0) {
    const soon = new AbortController()
    saves.onGoOn(kind, () => soon.abort())
    await env.sleep(pause, soon.signal)
  }
  for (;;) {
    // Read at every attempt: a choice of the user's moves it.
    const response = await hold(deps, call, () => ({ [pageHeaders.base]: bases.get(kind) }))
    if (response === null) {
      await saves.gaveUp(kind)
    } else if (response.status === 412) {
      const newer = await readNewer(response)
      await saves.conflict(kind, newer)
      bases.move(kind, newer.version)
    } else if (response.ok) {
      bases.move(kind, response.headers.get(versionHeaders[kind]))
      saves.done(kind)
      return response
    } else {
      saves.refused(kind, await readProblem(response))
      return response
    }
  }
}

async function readNewer(response: Response): Promise<Newer> {
  const { body } = await readProblem(response)
  const latest: unknown = body.latest
  const {
    version,
    savedBy: by,
    savedAt,
  } = (typeof latest === 'object' && latest !== null ? latest : {}) as Record<string, unknown>
  // Both times are the servers': the browser's own clock may be wrong.
  const sentAt = Date.parse(response.headers.get('date') ?? '')
  const known = typeof savedAt === 'number' && Number.isFinite(sentAt)
  return {
    version: typeof version === 'string' ? version : 'none',
    savedBy: typeof by === 'string' ? by : '',
    agoMs: known ? Math.max(0, sentAt - savedAt) : null,
  }
}

/**
 * Sends a call until somebody answers it.
 * @returns null when it was given up: viewers died under it, or it failed for minutes on one that is said to be well
 */
async function hold(deps: FetchDeps, call: Call, more: () => Record<string, string>): Promise<Response | null> {
  const { link, env } = deps
  let deaths = 0
  let stuck = { sessionId: '', since: 0, times: 0 }
  for (;;) {
    const place = await link.ready(call.signal)
    const outcome = await attempt(deps, call, place, more())
    if (outcome.kind === 'answer') return outcome.response
    if (outcome.kind === 'later-please') {
      await env.sleep(outcome.ms, call.signal)
      continue
    }
    const status = await link.recheck()
    // Trouble (offline, signed out): `ready` waits until it is over, and the call with it.
    if (status === null) continue
    if (status.state !== 'ready' || status.sessionId !== place.sessionId) {
      stuck.sessionId = ''
      // Asleep is an end that somebody wanted, after the calls under way were answered.
      if (outcome.inFlight && status.state !== 'asleep' && ++deaths >= mostDeaths) return null
      continue
    }
    // The viewer stands, so a 404 is its own.
    if (outcome.response?.status === 404) return outcome.response
    if (stuck.sessionId !== place.sessionId) stuck = { sessionId: place.sessionId, since: env.now(), times: 0 }
    stuck.times++
    if (env.now() - stuck.since > stuckMs) return null
    // An expired cookie came anew with the status; more than that is worth a look by the launcher.
    if (stuck.times > 1 || outcome.response?.status !== 401) await link.examine()
    await env.sleep(Math.min(5_000, 250 * 2 ** stuck.times), call.signal)
  }
}

async function attempt(deps: FetchDeps, call: Call, place: Place, more: Record<string, string>): Promise<Outcome> {
  const { config, env } = deps
  const headers = withOwn(call.headers, config)
  for (const [name, value] of Object.entries(more)) headers.set(name, value)
  const common = { credentials: 'same-origin', signal: call.signal } as const
  try {
    let response = await env.fetch(place.route + call.rest, {
      ...common,
      method: call.method,
      headers,
      body: call.body,
    })
    for (let misses = 0; response.status === 202 && response.headers.get(viewerHeader) === 'later'; ) {
      // A long answer is made behind our back, so that no proxy on the way cuts the silence off.
      const location = new URL(response.headers.get('location') ?? '', new URL(place.route, 'http://page/'))
      if (!location.pathname.startsWith(place.route)) return { kind: 'nobody', inFlight: false, response }
      await env.sleep(retryAfterMs(response, 250), call.signal)
      const next = await askLater(deps, call, location.pathname + location.search)
      // It is kept for a while, so one lost connection is no reason to have it made again.
      if (next === null && ++misses >= 3) return { kind: 'nobody', inFlight: true, response: null }
      if (next === null) await env.sleep(1000, call.signal)
      else response = next
      // Dropped or never known: the gate that was to keep it is another one.
      if (response.status === 404) return { kind: 'nobody', inFlight: true, response: null }
    }
    return await judge(response)
  } catch {
    // The caller's wish, not a failure.
    call.signal.throwIfAborted()
    return { kind: 'nobody', inFlight: true, response: null }
  }
}

async function askLater({ config, env }: FetchDeps, call: Call, path: string): Promise<Response | null> {
  try {
    const headers = withOwn(new Headers(), config)
    return await env.fetch(path, { headers, credentials: 'same-origin', signal: call.signal })
  } catch {
    call.signal.throwIfAborted()
    return null
  }
}

async function judge(response: Response): Promise<Outcome> {
  const { status } = response
  if (status === 202 && response.headers.get(viewerHeader) === 'none')
    return { kind: 'nobody', inFlight: true, response }
  if (status === 401 || status === 403 || status === 404 || status === 503)
    return { kind: 'nobody', inFlight: false, response: await whole(response) }
  if (status === 502 || status === 504) return { kind: 'nobody', inFlight: true, response }
  if (status === 429) return { kind: 'later-please', ms: retryAfterMs(response, 2_000) }
  if (status === 409) {
    const { code } = await readProblem(response)
    if (['session-over', 'owner-changed', 'dataset-changed'].includes(code))
      return { kind: 'nobody', inFlight: false, response }
  }
  return { kind: 'answer', response: await whole(response) }
}

/** Read to the end here: a viewer that dies half-way through an answer is then a call to repeat, not cellxgene's error. */
async function whole(response: Response): Promise<Response> {
  const { status, statusText, headers } = response
  const body = await response.arrayBuffer()
  return new Response(nullBodies.includes(status) ? null : body, { status, statusText, headers })
}

function withOwn(given: Headers, config: PageConfig): Headers {
  const headers = new Headers(given)
  for (const [name, value] of Object.entries(ownHeaders(config))) headers.set(name, value)
  return headers
}

function retryAfterMs(response: Response, otherwise: number): number {
  const seconds = Number(response.headers.get('retry-after') ?? Number.NaN)
  return Number.isFinite(seconds) ? Math.min(30_000, seconds * 1000) : otherwise
}

/** cellxgene shows status and text of an answer like this. */
function gaveUp(): Response {
  return new Response(JSON.stringify({ title: 'The viewer stopped twice on this request' }), {
    status: 503,
    statusText: 'The viewer stopped while it worked on this',
    headers: { 'content-type': 'application/problem+json' },
  })
}
