/**
 * Work that can't be saved as it is (somebody else saved, the file is another one) is kept beside what is there: the
 * launcher brings the two together by cell name, and the page is loaded again.
 */
import type { MergeAnswer } from '../../functions/api/contract/lobby.ts'
import type { Call } from './attempt.ts'
import type { SaveKind } from './base.ts'
import { ownHeaders, readProblem } from './env.ts'
import { pageHeaders } from './names.ts'
import type { SaveDeps } from './save.ts'

const mostPauseMs = 5_000
/** A merge reads and writes labels of millions of cells; a connection that hangs is another matter. */
const timeoutMs = 120_000

/** @returns null when cellxgene is to send its state anew, because it can be saved as usual again or a newer one is wanted */
export async function keepBeside(deps: SaveDeps, call: Call, kind: SaveKind): Promise<Response | null> {
  const { saves, bases, env, link } = deps
  for (let failures = 0; saves.beside(kind) || link.moved() !== null; ) {
    saves.keeping(kind)
    const response = await send(deps, call, kind)
    const answer = response?.ok ? await readAnswer(response) : null
    if (answer !== null) {
      bases.move(kind, answer.version)
      bases.saw(kind, answer.version)
      saves.kept(kind, answer)
      return new Response('{"status":"OK"}', { headers: { 'content-type': 'application/json' } })
    }
    const problem = response === null || response.ok ? null : await readProblem(response)
    if (problem !== null && isFinal(response?.status ?? 0, problem.code)) {
      if ((await saves.notKept(kind, problem)) === 'resend') return null
      failures = 0
    } else {
      // Offline, signed out, the launcher restarting: the page says so by itself, and this goes on until it is over.
      link.nudge()
      await env.sleep(Math.min(mostPauseMs, 500 * 2 ** failures++), call.signal)
      call.signal.throwIfAborted()
    }
  }
  return null
}

async function send({ config, env, bases }: SaveDeps, call: Call, kind: SaveKind): Promise<Response | null> {
  try {
    return await env.fetch(`${config.home}-/merge/${kind}`, {
      method: 'POST',
      headers: {
        ...ownHeaders(config),
        [pageHeaders.base]: bases.get(kind),
        'content-type': call.headers.get('content-type') ?? 'application/octet-stream',
      },
      body: call.body,
      credentials: 'same-origin',
      signal: AbortSignal.any([call.signal, AbortSignal.timeout(timeoutMs)]),
    })
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
