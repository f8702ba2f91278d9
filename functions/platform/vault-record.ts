/** How one vault version is written and read back, on disk and in a bucket alike: a JSON record with a version of its own, and gzip'd content. */
import { createHash } from 'node:crypto'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import { z } from 'zod'
import { LauncherError } from '../core/errors.ts'
import type { Vault, VaultRef, VaultVersion } from '../core/ports.ts'

const decompress = promisify(gunzip)

const mergeReport = z.object({
  labelledCells: z.number(),
  matchedCells: z.number(),
  unmatchedCells: z.number(),
  unmatchedSample: z.array(z.string()),
  renamed: z.array(z.object({ from: z.string(), to: z.string() })),
})

/** `v` grows when the shape changes; `readMeta` then upgrades what older programs wrote. */
const record = z.object({
  v: z.union([z.literal(1), z.literal(2)]),
  ownerId: z.string(),
  datasetId: z.string(),
  kind: z.enum(['labels', 'genesets']),
  version: z.string(),
  base: z.string().nullable(),
  savedAt: z.number(),
  savedBy: z.string(),
  origin: z.string(),
  datasetVersion: z.string(),
  obsIndexHash: z.string(),
  requestSha256: z.string(),
  contentSha256: z.string(),
  sizeBytes: z.number().int().nonnegative(),
  /** Since version 2. */
  report: mergeReport.nullable().default(null),
})

export function toRecord(ref: VaultRef, version: VaultVersion): string {
  const written: z.infer<typeof record> = {
    v: 2,
    ownerId: ref.ownerId,
    datasetId: ref.datasetId,
    kind: ref.kind,
    ...version,
  }
  return `${JSON.stringify(written, null, 2)}\n`
}

/**
 * @param shown its name below the vault, for messages: paths of the server stay inside
 * Throws `unavailable` naming the file when it is damaged or is another's: serving the wrong labels would be worse.
 */
export function readRecord(text: string, shown: string, ref: VaultRef, version: string): VaultVersion {
  const { v: _, ownerId, datasetId, kind, ...found } = parse(text, shown)
  if (ownerId !== ref.ownerId || datasetId !== ref.datasetId || kind !== ref.kind || found.version !== version)
    throw damaged(shown, new Error('the record belongs to another owner, dataset, kind or version'))
  return found
}

function parse(text: string, shown: string): z.infer<typeof record> {
  try {
    return record.parse(JSON.parse(text))
  } catch (error) {
    throw damaged(shown, error)
  }
}

/** The content, proven against the hash in its record. Throws `unavailable` naming the file. */
export async function readContent(gzipped: Uint8Array, shown: string, meta: VaultVersion): Promise<Uint8Array> {
  try {
    // The limit keeps a damaged or swapped file from filling the memory.
    const body = await decompress(gzipped, { maxOutputLength: Math.max(1, meta.sizeBytes) })
    if (createHash('sha256').update(body).digest('hex') !== meta.contentSha256) throw new Error('another content hash')
    return body
  } catch (error) {
    throw damaged(shown, error)
  }
}

/** The reason goes out on the wire: an error code or our own words, never a system message with the server's paths. */
export function damaged(shown: string, error: unknown): LauncherError {
  const why =
    error instanceof z.ZodError
      ? 'not a record that this version of the program knows'
      : error instanceof Error && 'code' in error
        ? String(error.code)
        : error instanceof SyntaxError
          ? 'not JSON'
          : String(error instanceof Error ? error.message : error)
  return new LauncherError(
    'unavailable',
    `The file ${shown} of the annotations’ folder can’t be read. Older versions are untouched. ` +
      'Whoever runs this server can put the file back from a backup, or move its folder away to fall back to the version before.',
    { file: shown, reason: why.slice(0, 300) },
    { cause: error },
  )
}

export function baseMismatch(latest: VaultVersion | null, base: string | null): LauncherError {
  const found = latest === null ? 'nothing is kept yet' : `version ${latest.version} by ${latest.savedBy} is the newest`
  return new LauncherError(
    'base-mismatch',
    `This save replaces ${base === null ? 'nothing' : `version ${base}`}, but ${found}. Load the newest, then save again.`,
    { latest },
  )
}

export const noSuchVersion = (ref: VaultRef, version: string): LauncherError =>
  new LauncherError('not-found', `There is no version ${version.slice(0, 20)} of these ${ref.kind}.`)

type PutMeta = Parameters<Vault['put']>[2]

/** The version that a put makes: the number after the one that it replaces. */
export function nextVersion(
  before: VaultVersion | null,
  body: Uint8Array,
  meta: PutMeta,
  savedAt: number,
): VaultVersion {
  const { base, savedBy, origin, datasetVersion, obsIndexHash, requestSha256, report = null } = meta
  return {
    version: String(Number(before?.version ?? 0) + 1),
    base,
    savedAt,
    savedBy,
    origin,
    datasetVersion,
    obsIndexHash,
    requestSha256,
    contentSha256: createHash('sha256').update(body).digest('hex'),
    sizeBytes: body.byteLength,
    report,
  }
}
