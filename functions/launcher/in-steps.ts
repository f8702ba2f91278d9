/** Long work on labels beside everything else that this process does: others are heard after each step, and one such work runs at a time. */
import { setImmediate as others } from 'node:timers/promises'
import type { Steps } from '../core/steps.ts'

/** A thread of its own would need the names of all cells copied to it: 0.2 s for a million, as long as a hundred steps. */
export async function inSteps<T>(steps: Steps<T>): Promise<T> {
  for (;;) {
    const { done, value } = steps.next()
    if (done) return value
    await others()
  }
}

/** One after the other, in the order in which they came. */
export function createTurns(): <T>(act: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve()
  return (act) => {
    const mine = last.then(act, act)
    last = mine.catch(() => {})
    return mine
  }
}
