/** Work that costs much is done a little at a time, and not for as many as like to ask. */
import { LauncherError } from '../core/errors.ts'

/** @returns runs a job when its turn comes. Throws `unavailable` when too many wait already. */
export function createTurns(atOnce: number, mostWaiting: number): <T>(job: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = []
  let running = 0
  return async (job) => {
    if (running < atOnce) running += 1
    else {
      if (waiting.length >= mostWaiting)
        throw new LauncherError('unavailable', 'Too many people sign in at this moment. Try again in a few seconds.')
      // Whoever is done hands its place over, so that nobody slips in between.
      await new Promise<void>((resolve) => waiting.push(resolve))
    }
    try {
      return await job()
    } finally {
      const next = waiting.shift()
      if (next) next()
      else running -= 1
    }
  }
}
