/**
 * Work that can't be saved as it is (somebody else saved, the file is another one) is kept beside what is there: the
 * launcher brings the two together by cell name, and the page is loaded again.
 */
import type { MergeAnswer } from '../../functions/api/contract/lobby.ts'
import { putAside, unreachableWords } from '../islands/put-aside.js'
import type { Call } from './attempt.ts'
import type { SaveKind } from './base.ts'
import { ownHeaders, type Problem, readProblem } from './env.ts'
import { pageHeaders, uploadRefHeader } from './names.ts'
import type { SaveDeps } from './save.ts'

const mostPauseMs = 5_000
/** A merge reads and writes labels of millions of cells; a connection that hangs is another matter. */
const timeoutMs = 120_000

/** How often a large body is sent to its storage before the page says that it can't be reached. */
const patience = 3

type Unreached = { host: string; status: number | null }

/** @returns null when cellxgene is to send its state anew, because it can be saved as usual again or a newer one is wanted */
export async function keepBeside(deps: SaveDeps, call: Call, kind: SaveKind): Promise<Response | null> {
  const { saves, bases, env, link } = deps
  const put: Put = { ref: null }
  let [failures, unreached] = [0, 0]
  while (saves.beside(kind) || link.moved() !== null) {
    saves.keeping(kind)
    const sent = await send(deps, call, kind, put)
    const answer = sent instanceof Response && sent.ok ? await readAnswer(sent) : null
    if (answer !== null) {
      bases.move(kind, answer.version)
      bases.saw(kind, answer.version)
      saves.kept(kind, answer)
      return new Response('{"status":"OK"}', { headers: { 'content-type': 'application/json' } })
    }
    // Asked for anew, it may have another place.
    if (sent instanceof Response) put.ref = null
    else if (sent !== null) unreached++
    const problem = await lastWord(sent, unreached)
    if (problem !== null) {
      if ((await saves.notKept(kind, problem)) === 'resend') return null
      failures = 0
      unreached = 0
    } else {
      // Offline, signed out, the launcher restarting: the page says so by itself, and this goes on until it is over.
      link.nudge()
      await env.sleep(Math.min(mostPauseMs, 500 * 2 ** failures++), call.signal)
      call.signal.throwIfAborted()
    }
  }
  return null
}

/** What a person must know of, because trying again by itself would not help; null: it may. */
async function lastWord(sent: Response | Unreached | null, unreached: number): Promise<Problem | null> {
  if (sent instanceof Response) {
    const problem = sent.ok ? null : await readProblem(sent)
    return problem !== null && isFinal(sent.status, problem.code) ? problem : null
  }
  if (sent === null || unreached < patience) return null
  return { code: 'storage-unreached', title: 'The storage can’t be reached', detail: unreachableWords(sent) }
}

/** What was put elsewhere by an attempt, for the next one. */
type Put = { ref: string | null }

/** Null: nobody was there to answer. */
async function send(deps: SaveDeps, call: Call, kind: SaveKind, put: Put): Promise<Response | Unreached | null> {
  const { config, env, bases } = deps
  const own = { ...ownHeaders(config), [pageHeaders.base]: bases.get(kind) }
  const post = (path: string, headers: Record<string, string>, body: BodyInit | null) =>
    env.fetch(`${config.home}-/merge/${kind}${path}`, {
      method: 'POST',
      headers: { ...own, ...headers },
      body,
      credentials: 'same-origin',
      signal: AbortSignal.any([call.signal, AbortSignal.timeout(timeoutMs)]),
    })
  const isLarge = config.directBytes !== null && (call.body?.byteLength ?? 0) > config.directBytes
  try {
    if (isLarge && call.body && put.ref === null) {
      const ask = (wish: string) => post('/upload', { 'content-type': 'application/json' }, wish)
      const done = await putAside(ask, env.fetch, call.body, call.signal)
      if (done.kind === 'refused') return done.response
      if (done.kind === 'unreachable') return done
      put.ref = done.kind === 'there' ? done.ref : null
    }
    const type = { 'content-type': call.headers.get('content-type') ?? 'application/octet-stream' }
    return put.ref === null
      ? await post('', type, call.body)
      : await post('', { ...type, [uploadRefHeader]: put.ref }, null)
  } catch {
    call.signal.throwIfAborted()
    return null
  }
}

/** Refusals that a repeat would meet again. Signed out, or in as somebody else: what is held waits for its owner. */
function isFinal(status: number, code: string): boolean {
  if (status < 400 || status >= 500) return false
  if (code === 'owner-changed' || code === 'conflict' || code === 'base-mismatch') return false
  return ![401, 408, 425, 429].includes(status)
}

/** Null for a proxy's cheerful 200. */
async function readAnswer(response: Response): Promise<MergeAnswer | null> {
  try {
    const answer = (await response.json()) as MergeAnswer
    return typeof answer.version === 'string' && Array.isArray(answer.report?.renamed) ? answer : null
  } catch {
    return null
  }
}
