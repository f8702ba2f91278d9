/** Every time-out and bound of the gate in one place. Tests shorten them; nothing else changes them. */

const MiB = 2 ** 20

export type Tuning = {
  /** A request whose answer has not begun after this is answered 202 (CloudFront and nginx cut silence off after 60 s), ms. */
  laterAfterMs: number
  /** Longest wait of one question after a spooled answer, ms. */
  laterPollMs: number
  /** A spooled answer that nobody asks for is dropped after this, ms. */
  laterKeepMs: number
  /** And after this once it was fetched, ms. */
  laterFetchedMs: number
  /** Answers spooled at a time, and their bytes on disk together. */
  laterMost: number
  laterBytes: number
  /** Longest time that saves under way get when the gate leaves, ms. */
  drainMs: number
  /** And how long reads under way get then, ms: their pages repeat them. */
  drainReadsMs: number
  /** One call to the API, ms. */
  apiTimeoutMs: number
  /** How long an unreachable API is tried again for one save, ms; below `laterAfterMs`, so that the page hears of it. */
  vaultRetryMs: number
  /** Before the work is known: leave when the API has been silent this long, ms. */
  startSilenceMs: number
  /** A save that the viewer has not answered by then is given up, ms. */
  saveMostMs: number
  /** A differential expression that has not been answered by then is given up, ms. */
  diffexpMostMs: number
  /** Differential expressions that may wait, and saves per kind that may wait. */
  diffexpWaiting: number
  savesWaiting: number
  /** Bounds of a save's body: as sent, and what the viewer will inflate it to. */
  saveBytes: number
  saveInflatedBytes: number
  /** Bound of any other body, as sent and inflated. */
  bodyBytes: number
  /** Request bodies in memory at a time, over all requests. */
  bodiesBytes: number
  /** Content (CSV) that the viewer may hand over in one save. */
  contentBytes: number
  /** Request head, whole request, and silence of a connection while something is due, ms. */
  headersMs: number
  requestMs: number
  silentSocketMs: number
  /** Tries to make the viewer read the vault again before it is given up as broken. */
  reloadTries: number
  /** How long a read waits for a save or reload to settle, ms. */
  settleMs: number
  /** Long poll of the viewer for its work, ms. */
  workPollMs: number
  /** Progress reports: no closer together, and while the viewer loads no further apart, ms. */
  progressMs: number
  loadingReportMs: number
  /** One range of a download, how many at a time, and how long one may stall. */
  rangeBytes: number
  rangesAtOnce: number
  stallMs: number
  /** First pause before something is tried again, ms; doubles, with jitter, up to `backoffMostMs`. */
  backoffMs: number
  backoffMostMs: number
}

export const defaultTuning: Tuning = {
  laterAfterMs: 25_000,
  laterPollMs: 25_000,
  laterKeepMs: 600_000,
  laterFetchedMs: 15_000,
  laterMost: 16,
  laterBytes: 2048 * MiB,
  drainMs: 20_000,
  drainReadsMs: 2_000,
  apiTimeoutMs: 10_000,
  vaultRetryMs: 18_000,
  startSilenceMs: 120_000,
  saveMostMs: 300_000,
  diffexpMostMs: 900_000,
  diffexpWaiting: 8,
  savesWaiting: 8,
  saveBytes: 64 * MiB,
  // cellxgene sends one JSON list of label names per category: 1 million cells × 10 categories × 20 letters is 220 MB.
  saveInflatedBytes: 256 * MiB,
  bodyBytes: 2 * MiB,
  bodiesBytes: 160 * MiB,
  contentBytes: 512 * MiB,
  headersMs: 15_000,
  requestMs: 120_000,
  silentSocketMs: 180_000,
  reloadTries: 6,
  settleMs: 10_000,
  workPollMs: 25_000,
  progressMs: 1_000,
  loadingReportMs: 15_000,
  rangeBytes: 16 * MiB,
  rangesAtOnce: 6,
  stallMs: 30_000,
  backoffMs: 200,
  backoffMostMs: 5_000,
}
