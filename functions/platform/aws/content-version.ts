/** Which content an object has, without reading it: the dataset's version on S3, in the form that it has elsewhere (64 hex). */
import { createHash } from 'node:crypto'

/** As HeadObject answers it with ChecksumMode ENABLED. */
export type ObjectFacts = {
  ETag?: string | undefined
  ContentLength?: number | undefined
  ChecksumType?: string | undefined
  ChecksumSHA256?: string | undefined
  ChecksumCRC64NVME?: string | undefined
}

/**
 * On one machine a version is the SHA-256 of the bytes; here that would mean to fetch every byte. S3 computes a checksum
 * of the whole object at each upload (CRC-64/NVME unless the client sends another), whatever its parts: the same bytes are
 * the same version then, also after a move to another key. An older object, or one whose checksum is of its parts, is known by
 * its ETag: a multipart upload of the same bytes in other parts is then another version, and labels are carried over by
 * cell name as for any. Neither withstands malice: who may write into the bucket may replace the file anyway.
 */
export function contentVersion(object: ObjectFacts): string {
  const { ETag = '', ContentLength = 0, ChecksumType, ChecksumSHA256, ChecksumCRC64NVME } = object
  const whole = ChecksumType === 'FULL_OBJECT'
  const known =
    whole && ChecksumSHA256
      ? `sha256:${ChecksumSHA256}`
      : whole && ChecksumCRC64NVME
        ? `crc64nvme:${ChecksumCRC64NVME}`
        : `etag:${ETag.replaceAll('"', '')}`
  return createHash('sha256').update(`s3:${known}:${ContentLength}`).digest('hex')
}
