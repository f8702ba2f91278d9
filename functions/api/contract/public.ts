/** The public API's wire types: what scripts and programs read and send. Times are RFC 3339, in UTC. */
import { z } from '@hono/zod-openapi'
import { errorCodes } from '../../core/errors.ts'

const time = z.iso.datetime().openapi({ example: '2026-11-20T09:30:00.000Z' })
const memory = z.int().openapi({ description: 'Memory of the viewer, MiB' })
const cpu = z.number().openapi({ description: 'Share of processors' })

export const problem = z
  .looseObject({
    type: z.string().openapi({ description: '`urn:cellxgene-on-demand:problem:<code>`; never changes its meaning' }),
    title: z.string(),
    status: z.int(),
    detail: z.string().openapi({ description: 'What happened and what to do, for a person' }),
    code: z.enum([...errorCodes, 'method-not-allowed', 'internal']),
  })
  .openapi('Problem', {
    description: 'RFC 9457. Some codes bring further members, as `latest` or `retryAfterSeconds`.',
  })

export const me = z
  .object({
    id: z.string().openapi({ description: '`<issuer>:<subject>`', example: 'local:ada' }),
    name: z.string(),
    email: z.string().nullable(),
    groups: z.array(z.string()),
    admin: z.boolean(),
  })
  .openapi('Me')

export const passwordRequest = z
  .strictObject({ current: z.string().min(1).max(1000), next: z.string().min(1).max(1000) })
  .openapi('PasswordRequest')

export const token = z
  .object({ token: z.string(), tokenType: z.literal('Bearer'), expiresAt: time })
  .openapi('Token', { description: 'Ends early when the browser that made it signs out.' })

export const dataset = z
  .object({
    id: z.string().openapi({ example: 'pbmc68k' }),
    title: z.string(),
    group: z.string().openapi({ description: '`public`, or the group it belongs to' }),
    path: z.string(),
    state: z.enum(['checking', 'copying', 'usable', 'refused', 'removed']),
    problem: z.object({ code: z.string(), cause: z.string(), remedy: z.string() }).nullable(),
    version: z.string().openapi({ description: 'SHA-256 of the file; empty until it has been read once' }),
    sizeBytes: z.int(),
    modifiedAt: time,
    cells: z.int().nullable(),
    genes: z.int().nullable(),
    storedValues: z.int().nullable(),
    dtype: z.string().nullable(),
    layout: z.enum(['dense', 'csr', 'csc']).nullable(),
    embeddings: z.array(z.string()),
    memoryMiB: memory.nullable().openapi({ description: 'Estimated memory of a viewer with this file loaded, MiB' }),
    viewUrl: z.url().openapi({ description: 'The page; opening it in a browser signs in and shows the viewer' }),
  })
  .openapi('Dataset')

export const session = z
  .object({
    id: z.string(),
    datasetId: z.string(),
    datasetVersion: z.string(),
    state: z.enum(['queued', 'requested', 'starting', 'ready', 'stopping', 'stopped', 'failed']),
    version: z
      .int()
      .openapi({ description: 'Grows with every change; send it back as `seen` when waiting for the next' }),
    queue: z
      .object({
        position: z.int().openapi({ description: 'The first in line has 1' }),
        length: z.int(),
      })
      .nullable()
      .openapi({
        description:
          'Where it waits for a place; null unless queued. Asking for the session keeps its place: it leaves the line when nobody asks for a minute and a half.',
      }),
    stage: z.enum(['starting', 'downloading', 'loading', 'opening']).nullable(),
    doneBytes: z.int(),
    totalBytes: z.int(),
    memoryMiB: memory,
    vcpu: cpu,
    createdAt: time,
    readyAt: time.nullable(),
    lastActiveAt: time,
    sleepsAt: time
      .nullable()
      .openapi({ description: 'When it goes to sleep if nobody uses it any more; null unless ready' }),
    endsAt: time.nullable().openapi({ description: 'When it ends in any case; null unless ready' }),
    ending: z
      .object({ cause: z.string(), title: z.string(), remedy: z.string(), detail: z.string().nullable(), at: time })
      .nullable(),
    viewUrl: z.url(),
  })
  .openapi('Session')

export const launchRequest = z
  .strictObject({
    datasetId: z.string().min(1).max(200),
    larger: z.boolean().optional().openapi({ description: 'One size more than last time, after it ran out of memory' }),
  })
  .openapi('LaunchRequest')

export const vaultKind = z.enum(['labels', 'genesets'])

export const version = z
  .object({
    version: z.string().openapi({ example: '3' }),
    base: z.string().nullable().openapi({ description: 'The version that this one replaced' }),
    savedAt: time,
    savedBy: z.string(),
    origin: z.string().openapi({
      description: '`session:<id>`, `restore:<version>`, `upload`, `merge:<version>` or `carry-over:<version>`',
    }),
    datasetVersion: z.string(),
    sizeBytes: z.int(),
    sha256: z.string(),
  })
  .openapi('AnnotationVersion')

export const merged = z
  .object({
    version: z.string(),
    report: z.object({
      labelledCells: z.int().openapi({ description: 'Cells with a label in what was brought' }),
      matchedCells: z.int().openapi({ description: 'How many of them the dataset has' }),
      unmatchedCells: z.int().openapi({ description: 'Kept, and back when their cells are' }),
      unmatchedSample: z.array(z.string()),
      renamed: z.array(z.object({ from: z.string(), to: z.string() })),
    }),
  })
  .openapi('Merged')

export const kept = z
  .object({
    dataset: z.object({ id: z.string(), title: z.string(), state: dataset.shape.state }),
    labels: version.nullable(),
    geneSets: version.nullable(),
  })
  .openapi('KeptAnnotations', { description: 'The newest versions of what you keep for one dataset' })

export const restoreRequest = z
  .strictObject({
    version: z.string().regex(/^\d{1,12}$/),
    base: z
      .string()
      .regex(/^\d{1,12}$/)
      .openapi({ description: 'The newest version you know of; 412 with `latest` when it is another' }),
  })
  .openapi('RestoreRequest')

export const linkRequest = z
  .strictObject({
    mode: z.enum(['view', 'annotate']),
    expiresInHours: z.number().positive().max(2160),
    note: z.string().max(200).optional().openapi({ description: 'For yourself' }),
    guestNames: z
      .array(z.string().min(1).max(100))
      .min(1)
      .max(50)
      .optional()
      .openapi({ description: 'For these people only: each gets an address of their own' }),
    maxGuests: z
      .int()
      .min(1)
      .max(1000)
      .optional()
      .openapi({ description: 'How many people may come; ignored with names' }),
  })
  .openapi('LinkRequest')

export const link = z
  .object({
    id: z.string(),
    datasetId: z.string(),
    mode: z.enum(['view', 'annotate']),
    note: z.string(),
    createdBy: z.string(),
    createdAt: time,
    expiresAt: time,
    revokedAt: time.nullable(),
    state: z.enum(['open', 'expired', 'revoked', 'used up']),
    guests: z.int().openapi({ description: 'How many people have come' }),
    maxGuests: z.int().nullable(),
    guestNames: z.array(z.string()).nullable(),
    url: z
      .url()
      .nullable()
      .openapi({ description: 'The address to send; null for another’s, and where each guest has one' }),
  })
  .openapi('LaunchLink')

export const linkDetails = link
  .extend({
    guestList: z.array(
      z.object({
        key: z.string(),
        name: z.string(),
        cameAt: time.nullable(),
        url: z.url().openapi({ description: 'The address of this guest alone' }),
        labels: version.nullable(),
        geneSets: version.nullable(),
      }),
    ),
    uses: z.array(
      z.object({
        at: time,
        guest: z.string(),
        what: z.enum(['entered', 'returned', 'launched', 'refused']),
        detail: z.string(),
      }),
    ),
  })
  .openapi('LaunchLinkDetails')

export const receipt = z
  .object({
    sessionId: z.string(),
    datasetId: z.string(),
    from: time,
    readyAt: time.nullable(),
    to: time,
    memoryMiB: memory,
    vcpu: cpu,
    cause: z.string(),
    title: z.string(),
    detail: z.string().nullable(),
  })
  .openapi('Receipt', { description: 'What a session used, from its request to its end' })

export const listOf = <T extends z.ZodType>(item: T) => z.object({ items: z.array(item) })

export type WireMe = z.infer<typeof me>
export type WireDataset = z.infer<typeof dataset>
export type WireSession = z.infer<typeof session>
export type WireVersion = z.infer<typeof version>
export type WireLink = z.infer<typeof link>
export type WireReceipt = z.infer<typeof receipt>
