/**
 * The index's eyes on a bucket: the first bytes, what S3 knows of an object, and the indexer's process, which gets the
 * blocks that it asks for and never the whole file.
 */
import { GetObjectCommand, HeadObjectCommand, type HeadObjectCommandOutput, type S3Client } from '@aws-sdk/client-s3'
import { LauncherError } from '../../core/errors.ts'
import type { Indexer } from '../../indexer/client.ts'
import { ProblemFound } from '../../indexer/problems.ts'
import type { FileSource } from '../../indexer/serve-file.ts'
import { findSuperblock, incomplete } from '../../indexer/superblock.ts'
import type { IndexTimes, Inspector } from '../../launcher/index-dataset.ts'
import { type Patience, withPatience } from './backoff.ts'
import { contentVersion } from './content-version.ts'
import { awsName, awsStatus, unavailable } from './errors.ts'

/** An object appears whole and at once, and a bucket's list is up to date: nothing is gained by waiting, but for a move's second half. */
export const bucketTimes: IndexTimes = {
  stableMs: 0,
  goneMs: 0,
  allGoneMs: 0,
  retryMs: 5_000,
  moveMs: 3_000,
  demandingAgainMs: 24 * 3_600_000,
}

type Head = { etag: string; sizeBytes: number; version: string }

/** One request brings every place where the file may begin but the far ones, which hardly any file uses. */
const firstBytes = 8 * 2 ** 10

/** @param bucket with the data files; keys are paths */
export function createInspector(
  s3: S3Client,
  bucket: string,
  indexer: Pick<Indexer, 'indexFile' | 'readCells'>,
  patience?: Patience,
): Inspector {
  /** Which content a version was last told of, by path: what is read after that must be the same. */
  const told = new Map<string, string>()

  async function ask<T>(call: () => Promise<T>): Promise<T> {
    try {
      return await withPatience(call, patience)
    } catch (error) {
      if (awsStatus(error) === 404 && awsName(error) !== 'NoSuchBucket')
        throw new LauncherError('not-found', 'The file went away while it was looked at.')
      if (awsStatus(error) === 412)
        throw new LauncherError('conflict', 'The file was replaced while it was read. It is read anew.')
      if (awsStatus(error) === 403) throw new Refused(error)
      throw unavailable('The bucket with the data files', error)
    }
  }

  async function head(path: string): Promise<Head> {
    const found: HeadObjectCommandOutput = await ask(() =>
      s3.send(new HeadObjectCommand({ Bucket: bucket, Key: path, ChecksumMode: 'ENABLED' })),
    )
    return { etag: found.ETag ?? '', sizeBytes: found.ContentLength ?? 0, version: contentVersion(found) }
  }

  /** Only while the object is the one that `head` saw: a mixture of two contents would be neither. */
  const sourceOf = (path: string, { etag, sizeBytes }: Head): FileSource => ({
    sizeBytes,
    read: (from, to, signal) =>
      ask(async () => {
        const part = { Bucket: bucket, Key: path, Range: `bytes=${from}-${to - 1}`, IfMatch: etag }
        const { Body } = await s3.send(new GetObjectCommand(part), signal ? { abortSignal: signal } : {})
        return (await Body?.transformToByteArray()) ?? new Uint8Array()
      }),
  })

  return {
    async start(path) {
      try {
        const seen = await head(path)
        const source = sourceOf(path, seen)
        const first =
          seen.sizeBytes === 0 ? new Uint8Array() : await source.read(0, Math.min(firstBytes, seen.sizeBytes))
        const start = await findSuperblock(seen.sizeBytes, (from, length) =>
          from + length <= first.byteLength
            ? first.subarray(from, from + length)
            : source.read(from, Math.min(seen.sizeBytes, from + length)),
        )
        if (start.kind === 'whole') return start
        return { kind: start.kind === 'cut-short' ? start.kind : 'refused', problem: incomplete(start).problem }
      } catch (error) {
        if (error instanceof Refused) return { kind: 'refused', problem: error.problem }
        throw error
      }
    },
    async hash(path) {
      const { etag, version } = await head(path)
      told.set(path, etag)
      return version
    },
    async index(path, signal) {
      const seen = await head(path)
      if (told.get(path) !== seen.etag)
        throw new LauncherError('conflict', 'The file was replaced while it was looked at. It is read anew.')
      try {
        return await indexer.indexFile(sourceOf(path, seen), signal)
      } catch (error) {
        if (error instanceof Refused) return { problem: error.problem }
        throw error
      }
    },
    // That they are those of the version that was indexed is proven by the index's hash of the names.
    cells: async (path, signal) => indexer.readCells(sourceOf(path, await head(path)), signal),
  }
}

/** S3 gives the object to others, but not to us: a matter of its own, which somebody can change. */
class Refused extends Error {
  readonly problem: ProblemFound['problem']
  constructor(cause: unknown) {
    super('S3 refused', { cause })
    const archived = awsName(cause) === 'InvalidObjectState'
    this.problem = archived
      ? new ProblemFound(
          'unreadable',
          'The file is in an archive (S3 Glacier), from which it can’t be read directly.',
          'Restore it, and copy it over itself in the class S3 Standard.',
        ).problem
      : new ProblemFound(
          'unreadable',
          'This launcher may not read the file.',
          'If it is encrypted with a key of your own (KMS), let the launcher’s function use the key, or upload it with the bucket’s own encryption.',
        ).problem
  }
}
