/** Buckets of moto, one for each test that wants one, and what is read from them. */
import { randomUUID } from 'node:crypto'
import { CreateBucketCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import type { Moto } from './moto.ts'

/** Moto knows a bucket by its path, not by a host name. */
export const bucketClient = (moto: Moto): S3Client => new S3Client({ ...moto.clientConfig, forcePathStyle: true })

/** @returns its name */
export async function makeBucket(s3: S3Client): Promise<string> {
  const name = `b-${randomUUID()}`
  await s3.send(new CreateBucketCommand({ Bucket: name }))
  return name
}

export async function newBucket(s3: S3Client) {
  const Bucket = await makeBucket(s3)
  const put = (Key: string, Body: Uint8Array | string) => s3.send(new PutObjectCommand({ Bucket, Key, Body }))
  return { Bucket, put }
}

/** @returns every object read from now on, as it is read */
export function watchReads(s3: S3Client): { key: string; bytes: number }[] {
  const reads: { key: string; bytes: number }[] = []
  s3.middlewareStack.add(
    (next, context) => async (args) => {
      const answer = await next(args)
      const { Key = '' } = args.input as { Key?: string }
      const { ContentLength = 0 } = answer.output as { ContentLength?: number }
      if (context.commandName === 'GetObjectCommand') reads.push({ key: Key, bytes: ContentLength })
      return answer
    },
    { step: 'initialize', name: 'count' },
  )
  return reads
}
