/** What somebody keeps, as a file, from the dataset's page: for guests, who have no other page, and while no viewer runs. */
import type { Context } from 'hono'
import { LauncherError } from '../core/errors.ts'
import type { VaultKind } from '../core/ports.ts'
import type { PageAddress } from './address.ts'
import type { LobbyDeps } from './deps.ts'
import { plainPage } from './page.tsx'
import { assertKnown } from './who.ts'

export const downloads: Readonly<Record<string, { kind: VaultKind; label: string }>> = {
  'labels.csv': { kind: 'labels', label: 'Download my labels' },
  'genesets.csv': { kind: 'genesets', label: 'Download my gene sets' },
}

/** `GET -/annotations/labels.csv`, `-/annotations/genesets.csv`: the newest version. */
export async function download(c: Context, deps: LobbyDeps, page: PageAddress): Promise<Response> {
  const { who } = await assertKnown(c, deps, page)
  const wanted = downloads[c.req.param('file') ?? '']
  if (wanted === undefined) throw new LauncherError('not-found', 'There is no such file.')
  const [newest] = await deps.launcher.history(who, page.datasetId, wanted.kind)
  if (newest === undefined)
    return plainPage(c, deps, 404, {
      title: 'Nothing is kept yet',
      text: 'Labels and gene sets that you make on this page are kept, and can be downloaded from then on.',
      links: [],
    })
  const body = await deps.launcher.readVersion(who, page.datasetId, wanted.kind, newest.version)
  // A dataset's id is made of [a-z0-9-]: safe in a header and on every file system.
  const name = `${page.datasetId}-${wanted.kind}-v${newest.version}.csv`
  const elsewhere = await deps.launcher.lend(body, name)
  if (elsewhere !== null)
    return c.body(null, 307, { location: elsewhere, 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' })
  return c.body(new Uint8Array(body), 200, {
    'content-type': 'text/csv; charset=utf-8',
    'content-disposition': `attachment; filename="${name}"`,
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'content-security-policy': "sandbox; default-src 'none'",
  })
}
