/**
 * cellxgene's `fetch`, wrapped: calls to the page's own API go to whoever can answer them, are held while nobody can, and
 * are repeated after a sleep, a crash or a relaunch, so that cellxgene never learns of any.
 */
import { type Call, withOwn } from './attempt.ts'
import { loadedBy, savedBy, saveKinds } from './base.ts'
import { hold, questionOf } from './hold.ts'
import type { Lost } from './lost.ts'
import { versionHeaders } from './names.ts'
import { type SaveDeps, save } from './save.ts'

export type FetchDeps = SaveDeps & {
  /** Calls, but for saves, that were given up. */
  lost: Lost
  /** cellxgene was given this answer. */
  answered(path: string, response: Response): void
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

  let response = await fromLobby(deps, call)
  while (response === null) {
    response = await hold(deps, call, () => ({}))
    // Held on until somebody decides: cellxgene would take a failure at its start for the end of the page.
    if (response !== null) break
    const again = await deps.lost.ask(call)
    deps.turns.forgive(questionOf(call))
    if (!again) return gaveUp()
  }
  if (!response.ok) return response
  const loaded = loadedBy(call.method, path)
  if (loaded !== null) deps.bases.move(loaded, response.headers.get(versionHeaders[loaded]))
  for (const seen of saveKinds) deps.bases.saw(seen, response.headers.get(versionHeaders[seen]))
  deps.answered(path, response)
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
