/**
 * Bodies that don't fit through a function URL (6 MB, a third of it lost to base64) go to and from the bucket by themselves:
 * `uploads/…`, which infra/storage.ts empties after a day, so that an upload that is never named is no litter.
 */
import { createHash, randomUUID } from 'node:crypto'
import { GetObjectCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import { LauncherError } from '../../core/errors.ts'
import type { LargeBodies } from '../../core/large-bodies.ts'
import { awsName, awsStatus, unavailable } from './errors.ts'
import { uploadCors } from './settings.ts'

/** As base64 4 MiB are 5.6 MB, which leaves room for the rest of the event. */
const directBytes = 4 * 2 ** 20
/** An address is used at once; what leaks later is of no use. */
const addressSeconds = 5 * 60
/** Of every body that is offered a place: nothing that a browser would show, should it ever get one. */
const type = 'application/octet-stream'
/** One folder for what is put there by others and one for what is lent to them: no name of the one is valid in the other. */
const folders = { offered: 'uploads/offered/', lent: 'uploads/lent/' }

/** @param bucket the vault's; no owner's folder is called `uploads`, as their names have a colon */
export function createLargeBodies(s3: S3Client, bucket: string): LargeBodies {
  const folderOf = (whose: string) =>
    `${folders.offered}${createHash('sha256').update(whose).digest('hex').slice(0, 32)}/`
  const keyOf = (whose: string, ref: string) => folderOf(whose) + ref

  return {
    directBytes,

    async place(whose) {
      // Told by a signed address, which is made without a call: how buckets are addressed is the SDK's knowledge.
      const address = new URL(await getSignedUrl(s3, new PutObjectCommand({ Bucket: bucket, Key: folderOf(whose) })))
      return address.origin + address.pathname
    },

    async offer(whose, { sizeBytes, sha256 }) {
      const ref = `${randomUUID()}.${sizeBytes}.${sha256}`
      const checksum = Buffer.from(sha256, 'hex').toString('base64')
      const object = { Bucket: bucket, Key: keyOf(whose, ref), ContentType: type }
      const put = { ...object, ContentLength: sizeBytes, ChecksumSHA256: checksum }
      // In the signature and not in the address: S3 then takes these bytes and no others.
      const fixed = new Set(['content-length', ...uploadCors.headers])
      const url = await getSignedUrl(s3, new PutObjectCommand(put), {
        expiresIn: addressSeconds,
        unhoistableHeaders: fixed,
        signableHeaders: new Set(['host', ...fixed]),
      })
      const signed = { 'content-type': type, 'x-amz-checksum-sha256': checksum }
      return { url, headers: { 'content-length': String(sizeBytes), ...signed }, ref }
    },

    async take(whose, ref, mostBytes) {
      const [, size, sha256] = /^[0-9a-f-]{36}\.(\d{1,12})\.([0-9a-f]{64})$/.exec(ref) ?? []
      if (size === undefined) throw new LauncherError('bad-request', 'This is no name of an upload.')
      if (Number(size) > mostBytes)
        throw new LauncherError('too-large', `The body is larger than ${mostBytes / 2 ** 20} MiB.`, {
          limitBytes: mostBytes,
        })
      const body = await read(keyOf(whose, ref), Number(size))
      // S3 has checked it already; a bucket that is not S3 may not have.
      if (body === null || createHash('sha256').update(body).digest('hex') !== sha256)
        throw new LauncherError('unavailable', 'What was uploaded is not there, or not whole. Upload it again.')
      return body
    },

    async lend(body, fileName) {
      const object = { Bucket: bucket, Key: `${folders.lent}${randomUUID()}.csv` }
      try {
        await s3.send(
          new PutObjectCommand({
            ...object,
            Body: body,
            ContentType: 'text/csv; charset=utf-8',
            ContentDisposition: `attachment; filename="${fileName}"`,
            CacheControl: 'no-store',
          }),
        )
      } catch (error) {
        throw unavailable('The bucket that keeps annotations', error)
      }
      return getSignedUrl(s3, new GetObjectCommand(object), { expiresIn: addressSeconds })
    },
  }

  /** Null: not there, or of another size, of which nothing is taken into memory. */
  async function read(Key: string, sizeBytes: number): Promise<Uint8Array | null> {
    try {
      const found = await s3.send(new GetObjectCommand({ Bucket: bucket, Key, Range: `bytes=0-${sizeBytes}` }))
      const body = (await found.Body?.transformToByteArray()) ?? new Uint8Array()
      return body.byteLength === sizeBytes ? body : null
    } catch (error) {
      if (awsStatus(error) === 404 && awsName(error) !== 'NoSuchBucket') return null
      throw unavailable('The bucket that keeps annotations', error)
    }
  }
}
