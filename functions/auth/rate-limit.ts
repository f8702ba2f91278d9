/** Counts attempts in the store and refuses those over a limit, cheaply once a key is known to be over it. */
import { LauncherError } from '../core/errors.ts'
import type { Clock, OnceStore } from '../core/ports.ts'

export type RateLimit = { attempts: number; windowMs: number }

/** Keys remembered as over their limit; bounded, so that made-up names can't fill the memory. */
const rememberedKeys = 10_000

export type RateLimiter = {
  /** Throws when the key is known to be over its limit; costs nothing. */
  check(key: string): void
  /** Counts one attempt; throws over the limit. */
  count(key: string): Promise<void>
}

/** Both throw `too-many-attempts` (`data.retryAfterSeconds`). */
export function createRateLimit(deps: { once: OnceStore; clock: Clock }, name: string, limit: RateLimit): RateLimiter {
  const blocked = new Map<string, number>()
  const check = (key: string): void => {
    const now = deps.clock.now()
    const until = blocked.get(key)
    if (until !== undefined && until > now) throw tooMany(until - now)
    blocked.delete(key)
  }
  return {
    check,
    async count(key) {
      check(key)
      const now = deps.clock.now()
      const { count, resetsAt } = await deps.once.hit(`${name}:${key}`, now, limit.windowMs)
      if (count <= limit.attempts) return
      const oldest = blocked.size >= rememberedKeys ? blocked.keys().next().value : undefined
      if (oldest !== undefined) blocked.delete(oldest)
      blocked.set(key, resetsAt)
      throw tooMany(resetsAt - now)
    },
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
