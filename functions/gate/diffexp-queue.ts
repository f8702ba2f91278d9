/** Differential expressions one at a time: each takes a core and memory of its own, and three at once once cost 23 GB. */
import { LauncherError } from '../core/errors.ts'

export type DiffexpQueue = {
  /**
   * Runs `job` when its turn comes; the next one starts only when it has settled. One whose asker went away while it waited
   * is dropped. Throws `too-many-attempts` when too many wait.
   */
  run<T>(signal: AbortSignal, job: () => Promise<T>): Promise<T>
  readonly waiting: number
}

export function createDiffexpQueue(mostWaiting: number): DiffexpQueue {
  const waiting: (() => void)[] = []
  let running = false

  function next(): void {
    const start = waiting.shift()
    if (start) start()
    else running = false
  }

  function turn(signal: AbortSignal): Promise<void> {
    if (!running) {
      running = true
      return Promise.resolve()
    }
    if (waiting.length >= mostWaiting)
      throw new LauncherError(
        'too-many-attempts',
        `${mostWaiting + 1} differential expressions are under way already. Wait for one of them.`,
        { retryAfterSeconds: 5 },
      )
    return new Promise((resolve, reject) => {
      const start = () => {
        signal.removeEventListener('abort', leave)
        resolve()
      }
      const leave = () => {
        const at = waiting.indexOf(start)
        if (at >= 0) waiting.splice(at, 1)
        reject(signal.reason)
      }
      signal.addEventListener('abort', leave, { once: true })
      waiting.push(start)
    })
  }

  return {
    get waiting() {
      return waiting.length
    },
    async run(signal, job) {
      signal.throwIfAborted()
      await turn(signal)
      try {
        return await job()
      } finally {
        next()
      }
    },
  }
}
