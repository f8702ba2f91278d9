/** When the page asks the lobby next, and when it starts a viewer by itself. Pure: time comes in. */
import type { LobbyStatus } from '../../functions/api/contract/lobby.ts'
import type { Problem } from './env.ts'
import type { Trouble } from './lobby-calls.ts'

export type Situation = {
  status: LobbyStatus | null
  trouble: Trouble | null
  refusal: Problem | null
  /** Status calls that failed in a row. */
  failures: number
  /** The last status still stands, as far as anybody knows. */
  trusted: boolean
  /** Calls wait for a viewer. */
  needed: boolean
  /** Somebody is there. */
  here: boolean
  visible: boolean
  /** Somebody wants to know now. */
  asked: boolean
  /** The user left the line or stopped it: no start by itself. */
  left: boolean
  sinceWakeMs: number
  untilWarningMs: number
}

const readyPollMs = 60_000
const troublePollMs = 5_000
/** Between two wakes by itself; a stopping viewer is released within seconds. */
export const wakeEveryMs = 3_000
/** A wake refused for lack of room is tried again by itself after this, as long as somebody is there. */
const roomEveryMs = 30_000
/** While a person must decide: how often to look whether that happened elsewhere. */
const lookEveryMs = 10_000
const passing = ['no-room', 'unavailable', 'too-many-sessions', 'conflict']

export const isPassing = ({ code, never }: Problem): boolean => never !== true && passing.includes(code)

/** The last part of the idle time, in which the page shows a countdown, ms. */
export const warnMs = (idleMs: number): number => Math.min(120_000, idleMs / 4)

/** Wakes by itself: data is needed, somebody is there, and nothing says that a person must decide. */
export function shouldWake(now: Situation): boolean {
  const { status, trouble, refusal, trusted, needed, here, left, sinceWakeMs } = now
  if (!needed || !here || trouble !== null || !trusted || left) return false
  if (!['none', 'asleep', 'lost', 'stopping'].includes(status?.state ?? '')) return false
  if (refusal !== null) return isPassing(refusal) && sinceWakeMs >= roomEveryMs
  return sinceWakeMs >= wakeEveryMs
}

/**
 * Listens (a long poll) while something is on its way. In line a page listens also where nobody is there: whoever waits
 * for long does something else meanwhile, and a page that is not heard of loses its place.
 */
export function listens({ status, trouble, trusted, needed, here }: Situation): boolean {
  if (trouble !== null || !trusted) return false
  if (status?.state === 'starting' || status?.state === 'queued') return true
  return status?.state === 'stopping' && !(needed && here)
}

/** How long until the next call, ms; Infinity: not before something happens. */
export function pauseMs(now: Situation): number {
  const { status, trouble, refusal, failures } = now
  if (now.asked) return failures === 0 ? 0 : backoff(failures)
  if (trouble?.kind === 'offline' || failures > 0) return backoff(failures)
  if (trouble !== null) return now.here ? troublePollMs : Infinity
  if (status === null || status.state === 'starting' || status.state === 'queued') return 0
  const needed = now.needed && now.here
  if (status.state === 'stopping') return needed ? 1000 : 0
  if (status.state === 'ready') {
    if (!now.visible) return Infinity
    return now.untilWarningMs > 0 ? Math.min(readyPollMs, now.untilWarningMs) : 5_000
  }
  // Another tab may start it, an administrator may mend it: listen, but only for somebody.
  if (!needed) return Infinity
  const waits = refusal !== null || now.left || status.state === 'failed' || status.state === 'unusable'
  return waits ? lookEveryMs : wakeEveryMs
}

const backoff = (failures: number) => Math.min(15_000, 500 * 2 ** Math.min(failures, 6))
