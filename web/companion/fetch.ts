/**
 * cellxgene's `fetch`, wrapped: calls to the page's own API go to whoever can answer them, are held while nobody can, and
 * are repeated after a sleep, a crash or a relaunch, so that cellxgene never learns of any.
 */
import { type Call, withOwn } from './attempt.ts'
import { loadedBy, savedBy } from './base.ts'
import { hold } from './hold.ts'
import { versionHeaders } from './names.ts'
import { type SaveDeps, save } from './save.ts'

export type FetchDeps = SaveDeps & {
  /** A call that was no save failed for good; the page says so. */
  lost(): void
}

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

/** cellxgene shows status and text of an answer like this. */
function gaveUp(): Response {
  return new Response(JSON.stringify({ title: 'The viewer did not answer this request' }), {
    status: 503,
    statusText: 'The viewer stopped or did not answer',
    headers: { 'content-type': 'application/problem+json' },
  })
}
