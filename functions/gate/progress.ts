/** Tells the API how far the start is: at most once a second, and now and then even when nothing moves, so that "leave" is heard. */
import type { ProgressReport } from '../api/contract/gate.ts'
import type { Clock } from '../core/ports.ts'
import type { Talk } from './talk.ts'
import { pause } from './timing.ts'
import type { Tuning } from './tuning.ts'

export type Progress = {
  set(stage: ProgressReport['stage'], doneBytes: number): void
  stop(): void
}

const firstMs = 150

export function startProgress(
  totalBytes: number,
  deps: { talk: Talk; clock: Clock; tuning: Pick<Tuning, 'progressMs' | 'loadingReportMs'>; signal: AbortSignal },
): Progress {
  const { talk, clock, tuning, signal } = deps
  const stopped = new AbortController()
  const over = AbortSignal.any([stopped.signal, signal])
  let current: ProgressReport = { stage: 'downloading', doneBytes: 0, totalBytes }
  let told: ProgressReport | null = null
  let toldAt = 0

  void (async () => {
    // A file on the same machine is there at once: nobody should read for a second that it is being downloaded.
    await pause(Math.min(firstMs, tuning.progressMs), over)
    while (!over.aborted) {
      if (current !== told || clock.now() - toldAt >= tuning.loadingReportMs) {
        const report: ProgressReport = current
        const answer = await talk.tell((api) => api.progress(report)).catch(() => null)
        if (answer !== null) {
          told = report
          toldAt = clock.now()
        }
      }
      await pause(tuning.progressMs, over)
    }
  })()

  return {
    set(stage, doneBytes) {
      if (stage !== current.stage || doneBytes !== current.doneBytes) current = { stage, doneBytes, totalBytes }
    },
    stop: () => stopped.abort(),
  }
}
