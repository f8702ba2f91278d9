/** What a gate and the API say to one another. The gate imports types only; the API parses with the schemas. */
import { z } from 'zod'

/** Answer to `POST /gate/knock`: the gate asks for its work, again every `retryMs` until there is some. */
export const work = z.object({
  sessionId: z.string(),
  ownerId: z.string(),
  ownerName: z.string(),
  /** `view`: nothing is saved, and the viewer offers nothing to save. */
  mode: z.enum(['view', 'annotate']),
  datasetId: z.string(),
  datasetVersion: z.string(),
  /** What the viewer shows as the name of the dataset. */
  title: z.string(),
  /** Public path of the route, `/s/<something>/`: the gate answers below it and nowhere else. */
  routePath: z.string(),
  file: z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('path'), path: z.string(), sizeBytes: z.number() }),
    z.object({ kind: z.literal('url'), url: z.string(), sizeBytes: z.number() }),
  ]),
  distribution: z.enum(['normal', 'count']).nullable(),
  /** Newest vault versions; content by `GET /gate/vault/<kind>/<version>`. Null: nothing kept yet. */
  labelsVersion: z.string().nullable(),
  geneSetsVersion: z.string().nullable(),
  limits: z.object({
    /** Most cells of both groups together in one differential expression. */
    diffexpCells: z.number(),
    /** Leave by itself when the API has been silent this long, ms. */
    apiSilenceMs: z.number(),
    beatMs: z.number(),
  }),
  /** JWK of the key that signs route cookies (EdDSA, Ed25519, public part). */
  routeKey: z.record(z.string(), z.unknown()),
  /** The gate leaves by itself then, ms since 1970. */
  endsAt: z.number(),
})
export type Work = z.infer<typeof work>

export const knockAnswer = z.discriminatedUnion('status', [
  z.object({ status: z.literal('not-yet'), retryMs: z.number() }),
  z.object({ status: z.literal('leave'), reason: z.string() }),
  z.object({ status: z.literal('work'), work }),
])
export type KnockAnswer = z.infer<typeof knockAnswer>

/** `POST /gate/progress`, at most about once a second. */
export const progressReport = z.object({
  stage: z.enum(['downloading', 'loading']),
  doneBytes: z.number().nonnegative(),
  totalBytes: z.number().nonnegative(),
})
export type ProgressReport = z.infer<typeof progressReport>

/** Answer to `POST /gate/progress` and `POST /gate/loaded`. `again`: say it once more in `retryMs`. */
export const gateAnswer = z.discriminatedUnion('status', [
  z.object({ status: z.literal('stay') }),
  z.object({ status: z.literal('again'), retryMs: z.number() }),
  z.object({ status: z.literal('leave'), reason: z.string() }),
])
export type GateAnswer = z.infer<typeof gateAnswer>

/** `POST /gate/beat`. Ages, not times of day: clocks of two machines differ. */
export const beatReport = z.object({
  /** How long ago somebody last used the page, ms; null: not since this gate started. */
  activeAgoMs: z.number().nonnegative().nullable(),
})
export type BeatReport = z.infer<typeof beatReport>

export const beatAnswer = z.discriminatedUnion('status', [
  z.object({
    status: z.literal('stay'),
    /** Newest vault versions: another than the viewer's means a restore or an upload, and the viewer reloads them. */
    labelsVersion: z.string().nullable(),
    geneSetsVersion: z.string().nullable(),
  }),
  z.object({ status: z.literal('leave'), reason: z.string() }),
])
export type BeatAnswer = z.infer<typeof beatAnswer>

/** `POST /gate/bye`: the last word of a gate that goes. */
export const byeReport = z.object({
  cause: z.enum(['told', 'lifetime', 'api-silent', 'out-of-memory', 'load-failed', 'viewer-lost']),
  /** The viewer's own words, shortened; null when there are none. */
  detail: z.string().max(2000).nullable(),
})
export type ByeReport = z.infer<typeof byeReport>

/**
 * `POST /gate/vault/<kind>/upload`: asked before a body of more than `askFirstBytes` is sent. `direct`: the plain way. `url`: it
 * goes there by PUT with these headers, then `PUT /gate/vault/<kind>` comes without a body and names it: `x-upload-ref`.
 */
export const uploadRequest = z.object({
  sizeBytes: z.number().int().positive(),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
})
export type UploadRequest = z.infer<typeof uploadRequest>
export const uploadAnswer = z.discriminatedUnion('status', [
  z.object({ status: z.literal('direct') }),
  z.object({
    status: z.literal('url'),
    url: z.string(),
    headers: z.record(z.string(), z.string()),
    ref: z.string(),
  }),
])
export type UploadAnswer = z.infer<typeof uploadAnswer>

/**
 * `GET /gate/vault/<kind>/<version>`: 200 with the CSV, or 307 to where it is read without the gate's token.
 *
 * `PUT /gate/vault/<kind>`: body CSV (UTF-8). Headers: `if-match: "<base>"`, or `if-none-match: *` for the first version;
 * `x-request-sha256`: hash of the browser's request body. 200 with `savedVersion`; 412 problem with `latest`; 409 when the
 * session is over.
 */
export const savedVersion = z.object({
  version: z.string(),
  savedAt: z.number(),
  savedBy: z.string(),
  requestSha256: z.string(),
})
export type SavedVersion = z.infer<typeof savedVersion>
