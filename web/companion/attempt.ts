/** One attempt at a call: sent to the viewer's route, its answer read to the end and judged. */
import type { PageConfig } from './config.ts'
import { type Env, ownHeaders, readProblem } from './env.ts'
import { viewerHeader } from './names.ts'
import type { Place } from './status.ts'

export type AttemptDeps = { config: PageConfig; env: Env }

export type Call = {
  method: string
  /** Below the page, as `api/v0.2/schema?x=y`. */
  rest: string
  headers: Headers
  body: ArrayBuffer | null
  signal: AbortSignal
}

/** How an attempt ended: an answer for cellxgene, or a reason to try again. */
export type Outcome =
  | { kind: 'answer'; response: Response }
  /** Nobody answered. `inFlight`: somebody may have been at work on it and died; a proxy's "no viewer" does not tell. */
  | { kind: 'nobody'; inFlight: boolean; response: Response | null }
  | { kind: 'later-please'; ms: number }

const nullBodies = [101, 204, 205, 304]

export async function attempt(
  deps: AttemptDeps,
  call: Call,
  place: Place,
  more: Record<string, string>,
): Promise<Outcome> {
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

async function askLater({ config, env }: AttemptDeps, call: Call, path: string): Promise<Response | null> {
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
  // A guest who may only look: no fault of the viewer's, and no news that another try would change.
  if (status === 403 && (await readProblem(response)).code === 'read-only')
    return { kind: 'answer', response: await whole(response) }
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

export function withOwn(given: Headers, config: PageConfig): Headers {
  const headers = new Headers(given)
  for (const [name, value] of Object.entries(ownHeaders(config))) headers.set(name, value)
  return headers
}

function retryAfterMs(response: Response, otherwise: number): number {
  const seconds = Number(response.headers.get('retry-after') ?? Number.NaN)
  return Number.isFinite(seconds) ? Math.min(30_000, seconds * 1000) : otherwise
}
