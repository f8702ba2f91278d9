/** `POST -/merge/<kind>`: what a page could not save is kept beside what is there, by cell name. */
import type { Context } from 'hono'
import { type MergeAnswer, pageHeaders } from '../api/contract/lobby.ts'
import { LauncherError } from '../core/errors.ts'
import { vaultKinds } from '../core/ports.ts'
import type { PageAddress } from './address.ts'
import { authorizePerson } from './calls.ts'
import type { LobbyDeps } from './deps.ts'

/** As large as a save may be at the gate; deflated labels are far smaller. */
export const mergeBytes = 64 * 2 ** 20
/** Each holds its body and what it inflates to in memory. */
const atOnce = 2

export function createMerge(): (c: Context, deps: LobbyDeps, page: PageAddress) => Promise<Response> {
  let underWay = 0
  return async (c, deps, page) => {
    const { who } = await authorizePerson(c, deps, page)
    const kind = vaultKinds.find((known) => known === c.req.param('kind'))
    if (kind === undefined) throw new LauncherError('not-found', 'There is nothing of this kind to keep.')
    // The page's own version, which may be an old one: that is what this call is for.
    const datasetVersion = c.req.header(pageHeaders.datasetVersion) ?? ''
    const base = c.req.header(pageHeaders.base) ?? ''
    if (datasetVersion === '' || !/^(none|\d{1,12})$/.test(base))
      throw new LauncherError('bad-request', 'This call names the dataset version and the base of the page.')
    if (underWay >= atOnce) throw new LauncherError('unavailable', 'Too many at once. It is tried again.')
    underWay++
    try {
      const body = new Uint8Array(await c.req.arrayBuffer())
      const save = { datasetVersion, base: base === 'none' ? null : base, body }
      const { version, report } = await deps.launcher.keepBeside(who, page.datasetId, kind, save)
      return c.json({ version, report } satisfies MergeAnswer, 200, { 'cache-control': 'no-store' })
    } finally {
      underWay--
    }
  }
}
