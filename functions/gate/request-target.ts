/** What a request asks for. Decided on the raw URL by exact comparison, so that no encoding of a slash or a dot can mean something else later. */
import type { VaultKind } from '../core/ports.ts'

/** How the gate treats a call of cellxgene's API. */
export type Handling =
  | 'plain'
  | { versioned: VaultKind } // answers carry the vault version they were made from
  | { save: VaultKind }
  | 'diffexp'

export type Target =
  | { kind: 'health' }
  | { kind: 'active' }
  | { kind: 'look' }
  | { kind: 'later'; id: string }
  | { kind: 'api'; path: string; query: string; methods: Methods }

type Methods = Readonly<Record<string, Handling>>
const read = (handling: Handling): Methods => ({ GET: handling, HEAD: handling })

/** Everything that cellxgene 1.3.0 serves below `api/v0.2/` (server/app/app.py, get_api_dataroot_resources). */
const api: ReadonlyMap<string, Methods> = new Map<string, Methods>([
  ['config', read('plain')],
  ['schema', read({ versioned: 'labels' })],
  ['annotations/obs', { ...read({ versioned: 'labels' }), PUT: { save: 'labels' } }],
  ['annotations/var', read('plain')],
  ['data/var', { ...read('plain'), PUT: 'plain' }],
  ['genesets', { ...read({ versioned: 'genesets' }), PUT: { save: 'genesets' } }],
  ['summarize/var', { ...read('plain'), POST: 'plain' }],
  ['colors', read('plain')],
  ['layout/obs', read('plain')],
  ['diffexp/obs', { POST: 'diffexp' }],
])
const apiPrefix = 'api/v0.2/'

/** @returns null: nothing of ours, answer 404 */
export function resolveTarget(rawUrl: string, routePath: string): Target | null {
  if (!rawUrl.startsWith(routePath)) return null
  const mark = rawUrl.indexOf('?')
  const path = rawUrl.slice(routePath.length, mark < 0 ? undefined : mark)
  const query = mark < 0 ? '' : rawUrl.slice(mark)
  if (path.startsWith(apiPrefix)) {
    const methods = api.get(path.slice(apiPrefix.length))
    return methods ? { kind: 'api', path: `/${path}`, query, methods } : null
  }
  if (path === '-/health') return { kind: 'health' }
  if (path === '-/active') return { kind: 'active' }
  if (path === '-/look') return { kind: 'look' }
  const later = /^-\/later\/([0-9a-f]{32})$/.exec(path)
  return later?.[1] ? { kind: 'later', id: later[1] } : null
}

/** A redirect of the viewer, kept inside the route; null: it leads elsewhere, drop it. */
export function routedLocation(location: string, routePath: string): string | null {
  let url: URL
  try {
    url = new URL(location, 'http://viewer/')
  } catch {
    return null
  }
  if (url.host !== 'viewer' || url.protocol !== 'http:') return null
  const target = resolveTarget(`${routePath}${url.pathname.slice(1)}`, routePath)
  return target?.kind === 'api' ? `${routePath}${url.pathname.slice(1)}${url.search}` : null
}
