/** Calls that the page makes for itself: somebody uses it, the viewer is to read anew, a file of what is not saved. */
import { type Bases, type SaveKind, saveKinds } from './base.ts'
import { giveFile } from './browser.ts'
import type { CellNames } from './cell-names.ts'
import { ownHeaders } from './env.ts'
import type { HoldDeps } from './hold.ts'
import { versionHeaders } from './names.ts'
import type { Saves } from './saves.ts'
import { unsavedFile } from './unsaved-file.ts'

/** cellxgene sends its state within 2.5 s; more only on a busy computer. */
const resendMs = 8_000
const lookMs = 15_000

type Deps = Omit<HoldDeps, 'turns'> & { bases: Bases; saves: Saves; cells: Pick<CellNames, 'get'> }

export type PageCalls = {
  /** @returns false when nobody heard it */
  reportUse(): Promise<boolean>
  /** Has the viewer read what is newest in the vault, before the page is loaded from it. */
  look(): Promise<void>
  /** Gives a file of what is not saved, of each kind. */
  download(): Promise<void>
}

export function createPageCalls({ config, env, link, bases, saves, cells }: Deps): PageCalls {
  async function newest(): Promise<{ kind: SaveKind; body: ArrayBuffer }[]> {
    const wait = () => env.sleep(resendMs)
    const known = saves.list().map(({ kind }) => kind)
    // Changed a moment ago and not sent yet: whichever kind it is, it is on its way.
    if (known.length === 0) await Promise.race(saveKinds.map((kind) => saves.newest(kind, wait)))
    const found = await Promise.all(
      saves.list().map(async ({ kind }) => ({ kind, body: await saves.newest(kind, wait) })),
    )
    return found.flatMap(({ kind, body }) => (body === null ? [] : [{ kind, body }]))
  }

  return {
    async reportUse() {
      const route = link.status()?.route
      if (!route) return false
      try {
        const response = await env.fetch(`${route}-/active`, {
          method: 'POST',
          headers: ownHeaders(config),
          credentials: 'same-origin',
          keepalive: true,
        })
        // The gate knows what the vault has, also when another device or a restore put it there.
        for (const kind of saveKinds) bases.saw(kind, response.headers.get(versionHeaders[kind]))
        if (response.ok) link.used()
        // An old cookie, a viewer that is gone: the status knows, and brings a new cookie.
        else link.nudge()
        return response.ok
      } catch {
        link.nudge()
        return false
      }
    },
    async look() {
      const status = link.status()
      if (status?.state !== 'ready' || !status.route) return
      try {
        await env.fetch(`${status.route}-/look`, {
          method: 'POST',
          headers: ownHeaders(config),
          credentials: 'same-origin',
          signal: AbortSignal.timeout(lookMs),
        })
      } catch {
        // The page that comes then says from which version it was loaded, whichever that is.
      }
    },
    async download() {
      for (const { kind, body } of await newest()) {
        const file = await unsavedFile(kind, body, cells.get(), config.dataset.id).catch(() => ({
          // Better the bytes as they are than nothing.
          name: `${config.dataset.id}-${kind}-not-saved.bin`,
          content: body,
        }))
        giveFile(file.name, file.content)
      }
    },
  }
}
