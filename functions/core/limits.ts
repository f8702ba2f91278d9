/** Every time-out and cap of the launcher, in one place, with the rules that tie them together. */
import { LauncherError } from './errors.ts'

export type Limits = {
  /** Longest time one call of the API may run, ms. */
  apiTimeoutMs: number
  /** A session still `requested` after this is reaped; at least 3 × `apiTimeoutMs` (the *bound* rule). */
  requestedMs: number
  /** A starting session without a report for this long is reaped. */
  startQuietMs: number
  /** Longest start, however much progress it reports. */
  startCapMs: number
  /** Not declared over before this long after it was last `requested` or `starting` (the *grace* rule). */
  graceMs: number
  /** Time without use until a viewer sleeps. */
  idleMs: number
  /** Longest life of a viewer, used or not. */
  lifetimeMs: number
  /** A ready gate silent for this long has its task inspected. */
  silenceMs: number
  /** How soon a release that could not finish is tried again. */
  releaseRetryMs: number
  /** Failures within this time count as in a row. */
  failureWindowMs: number
  liveSessionsPerUser: number
  /** Guests of one launch link together. */
  liveSessionsPerLink: number
  liveSessions: number
  /** Memory of all viewers together, MiB; past it a launch waits in line. Infinite where capacity is not ours to count. */
  memoryBudgetMiB: number
  /** What a task's memory holds beside the viewer, MiB: the gate, where one task has both. */
  besideViewerMiB: number
  /** How long a turn that found no room on the platform waits for the next. */
  refusedPauseMs: number
  /** After so many the start fails, and says why. */
  refusedTimes: number
  /** A queued session whose user has not been heard of for this long leaves the line. */
  queueSilenceMs: number
  /** Most cells of both groups together in one differential expression. */
  diffexpCells: number
}

const minute = 60_000

export const defaultLimits: Limits = {
  apiTimeoutMs: 20_000,
  requestedMs: 90_000,
  startQuietMs: 2 * minute,
  startCapMs: 45 * minute,
  graceMs: minute,
  idleMs: 30 * minute,
  lifetimeMs: 12 * 60 * minute,
  silenceMs: 90_000,
  releaseRetryMs: 5_000,
  failureWindowMs: 10 * minute,
  liveSessionsPerUser: 3,
  liveSessionsPerLink: 5,
  liveSessions: 20,
  memoryBudgetMiB: Number.POSITIVE_INFINITY,
  besideViewerMiB: 0,
  refusedPauseMs: 30_000,
  refusedTimes: 20,
  queueSilenceMs: 90_000,
  diffexpCells: 2_000_000,
}

/** Throws `bad-setting` when the rules that make the protocol safe do not hold. */
export function checkLimits(limits: Limits): Limits {
  const wrong: string[] = []
  if (limits.requestedMs < 3 * limits.apiTimeoutMs) wrong.push('requestedMs must be at least 3 × apiTimeoutMs')
  if (limits.graceMs < 2 * limits.apiTimeoutMs) wrong.push('graceMs must be at least 2 × apiTimeoutMs')
  if (limits.startCapMs < limits.startQuietMs) wrong.push('startCapMs must be at least startQuietMs')
  const { besideViewerMiB, ...positive } = limits
  if (!(besideViewerMiB >= 0 && Number.isFinite(besideViewerMiB))) wrong.push('besideViewerMiB must not be negative')
  for (const [name, value] of Object.entries(positive))
    if (!(value > 0 && (Number.isFinite(value) || name === 'memoryBudgetMiB')))
      wrong.push(`${name} must be a positive number`)
  if (wrong.length > 0) throw new LauncherError('bad-setting', `These limits can't work: ${wrong.join('; ')}.`)
  return limits
}
