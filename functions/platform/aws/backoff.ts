/** Calls to services that throttle: tried again with full jitter, so that many who were refused at once don't come back at once. */
import { awsName, awsStatus } from './errors.ts'

export type Patience = {
  /** Tries in all. */
  tries: number
  firstMs: number
  mostMs: number
  /** [0, 1) */
  random(): number
  sleep(ms: number): Promise<void>
}

export const patience: Patience = {
  tries: 6,
  firstMs: 200,
  mostMs: 3_000,
  random: Math.random,
  sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
}

/** Throttled, or failed on AWS's side, or no answer at all: a repeat of an idempotent call may succeed. */
export function isPassing(error: unknown): boolean {
  const status = awsStatus(error)
  return (
    status === null ||
    status === 429 ||
    status >= 500 ||
    /thrott|rateexceeded|requestlimit|slowdown/i.test(awsName(error))
  )
}

const neverSent = /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN)$/

/** The service itself refused (throttled, malformed, not allowed), or was never reached. After a 5xx or silence nobody knows. */
export function hadNoEffect(error: unknown): boolean {
  const status = awsStatus(error)
  if (status !== null) return status >= 400 && status < 500
  return error instanceof Error && 'code' in error && neverSent.test(String(error.code))
}

/**
 * @param call idempotent: it may have had its effect although its answer was lost
 * Full jitter after AWS's own measurements (“Exponential Backoff and Jitter”, AWS Architecture Blog, 2015).
 */
export async function withPatience<T>(call: () => Promise<T>, given: Patience = patience): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await call()
    } catch (error) {
      if (attempt >= given.tries || !isPassing(error)) throw error
      await given.sleep(given.random() * Math.min(given.mostMs, given.firstMs * 2 ** (attempt - 1)))
    }
  }
}
