/** A value that is made at first need, kept for a while and made anew: Lambdas live for hours, and what a deploy says of them may change. */
import type { Clock } from '../../core/ports.ts'

/**
 * @param make called again after `ms`, and after a failure: a Lambda that could not begin must not stay broken
 * @returns the newest value; a new one replaces it only once it is there
 */
export function oncePer<T>(ms: number, make: () => Promise<T>, clock: Clock): (fresh?: boolean) => Promise<T> {
  let made: { value: Promise<T>; at: number } | null = null
  return (fresh = false) => {
    const now = clock.now()
    if (made !== null && !fresh && now - made.at < ms) return made.value
    const last = made
    const value = make()
    made = { value, at: now }
    value.catch(() => {
      if (made?.value === value) made = null
    })
    // What worked until now is better than an error: the store of secrets may be down for a minute.
    return last === null ? value : value.catch(() => last.value)
  }
}
