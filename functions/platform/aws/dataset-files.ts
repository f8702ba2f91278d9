/** The data bucket: which `.h5ad` objects are in it, and where a gate gets one. */
import { GetObjectCommand, HeadObjectCommand, paginateListObjectsV2, type S3Client } from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import { isDatasetPath } from '../../core/dataset-path.ts'
import { LauncherError } from '../../core/errors.ts'
import type { DatasetFiles, FileStat } from '../../core/ports.ts'
import { awsName, awsStatus, unavailable } from './errors.ts'

/**
 * How long an address of a file is good for. One that was signed with a role's credentials ends with them at the latest,
 * so a gate asks for another whenever it is refused (403), and a leaked one is of little use.
 */
const addressSeconds = 15 * 60

/** @param bucket keys are paths: `<group>/<name>.h5ad` */
export function createDatasetFiles(s3: S3Client, bucket: string): DatasetFiles {
  async function head(path: string): Promise<FileStat | null> {
    if (!isDatasetPath(path)) return null
    try {
      const found = await s3.send(new HeadObjectCommand({ Bucket: bucket, Key: path }))
      return statOf(path, found.ContentLength, found.LastModified)
    } catch (error) {
      if (awsName(error) === 'NotFound' || awsStatus(error) === 404) return null
      throw unavailable('The bucket with the data files', error)
    }
  }

  return {
    async list() {
      const files: FileStat[] = []
      try {
        for await (const page of paginateListObjectsV2({ client: s3 }, { Bucket: bucket }))
          for (const { Key = '', Size, LastModified } of page.Contents ?? [])
            if (isDatasetPath(Key)) files.push(statOf(Key, Size, LastModified))
      } catch (error) {
        // Thrown instead of an empty list: “all files are gone” would end every viewer.
        throw unavailable('The bucket with the data files', error)
      }
      return files.sort((a, b) => (a.path < b.path ? -1 : 1))
    },

    stat: head,

    async locate(path) {
      if ((await head(path)) === null)
        throw new LauncherError('not-found', 'The file is not in the bucket any more. Reload the list of datasets.')
      const url = await getSignedUrl(s3, new GetObjectCommand({ Bucket: bucket, Key: path }), {
        expiresIn: addressSeconds,
      })
      return { kind: 'url', url }
    },
  }
}

/** S3 keeps whole seconds in one answer and parts of seconds in another, for the same object. */
function statOf(path: string, size: number | undefined, modified: Date | undefined): FileStat {
  return { path, sizeBytes: size ?? 0, modifiedAt: Math.floor((modified?.getTime() ?? 0) / 1000) * 1000 }
}
