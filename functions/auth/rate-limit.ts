/** Counts attempts in the store and refuses those over a limit, cheaply once a key is known to be over it. */
import { LauncherError } from '../core/errors.ts'
import type { Clock, OnceStore } from '../core/ports.ts'

export type RateLimit = { attempts: number; windowMs: number }

/** Keys remembered as over their limit; bounded, so that made-up names can't fill the memory. */
const rememberedKeys = 10_000

/** @returns a function that counts one attempt and throws `too-many-attempts` (`data.retryAfterSeconds`) over the limit */
export function createRateLimit(deps: { once: OnceStore; clock: Clock }, name: string, limit: RateLimit) {
  const blocked = new Map<string, number>()
  return async (key: string): Promise<void> => {
    const now = deps.clock.now()
    const until = blocked.get(key)
    // Without this, each of ten thousand guesses would cost a write in the store.
    if (until !== undefined && until > now) throw tooMany(until - now)
    blocked.delete(key)
    const { count, resetsAt } = await deps.once.hit(`${name}:${key}`, now, limit.windowMs)
    if (count <= limit.attempts) return
    const oldest = blocked.size >= rememberedKeys ? blocked.keys().next().value : undefined
    if (oldest !== undefined) blocked.delete(oldest)
    blocked.set(key, resetsAt)
    throw tooMany(resetsAt - now)
  }
}

function tooMany(waitMs: number): LauncherError {
  const retryAfterSeconds = Math.max(1, Math.ceil(waitMs / 1000))
  const minutes = Math.ceil(retryAfterSeconds / 60)
  const wait = minutes === 1 ? 'a minute' : `${minutes} minutes`
  return new LauncherError('too-many-attempts', `Too many attempts to sign in. Try again in ${wait}.`, {
    retryAfterSeconds,
  })
}
