/** Holds a call until somebody answers it, through sleep, crash and relaunch, and knows when to give it up. */
import { type AttemptDeps, attempt, type Call } from './attempt.ts'
import { savedBy } from './base.ts'
import type { Link } from './status.ts'
import type { Rank, Turns } from './turns.ts'

export type HoldDeps = AttemptDeps & { link: Link; turns: Turns }

/** A call that fails on a viewer that is said to be well: given up after this, ms. */
const stuckMs = 180_000
/** Deaths of viewers that one call may see: it is repeated once, by itself. Nothing loops on money. */
const mostDeaths = 2

/**
 * Sends a call until somebody answers it.
 * @param cut ends the wait for a viewer, but never a call that is on its way: it then rejects
 * @returns null when it was given up: viewers died under it, or it failed for minutes on one that is said to be well
 */
export async function hold(
  deps: HoldDeps,
  call: Call,
  more: () => Record<string, string>,
  cut?: AbortSignal,
): Promise<Response | null> {
  const turn: Turn = { mine: false, outcome: null }
  try {
    return await untilAnswered(deps, call, more, cut ? AbortSignal.any([call.signal, cut]) : call.signal, turn)
  } finally {
    if (turn.mine) deps.turns.over(rankOf(call), questionOf(call), turn.outcome)
  }
}

type Turn = { mine: boolean; outcome: 'answered' | 'died' | null }

/** @param patience how long it waits for a viewer or a turn */
async function untilAnswered(
  deps: HoldDeps,
  call: Call,
  more: () => Record<string, string>,
  patience: AbortSignal,
  turn: Turn,
): Promise<Response | null> {
  const { link, env, turns } = deps
  const [rank, question] = [rankOf(call), questionOf(call)]
  let deaths = 0
  let stuck = { sessionId: '', since: 0, times: 0 }
  for (;;) {
    if (!turn.mine && turns.blamed(question)) return null
    if (deaths > 0 && !turn.mine) {
      if (!(await turns.mine(rank, question, patience))) return null
      turn.mine = true
    }
    if (!turn.mine) await turns.clear(patience)
    const place = await link.ready(patience)
    // A save that has to be repeated came forward while this waited for the viewer.
    if (!turn.mine && (!turns.isClear() || turns.blamed(question))) continue
    if (turn.mine && turns.yields(rank)) {
      turn.mine = false
      turns.over(rank, question, null)
      continue
    }
    const outcome = await attempt(deps, call, place, more())
    if (outcome.kind === 'answer') {
      turn.outcome = 'answered'
      return outcome.response
    }
    if (outcome.kind === 'later-please') {
      await env.sleep(outcome.ms, call.signal)
      continue
    }
    const status = await link.recheck()
    // Trouble (offline, signed out): `ready` waits until it is over, and the call with it.
    if (status === null) continue
    if (status.state !== 'ready' || status.sessionId !== place.sessionId) {
      stuck.sessionId = ''
      // Asleep is an end that somebody wanted, after the calls under way were answered.
      if (outcome.inFlight && status.state !== 'asleep' && ++deaths >= mostDeaths) {
        turn.outcome = 'died'
        return null
      }
      continue
    }
    // The viewer stands, so a 404 is its own.
    if (outcome.response?.status === 404) {
      turn.outcome = 'answered'
      return outcome.response
    }
    if (stuck.sessionId !== place.sessionId) stuck = { sessionId: place.sessionId, since: env.now(), times: 0 }
    stuck.times++
    if (env.now() - stuck.since > stuckMs) return null
    // An expired cookie came anew with the status; more than that is worth a look by the launcher.
    if (stuck.times > 1 || outcome.response?.status !== 401) await link.examine()
    await env.sleep(Math.min(5_000, 250 * 2 ** stuck.times), call.signal)
  }
}

/** cellxgene asks for a gene from several places at once, and again when it draws anew: that is one question. */
export const questionOf = ({ method, rest }: Call): string | null => (method === 'GET' ? rest : null)

function rankOf({ method, rest }: Call): Rank {
  const path = rest.slice('api/v0.2/'.length).replace(/\?.*$/, '')
  if (savedBy(method, path) !== null) return 'save'
  return path === 'diffexp/obs' ? 'long' : 'call'
}
