/** Answers one call of cellxgene's API: reads pass through, saves and differential expressions take their own ways, and what takes long is answered later. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Work } from '../api/contract/gate.ts'
import { LauncherError } from '../core/errors.ts'
import type { Log, VaultKind } from '../core/ports.ts'
import { type Answer, deliver } from './answer.ts'
import { type Budget, checkDeflated, withBody } from './body.ts'
import type { DiffexpQueue } from './diffexp-queue.ts'
import { type Forward, fromViewer, toViewer, ViewerGone } from './forward.ts'
import { createGone, type Gone } from './gone.ts'
import { pageHeaders, saveIdHeader, versionHeaders } from './header-names.ts'
import type { Later } from './later.ts'
import { problemOf } from './problem-of.ts'
import type { Handling, Target } from './request-target.ts'
import type { Saves } from './saves.ts'
import type { Tuning } from './tuning.ts'
import type { VaultSync } from './vault-sync.ts'

export type AnswerDeps = {
  work: Work
  forward: Forward
  sync: VaultSync
  saves: Saves
  queue: DiffexpQueue
  later: Later
  budget: Budget
  /** The viewer gave no answer: is it still there? */
  onViewerGone(): void
  log: Log
  tuning: Tuning
}

type ApiCall = { target: Target & { kind: 'api' }; handling: Handling; method: string }
type Making = ApiCall & { req: IncomingMessage; gone: Gone }

/** Makes the answer; after `laterAfterMs` without one the browser is told where to ask for it. Never throws. */
export function answerApi(req: IncomingMessage, res: ServerResponse, call: ApiCall, deps: AnswerDeps): void {
  const gone = createGone()
  const headOnly = call.method === 'HEAD'
  let timer: NodeJS.Timeout | undefined
  let adopted = false
  const making = make({ ...call, req, gone }, deps).catch((error: unknown) => {
    if (error instanceof ViewerGone) deps.onViewerGone()
    // A browser that went away caused its own error, and hears of none.
    const went = !adopted && (gone.aborted || res.destroyed || req.errored !== null)
    return went ? abandoned : problemOf(error, deps.log)
  })
  res.once('close', () => {
    clearTimeout(timer)
    if (!res.writableFinished && !adopted) gone.abort()
  })
  const giveLater = () => {
    // A body still on its way is not silence, and without room the browser waits where it is.
    const place = req.complete ? deps.later.adopt(making, () => gone.abort()) : null
    if (place === null) {
      timer = setTimeout(giveLater, deps.tuning.laterAfterMs / 5)
      return
    }
    adopted = true
    deliver(res, place)
  }
  timer = setTimeout(giveLater, deps.tuning.laterAfterMs)
  void making.then((answer) => {
    clearTimeout(timer)
    if (adopted) return
    deliver(res, answer, headOnly)
  })
}

const abandoned: Answer = { status: 499, headers: {}, body: null }

async function make(call: Making, deps: AnswerDeps): Promise<Answer> {
  const { handling } = call
  if (handling === 'diffexp') return diffexp(call, deps)
  if (handling === 'plain')
    return call.method === 'GET' || call.method === 'HEAD' ? read(call, deps) : compute(call, deps)
  if ('save' in handling) return save(handling.save, call, deps)
  const kind = handling.versioned
  const ask = () => read(call, deps)
  const settled = await deps.sync.readAs(kind, ask, discard, call.gone)
  if (settled === null)
    throw new LauncherError('unavailable', 'The viewer is taking over other labels. Try again shortly.')
  const { answer, version } = settled
  if (answer.status < 400) answer.headers[versionHeaders[kind]] = version ?? 'none'
  return answer
}

async function read({ req, gone, method, target }: Making, { forward, work }: AnswerDeps): Promise<Answer> {
  const path = `${target.path}${target.query}`
  const res = await forward.send({ method, path, headers: toViewer(req.headers), gone })
  return passed(res, work.routePath)
}

function passed(res: IncomingMessage, routePath: string): Answer {
  return { status: res.statusCode ?? 502, headers: fromViewer(res, routePath), body: res }
}

function discard(answer: Answer): void {
  if (answer.body && !Buffer.isBuffer(answer.body)) answer.body.destroy()
}

/** A read that carries its question in a body: `summarize/var`, `data/var`. */
async function compute({ req, gone, method, target }: Making, { forward, work, budget, tuning }: AnswerDeps) {
  const bounds = { rawBytes: tuning.bodyBytes, decodedBytes: tuning.bodyBytes }
  return withBody(req, bounds, budget, async ({ decoded }) => {
    const path = `${target.path}${target.query}`
    const res = await forward.send({ method, path, headers: toViewer(req.headers), body: decoded, gone })
    return passed(res, work.routePath)
  })
}

/** Bytes that one cell may take in a differential expression's list of cells: a number of seven digits, a comma, and room. */
const cellBytes = 16

async function diffexp({ req, gone, method, target }: Making, deps: AnswerDeps): Promise<Answer> {
  const { forward, work, budget, tuning, queue } = deps
  const most = tuning.bodyBytes + cellBytes * work.limits.diffexpCells
  return withBody(req, { rawBytes: most, decodedBytes: most }, budget, ({ decoded }) =>
    queue.run(gone.signal, async () => {
      const path = `${target.path}${target.query}`
      const headers = toViewer(req.headers)
      // Not given up with it: the viewer computes on when its asker is gone, and the next one must not start beside it.
      const res = await forward.send({ method, path, headers, body: decoded, timeoutMs: tuning.diffexpMostMs })
      if (gone.aborted) res.resume()
      return passed(res, work.routePath)
    }),
  )
}

async function save(kind: VaultKind, { req, gone, method, target }: Making, deps: AnswerDeps): Promise<Answer> {
  const { forward, budget, tuning, saves } = deps
  const base = baseOf(req)
  const bounds = {
    rawBytes: tuning.saveBytes,
    decodedBytes: kind === 'labels' ? tuning.saveBytes : tuning.saveInflatedBytes,
  }
  return withBody(req, bounds, budget, async ({ raw, decoded }) => {
    if (kind === 'labels') await checkDeflated(decoded, tuning.saveInflatedBytes)
    const path = `${target.path}${target.query}`
    const toViewerNow = (saveId: string) => {
      const headers = { ...toViewer(req.headers), [saveIdHeader]: saveId }
      return forward.send({ method, path, headers, body: decoded, timeoutMs: tuning.saveMostMs })
    }
    return saves.run({ kind, raw, base, toViewer: toViewerNow, signal: gone.signal })
  })
}

/** Which version the page replaces. Without it a save could overwrite another tab's in silence. */
function baseOf(req: IncomingMessage): string | null {
  const base = req.headers[pageHeaders.base]
  if (base === 'none') return null
  if (typeof base === 'string' && /^\d{1,12}$/.test(base)) return base
  throw new LauncherError('bad-request', `A save must say in ${pageHeaders.base} which version it replaces, or none.`)
}
