/** Asks the API until it answers, and ends the gate when it says so, disowns the session, or has been silent too long. */
import { isLauncherError } from '../core/errors.ts'
import type { Clock, Log } from '../core/ports.ts'
import type { Api } from './api-client.ts'
import type { Leaving } from './leaving.ts'
import { backoff, pause } from './timing.ts'
import type { Tuning } from './tuning.ts'

export type Talk = {
  /** The answer, when it is not "leave". Never resolves once the gate leaves: rejects with `Left`. */
  ask<T extends { status: string }>(call: (api: Api) => Promise<T>): Promise<Exclude<T, { status: 'leave' }>>
  /** One try of something that may fail; what follows from the answer is the same. Null: not heard. */
  tell<T extends { status: string }>(call: (api: Api) => Promise<T>): Promise<T | null>
  /** From now on the API may be silent this long, ms. */
  allowSilence(ms: number): void
}

/** The gate leaves; whatever it was at is over. */
export class Left extends Error {
  override readonly name = 'Left'
}

export type TalkDeps = {
  api: Api
  leaving: Leaving
  clock: Clock
  log: Log
  tuning: Pick<Tuning, 'startSilenceMs' | 'backoffMs' | 'backoffMostMs'>
}

export function createTalk({ api, leaving, clock, log, tuning }: TalkDeps): Talk {
  let silenceMs = tuning.startSilenceMs
  let warned = false

  async function tell<T extends { status: string }>(call: (api: Api) => Promise<T>): Promise<T | null> {
    try {
      const answer = await call(api)
      warned = false
      if (answer.status === 'leave') leaving.leave('told', reasonOf(answer))
      return answer
    } catch (error) {
      if (isLauncherError(error, 'session-over')) leaving.leave('told', error.message)
      else if (!isLauncherError(error, 'unavailable')) throw error
      if (!warned) log('warn', 'api-unreachable', { detail: error.message })
      warned = true
      if (clock.now() - api.lastHeardAt() > silenceMs)
        leaving.leave('api-silent', `The API has not answered for ${Math.round(silenceMs / 1000)} s.`)
      return null
    }
  }

  return {
    tell,
    async ask<T extends { status: string }>(call: (api: Api) => Promise<T>) {
      for (let attempt = 0; ; attempt += 1) {
        const answer = await tell(call)
        if (leaving.signal.aborted) throw new Left()
        if (answer !== null) return answer as Exclude<T, { status: 'leave' }> // `tell` has left on that one
        await pause(backoff(attempt, tuning), leaving.signal)
      }
    },
    allowSilence(ms) {
      silenceMs = ms
    },
  }
}

function reasonOf(answer: object): string | null {
  return 'reason' in answer && typeof answer.reason === 'string' ? answer.reason : null
}
