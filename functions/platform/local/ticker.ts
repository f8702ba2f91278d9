/** The schedule of one machine: one tick after the other, never two at once, and at once after a pause (a suspended laptop). */
import type { Log } from '../../core/ports.ts'

export type Ticker = { stop(): Promise<void> }

/**
 * @param everyMs from the end of one tick to the start of the next
 * @param tick what to do; a failure is logged and the next tick comes all the same
 */
export function startTicker(everyMs: number, tick: () => Promise<unknown>, log: Log): Ticker {
  let stopped = false
  let running: Promise<unknown> = Promise.resolve()
  let timer: NodeJS.Timeout
  const next = () => {
    running = tick()
      .catch((error: unknown) => log('error', 'tick failed', { error: String(error) }))
      .finally(() => {
        if (!stopped) timer = setTimeout(next, everyMs)
      })
  }
  timer = setTimeout(next, everyMs)
  return {
    async stop() {
      stopped = true
      clearTimeout(timer)
      await running
    },
  }
}
