/** What the page's companion reads from the lobby, and the headers that it and the gate exchange. */
import { z } from 'zod'

/**
 * Headers on every call of the page, to lobby and gate; another owner or dataset version than the session's: 409.
 * Names are lower case, as node gives them.
 */
export const pageHeaders = {
  owner: 'x-cxod-owner',
  datasetVersion: 'x-cxod-dataset-version',
  /** On saves: the vault version from which the page loaded what it now replaces; `none` when there was none. */
  base: 'x-cxod-base',
} as const

/**
 * Headers on answers of the gate to `schema`, `annotations/obs` and `genesets` calls: version the answer was made from, or
 * `none`. On answers to `POST -/active`: the newest version that the gate knows of.
 */
export const versionHeaders = { labels: 'x-cxod-labels-version', genesets: 'x-cxod-genesets-version' } as const

/** On a call without a body: where that was put before. */
export const uploadRefHeader = 'x-upload-ref'

/** On a 202: `x-cxod-viewer: none` (no viewer: hold and repeat) or `later` (the answer is made; ask at `location`). */
export const viewerHeader = 'x-cxod-viewer'

export const pageState = z.enum([
  'none', // never launched, or over long ago
  'queued', // in line for a place; `queue` says where
  'starting', // requested or starting; `stage` tells more
  'ready',
  'stopping',
  'asleep', // over in a way somebody wanted: wake by itself when the page needs data
  'lost', // the viewer died: relaunch by itself
  'failed', // needs a click; `problem` says why
  'unusable', // the dataset can't be opened now; `problem` says why
])

export const lobbyStatus = z.object({
  state: pageState,
  /** Changes whenever anything below does; sent back as `?seen=` for the long poll. */
  seen: z.string(),
  owner: z.object({ id: z.string(), name: z.string() }),
  /** Came by a launch link: no account, no pages on the app origin. */
  guest: z.boolean(),
  /** `view`: saves are refused. */
  mode: z.enum(['view', 'annotate']),
  dataset: z.object({ id: z.string(), title: z.string(), version: z.string() }),
  sessionId: z.string().nullable(),
  /** Where in the line, 1 is next; null unless queued. */
  queue: z.object({ position: z.number(), length: z.number() }).nullable(),
  stage: z.enum(['starting', 'downloading', 'loading', 'opening']).nullable(),
  doneBytes: z.number(),
  totalBytes: z.number(),
  /** `/s/<something>/` when ready; its cookie came with this answer. */
  route: z.string().nullable(),
  /** The newest labels were carried over from another dataset version: what became of them, until the next save. */
  carried: z.object({ version: z.string(), report: z.lazy(() => mergeReport) }).nullable(),
  /** How long until it sleeps if nobody uses it, ms from this answer; null when not ready. */
  sleepInMs: z.number().nullable(),
  /** How long until it ends in any case, ms. */
  endsInMs: z.number().nullable(),
  problem: z
    .object({
      code: z.string(),
      title: z.string(),
      detail: z.string(),
      /** Offer to start with more memory, MiB. */
      largerMiB: z.number().nullable(),
    })
    .nullable(),
})
/** What bringing labels over or together did (`core/merge-report`). */
export const mergeReport = z.object({
  labelledCells: z.number(),
  matchedCells: z.number(),
  unmatchedCells: z.number(),
  unmatchedSample: z.array(z.string()),
  renamed: z.array(z.object({ from: z.string(), to: z.string() })),
})

/**
 * `POST -/merge/labels` and `-/merge/genesets`: keeps what a page could not save, beside what is there by now. Body: the
 * refused save, byte for byte as cellxgene sent it; `x-cxod-dataset-version` names the version that the page was loaded
 * from, which may be an old one. By cell name; a column whose name is taken by another content is renamed. Answer:
 * `{ version, report }`; then load the page again.
 *
 * `POST -/merge/<kind>/upload`: asked before a body of more than the page's `directBytes`, as a gate asks before a large save (`uploadRequest`,
 * `uploadAnswer`): it goes to another address, and the merge then comes without a body and names it.
 */
export const mergeAnswer = z.object({ version: z.string(), report: mergeReport })
export type MergeAnswer = z.infer<typeof mergeAnswer>

export type LobbyStatus = z.infer<typeof lobbyStatus>

/** `POST -/wake`. */
export const wakeRequest = z.object({
  /** `click`: a person asked; `page`: the page needs data by itself. */
  by: z.enum(['click', 'page']),
  /** Take the next larger size than last time. */
  larger: z.boolean().optional(),
})
export type WakeRequest = z.infer<typeof wakeRequest>
