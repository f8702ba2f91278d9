/** How a gate ends: the first reason counts, saves under way are finished, a last word is said. */
import type { ByeReport } from '../api/contract/gate.ts'
import type { Log } from '../core/ports.ts'
import type { Api } from './api-client.ts'
import type { Saves } from './saves.ts'
import type { GateState } from './server.ts'
import { backoff, pause } from './timing.ts'
import type { Tuning } from './tuning.ts'

export type Leaving = {
  /** Later reasons are ignored. */
  leave(cause: ByeReport['cause'], detail: string | null): void
  /** Resolves with the first reason. */
  reason: Promise<ByeReport>
  /** Aborted with the first reason: loops and waits end. */
  signal: AbortSignal
}

export function createLeaving(log: Log): Leaving {
  const over = new AbortController()
  let decide: (report: ByeReport) => void = () => {}
  const reason = new Promise<ByeReport>((resolve) => {
    decide = resolve
  })
  return {
    reason,
    signal: over.signal,
    leave(cause, detail) {
      if (over.signal.aborted) return
      log('info', 'leaving', { cause, detail })
      decide({ cause, detail: detail?.slice(0, 2000) ?? null })
      over.abort()
    },
  }
}

const lookMs = 20

/** Waits until nothing that must be finished is under way, at most `drainMs`. */
export async function drain(
  under: { state: GateState; saves: () => Saves | null },
  tuning: Pick<Tuning, 'drainMs' | 'drainReadsMs'>,
): Promise<void> {
  let waited = 0
  const savesBusy = () => (under.saves()?.underWay ?? 0) > 0
  while (waited < tuning.drainMs && (savesBusy() || (under.state.busy > 0 && waited < tuning.drainReadsMs))) {
    await pause(lookMs)
    waited += lookMs
  }
}

const byeTries = 4
const byeMs = 3_000

/** Says goodbye a few times; an API that can't hear it notices the silence. */
export async function sayBye(api: Api, report: ByeReport, tuning: Tuning, log: Log): Promise<void> {
  for (let attempt = 0; attempt < byeTries; attempt += 1) {
    try {
      await api.bye(report, Math.min(byeMs, tuning.apiTimeoutMs))
      return
    } catch (error) {
      log('warn', 'bye-failed', { detail: error instanceof Error ? error.message : 'unknown' })
      if (report.cause === 'api-silent') return
      await pause(backoff(attempt, tuning))
    }
  }
}
