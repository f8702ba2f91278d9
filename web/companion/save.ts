/** A save: sent with its base, held for the user's choice when another version stands in its way. */
import type { Call } from './attempt.ts'
import type { Bases, SaveKind } from './base.ts'
import { readProblem } from './env.ts'
import { type HoldDeps, hold } from './hold.ts'
import { pageHeaders, versionHeaders } from './names.ts'
import type { Newer, Saves } from './saves.ts'

export type SaveDeps = HoldDeps & { bases: Bases; saves: Saves }

export async function save(deps: SaveDeps, call: Call, kind: SaveKind): Promise<Response> {
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
