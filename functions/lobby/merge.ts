/** `POST -/merge/<kind>`, and `…/upload` for large ones: what a page could not save is kept beside what is there, by cell name. */
import type { Context } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { uploadRequest } from '../api/contract/gate.ts'
import { type MergeAnswer, pageHeaders, uploadRefHeader } from '../api/contract/lobby.ts'
import { LauncherError } from '../core/errors.ts'
import { type VaultKind, vaultKinds } from '../core/ports.ts'
import type { PageAddress } from './address.ts'
import { authorizePerson } from './calls.ts'
import type { LobbyDeps } from './deps.ts'

/** As large as a save may be at the gate; deflated labels are far smaller. */
export const mergeBytes = 64 * 2 ** 20
/** Bodies on their way; of each owner one, so that nobody who sends slowly holds the places of all. */
const atOnce = 8

/** @param directBytes the most that comes through at all; null: no bound of the platform's */
export function createMerge(
  directBytes: number | null,
): (c: Context, deps: LobbyDeps, page: PageAddress) => Promise<Response> {
  const most = Math.min(mergeBytes, directBytes ?? mergeBytes)
  const limit = bodyLimit({ maxSize: most, onError: () => tooLarge(most) })
  const sending = new Set<string>()
  return async (c, deps, page) => {
    const { who } = await authorizePerson(c, deps, page)
    const kind = kindOf(c)
    // The page's own version, which may be an old one: that is what this call is for.
    const datasetVersion = c.req.header(pageHeaders.datasetVersion) ?? ''
    const base = c.req.header(pageHeaders.base) ?? ''
    if (datasetVersion === '' || !/^(none|\d{1,12})$/.test(base))
      throw new LauncherError('bad-request', 'This call names the dataset version and the base of the page.')
    if (sending.has(who.id) || sending.size >= atOnce)
      throw new LauncherError('unavailable', 'Too many at once. It is tried again.')
    sending.add(who.id)
    try {
      // Now that it is known who sends: a body of unknown length is taken into memory by whoever limits it.
      await limit(c, async () => undefined)
      const ref = c.req.header(uploadRefHeader)
      const body = ref === undefined ? new Uint8Array(await c.req.arrayBuffer()) : { ref, mostBytes: mergeBytes }
      const save = { datasetVersion, base: base === 'none' ? null : base, body }
      const { version, report } = await deps.launcher.keepBeside(who, page.datasetId, kind, save)
      return c.json({ version, report } satisfies MergeAnswer, 200, { 'cache-control': 'no-store' })
    } finally {
      sending.delete(who.id)
    }
  }
}

/** Where a body goes that is larger than what comes through; the call that keeps it then names it. */
export async function offerMerge(c: Context, deps: LobbyDeps, page: PageAddress): Promise<Response> {
  const { who } = await authorizePerson(c, deps, page)
  kindOf(c)
  await deps.launcher.getDataset(who, page.datasetId)
  const wish = uploadRequest.safeParse(await c.req.json().catch(() => null))
  if (!wish.success) throw new LauncherError('bad-request', 'This call names the size and the SHA-256 of a body.')
  if (wish.data.sizeBytes > mergeBytes) tooLarge(mergeBytes)
  return c.json(await deps.launcher.offerUpload(who, wish.data), 200, { 'cache-control': 'no-store' })
}

function kindOf(c: Context): VaultKind {
  const kind = vaultKinds.find((known) => known === c.req.param('kind'))
  if (kind === undefined) throw new LauncherError('not-found', 'There is nothing of this kind to keep.')
  return kind
}

function tooLarge(most: number): never {
  throw new LauncherError(
    'too-large',
    `This is more than can be kept beside what is there (${most / 2 ** 20} MiB). Download it from this page; the launcher’s API takes the file.`,
    { limitBytes: most },
  )
}
