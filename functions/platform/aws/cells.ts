/** The cells of each dataset version by name, one object each, `cells/<version>.json.gz` in the bucket of the vault. */
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  paginateListObjectsV2,
  type S3Client,
} from '@aws-sdk/client-s3'
import { z } from 'zod'
import { type CellNames, type Clock, keptCellsMs } from '../../core/ports.ts'
import { cellsEnding, cellsFile, readCells, writeCells } from '../cells-record.ts'
import { awsName, awsStatus, unavailable } from './errors.ts'

const folder = 'cells/'
/**
 * When each version was last a current one, ms. An object's own time can't be moved as a file's can, but by writing it anew;
 * so the times of all are one object. No version has a dot in its name.
 */
const timesKey = `${folder}.last-current`
const times = z.object({ v: z.literal(1), at: z.record(z.string(), z.number()) })

const isMissing = (error: unknown): boolean => awsStatus(error) === 404 && awsName(error) !== 'NoSuchBucket'

/** @param bucket the vault's; owners' folders have a colon in their name, so none is called `cells` */
export function createCellNames(s3: S3Client, bucket: string, clock: Clock): CellNames {
  const keyOf = (version: string) => folder + cellsFile(version)
  const down = (error: unknown) => unavailable('The bucket that keeps the names of cells', error)

  /** Null: no such object. */
  async function bytesOf(Key: string): Promise<Uint8Array | null> {
    try {
      const found = await s3.send(new GetObjectCommand({ Bucket: bucket, Key }))
      return (await found.Body?.transformToByteArray()) ?? new Uint8Array()
    } catch (error) {
      if (isMissing(error)) return null
      throw down(error)
    }
  }

  async function kept(): Promise<Map<string, number>> {
    const found = new Map<string, number>()
    for await (const page of paginateListObjectsV2({ client: s3 }, { Bucket: bucket, Prefix: folder }))
      for (const { Key = '', LastModified } of page.Contents ?? [])
        if (Key.endsWith(cellsEnding))
          found.set(Key.slice(folder.length, -cellsEnding.length), LastModified?.getTime() ?? 0)
    return found
  }

  async function lastCurrent(): Promise<Record<string, number>> {
    const bytes = await bytesOf(timesKey)
    if (bytes === null) return {}
    try {
      return times.parse(JSON.parse(Buffer.from(bytes).toString('utf8'))).at
    } catch {
      // Damaged: as if every version had been current just now; they are kept a month longer, and the record is made anew.
      const now = clock.now()
      return Object.fromEntries([...(await kept()).keys()].map((version) => [version, now]))
    }
  }

  return {
    async get(version) {
      const bytes = await bytesOf(keyOf(version))
      return bytes && readCells(version, bytes)
    },
    async has(version) {
      try {
        await s3.send(new HeadObjectCommand({ Bucket: bucket, Key: keyOf(version) }))
        return true
      } catch (error) {
        // Who may not list the bucket (the indexer) is told 403 for what is not there; should more lack, `put` says so.
        if (isMissing(error) || awsStatus(error) === 403) return false
        throw down(error)
      }
    },
    async put(version, cells) {
      const object = { Bucket: bucket, Key: keyOf(version), Body: await writeCells(cells) }
      await s3.send(new PutObjectCommand({ ...object, ContentType: 'application/gzip' })).catch((error: unknown) => {
        throw down(error)
      })
    },
    async prune(current) {
      const now = clock.now()
      try {
        const [found, before] = [await kept(), await lastCurrent()]
        const at: Record<string, number> = {}
        for (const [version, writtenAt] of found) {
          const last = current.has(version) ? now : Math.max(writtenAt, before[version] ?? 0)
          if (now - last <= keptCellsMs) at[version] = last
          else await s3.send(new DeleteObjectCommand({ Bucket: bucket, Key: keyOf(version) }))
        }
        // After a crash before this line the next round finds less to forget, and nothing too soon.
        const Body = JSON.stringify({ v: 1, at } satisfies z.infer<typeof times>)
        await s3.send(new PutObjectCommand({ Bucket: bucket, Key: timesKey, Body, ContentType: 'application/json' }))
      } catch (error) {
        throw down(error)
      }
    },
  }
}
