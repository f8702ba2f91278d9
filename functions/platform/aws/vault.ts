/**
 * Annotations and gene sets in a bucket, one object per version: `<owner>/<dataset>/<kind>/<number, counted down>`. The
 * object is the record (one line of JSON) followed by the content, gzip'd: one object, so that a version is there whole
 * or not at all.
 */
import { randomUUID } from 'node:crypto'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import {
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  paginateListObjectsV2,
  type S3Client,
} from '@aws-sdk/client-s3'
import type { Clock, Vault, VaultRef, VaultVersion } from '../../core/ports.ts'
import { fromPathName, toPathName } from '../path-name.ts'
import {
  baseMismatch,
  damaged,
  nextVersion,
  noSuchVersion,
  readContent,
  readRecord,
  toRecord,
} from '../vault-record.ts'
import { awsName, awsStatus, unavailable } from './errors.ts'
import { createLargeBodies } from './large-bodies.ts'

const compress = promisify(gzip)

/** Keys count down, so that the newest version is the first that a listing names: one key is read, however many there are. */
const keysFrom = 999_999_999_999
const keyWidth = 12
/** A record with its report is far smaller; a version whose record is longer is read whole. */
const recordBytes = 8 * 2 ** 10
const atOnce = 16

/**
 * “Only if nobody has this number” is S3's conditional write (`If-None-Match: *`), so of two writers with the same base,
 * in this process or in another, exactly one gets it.
 * @param clock for `savedAt`
 */
export function createVault(s3: S3Client, bucket: string, clock: Clock): Vault {
  const folder = (ref: VaultRef) => `${toPathName(ref.ownerId)}/${toPathName(ref.datasetId)}/${ref.kind}/`
  const keyOf = (ref: VaultRef, version: string) =>
    folder(ref) + String(keysFrom - Number(version)).padStart(keyWidth, '0')

  async function ask<T>(call: Promise<T>): Promise<T> {
    try {
      return await call
    } catch (error) {
      throw unavailable('The bucket that keeps annotations', error)
    }
  }

  async function versionsOf(ref: VaultRef, most?: number): Promise<string[]> {
    const input = { Bucket: bucket, Prefix: folder(ref), ...(most === undefined ? {} : { MaxKeys: most }) }
    const toVersion = (key = '') => String(keysFrom - Number(key.slice(folder(ref).length)))
    if (most !== undefined) {
      const page = await ask(s3.send(new ListObjectsV2Command(input)))
      return (page.Contents ?? []).map(({ Key }) => toVersion(Key))
    }
    const versions: string[] = []
    const pages = paginateListObjectsV2({ client: s3 }, input)[Symbol.asyncIterator]()
    for (let page = await ask(pages.next()); !page.done; page = await ask(pages.next()))
      for (const { Key } of page.value.Contents ?? []) versions.push(toVersion(Key))
    return versions
  }

  /** Null: no such object. */
  async function bytesOf(key: string, range?: string): Promise<Buffer | null> {
    try {
      const found = await s3.send(
        new GetObjectCommand({ Bucket: bucket, Key: key, ...(range ? { Range: range } : {}) }),
      )
      return Buffer.from((await found.Body?.transformToByteArray()) ?? [])
    } catch (error) {
      if (awsName(error) === 'NoSuchKey' || awsStatus(error) === 404) return null
      throw unavailable('The bucket that keeps annotations', error)
    }
  }

  async function record(ref: VaultRef, version: string): Promise<{ meta: VaultVersion; writer: string } | null> {
    const key = keyOf(ref, version)
    let bytes = await bytesOf(key, `bytes=0-${recordBytes - 1}`)
    if (bytes === null) return null
    if (!bytes.includes(0x0a)) bytes = (await bytesOf(key)) ?? bytes
    return parse(bytes, key, ref, version)
  }

  async function latest(ref: VaultRef): Promise<{ meta: VaultVersion; writer: string } | null> {
    const newest = (await versionsOf(ref, 1))[0]
    return newest === undefined ? null : record(ref, newest)
  }

  return {
    uploads: createLargeBodies(s3, bucket),

    latest: async (ref) => (await latest(ref))?.meta ?? null,

    async read(ref, version) {
      const key = keyOf(ref, version)
      const bytes = /^[1-9]\d{0,11}$/.test(version) ? await bytesOf(key) : null
      if (bytes === null) throw noSuchVersion(ref, version)
      const { meta } = parse(bytes, key, ref, version)
      return readContent(bytes.subarray(bytes.indexOf(0x0a) + 1), key, meta)
    },

    async history(ref) {
      const versions = await versionsOf(ref)
      const found: VaultVersion[] = []
      for (let at = 0; at < versions.length; at += atOnce) {
        const some = await Promise.all(versions.slice(at, at + atOnce).map((version) => record(ref, version)))
        found.push(...some.flatMap((one) => (one === null ? [] : [one.meta])))
      }
      return found
    },

    async put(ref, body, meta) {
      const before = (await latest(ref))?.meta ?? null
      if ((before?.version ?? null) !== meta.base) throw baseMismatch(before, meta.base)
      const version = nextVersion(before, body, meta, clock.now())
      const writer = randomUUID()
      const line = JSON.stringify({ ...(JSON.parse(toRecord(ref, version)) as object), writer })
      const object = {
        Bucket: bucket,
        Key: keyOf(ref, version.version),
        Body: Buffer.concat([Buffer.from(`${line}\n`), await compress(body)]),
        ContentType: 'application/octet-stream',
        IfNoneMatch: '*',
      }
      try {
        await s3.send(new PutObjectCommand(object))
        return version
      } catch (error) {
        // 412: the number is taken; 409: somebody is taking it at this moment, and may yet fail.
        if (awsStatus(error) !== 412 && awsStatus(error) !== 409)
          throw unavailable('Not saved: the bucket that keeps annotations', error)
        const now = await latest(ref)
        // Our own write, whose answer was lost and which the SDK repeated.
        if (now?.writer === writer) return now.meta
        if ((now?.meta.version ?? null) === meta.base)
          throw unavailable('Not saved: the bucket that keeps annotations', error)
        throw baseMismatch(now?.meta ?? null, meta.base)
      }
    },

    async listDatasets(ownerId) {
      const kept = new Set<string>()
      const prefix = `${toPathName(ownerId)}/`
      const input = { Bucket: bucket, Prefix: prefix, Delimiter: '/' }
      const pages = paginateListObjectsV2({ client: s3 }, input)[Symbol.asyncIterator]()
      for (let page = await ask(pages.next()); !page.done; page = await ask(pages.next()))
        for (const { Prefix = '' } of page.value.CommonPrefixes ?? []) {
          const datasetId = fromPathName(Prefix.slice(prefix.length, -1))
          if (datasetId !== null) kept.add(datasetId)
        }
      return [...kept].sort()
    },
  }
}

function parse(bytes: Buffer, key: string, ref: VaultRef, version: string): { meta: VaultVersion; writer: string } {
  const end = bytes.indexOf(0x0a)
  if (end < 0) throw damaged(key, new Error('no record'))
  const text = bytes.subarray(0, end).toString('utf8')
  const meta = readRecord(text, key, ref, version)
  const { writer } = JSON.parse(text) as { writer?: unknown }
  return { meta, writer: typeof writer === 'string' ? writer : '' }
}
