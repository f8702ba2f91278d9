/** Waiting: pauses that end early, growing pauses with jitter, one-at-a-time locks. */
import type { Tuning } from './tuning.ts'

/** Resolves after `ms`, or at once when `signal` is aborted (it does not reject: the caller looks at the signal). */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve()
    const done = () => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    signal?.addEventListener('abort', done, { once: true })
  })
}

/** Resolves when `done` has settled, after `ms`, or when `signal` is aborted, whichever is first. */
export async function within(done: Promise<unknown>, ms: number, signal?: AbortSignal): Promise<void> {
  const over = new AbortController()
  const end = () => over.abort()
  signal?.addEventListener('abort', end, { once: true })
  done.then(end, end)
  if (signal?.aborted) end()
  await pause(ms, over.signal)
  signal?.removeEventListener('abort', end)
}

/** Pause before try number `attempt` (from 0), ms. Full jitter, so that many gates don't knock in step after an outage. */
export function backoff(attempt: number, tuning: Pick<Tuning, 'backoffMs' | 'backoffMostMs'>): number {
  const most = Math.min(tuning.backoffMs * 2 ** Math.min(attempt, 16), tuning.backoffMostMs)
  return most / 2 + (Math.random() * most) / 2
}

export type Lock = {
  run<T>(job: () => Promise<T>): Promise<T>
  /** How many run or wait. */
  readonly size: number
}

/** One job at a time, in order of arrival. */
export function createLock(): Lock {
  let tail: Promise<unknown> = Promise.resolve()
  let size = 0
  return {
    get size() {
      return size
    },
    run(job) {
      size += 1
      const result = tail.then(job)
      tail = result.then(
        () => {
          size -= 1
        },
        () => {
          size -= 1
        },
      )
      return result
    },
  }
}

export type Deferred<T> = { promise: Promise<T>; resolve(value: T): void }

export function deferred<T>(): Deferred<T> {
  let resolve: (value: T) => void = () => {}
  const promise = new Promise<T>((settle) => {
    resolve = settle
  })
  return { promise, resolve: (value) => resolve(value) }
}
