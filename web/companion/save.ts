/** A save: sent with its base, held for the user's choice when another version stands in its way. */
import type { Call } from './attempt.ts'
import type { Bases, SaveKind } from './base.ts'
import { readProblem } from './env.ts'
import { type HoldDeps, hold } from './hold.ts'
import { keepBeside } from './keep-beside.ts'
import { pageHeaders, versionHeaders } from './names.ts'
import type { Newer, Saves } from './saves.ts'

export type SaveDeps = HoldDeps & {
  bases: Bases
  saves: Saves
  /** A save was refused because the page is for looking only; it says so. */
  readOnly(): void
}

export async function save(deps: SaveDeps, call: Call, kind: SaveKind): Promise<Response> {
  const { saves, bases, env, link } = deps
  if (deps.config.mode === 'view') {
    deps.readOnly()
    return lookOnly()
  }
  const cut = saves.begin(kind, call.body)
  const pause = saves.pauseMs(kind)
  if (pause > 0) {
    const soon = new AbortController()
    saves.onGoOn(kind, () => soon.abort())
    await env.sleep(pause, AbortSignal.any([soon.signal, cut]))
    if (cut.aborted) return resend()
  }
  for (;;) {
    if (saves.beside(kind) || link.moved() !== null) return (await keepBeside(deps, call, kind)) ?? resend()
    // The base is read at every attempt: a choice of the user's moves it.
    const held = hold(deps, call, () => ({ [pageHeaders.base]: bases.get(kind) }), cut)
    const response = await held.catch((error: unknown) => {
      call.signal.throwIfAborted()
      if (cut.aborted) return resend()
      throw error
    })
    if (cut.aborted && response?.ok !== true) return resend()
    if (response === null) {
      if ((await saves.gaveUp(kind)) === 'resend') return resend()
    } else if (response.status === 412) {
      const newer = await readNewer(response)
      bases.saw(kind, newer.version)
      if ((await saves.conflict(kind, newer)) === 'resend') return resend()
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

/** cellxgene takes this for a save that failed, and sends its newest state a few seconds later. */
const resend = (): Response => new Response(null, { status: 503, statusText: 'saving again' })

const lookOnly = (): Response => new Response(null, { status: 403, statusText: 'this link is for looking only' })

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
