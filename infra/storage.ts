/** The buckets: data files, and annotations, which keep every version of every object. */
import { uploadCors } from '../functions/platform/aws/settings.ts'
import type { Distributions } from './distributions.ts'
import { isKept, named } from './stage.ts'

export type Storage = ReturnType<typeof storage>

export function storage() {
  return { data: bucket('Data', 'data'), vault: bucket('Vault', 'vault') }
}

/** Pages of both origins, and no others, may send large bodies straight to the vault's bucket, once an address was signed for them. */
export function uploads({ vault }: Storage, { app, view }: Distributions) {
  new aws.s3.BucketCorsConfiguration('VaultUploads', {
    bucket: vault.id,
    corsRules: [
      {
        allowedOrigins: [app.origin, view.origin],
        allowedMethods: [...uploadCors.methods],
        allowedHeaders: [...uploadCors.headers],
        maxAgeSeconds: uploadCors.maxAgeSeconds,
      },
    ],
  })
}

function bucket(name: string, what: string) {
  const made = new aws.s3.Bucket(
    name,
    { bucketPrefix: named(`${what}-`).slice(0, 37), forceDestroy: !isKept },
    { protect: isKept },
  )
  const of = { bucket: made.id }
  new aws.s3.BucketPublicAccessBlock(`${name}Private`, {
    ...of,
    blockPublicAcls: true,
    blockPublicPolicy: true,
    ignorePublicAcls: true,
    restrictPublicBuckets: true,
  })
  new aws.s3.BucketServerSideEncryptionConfiguration(`${name}Encrypted`, {
    ...of,
    rules: [{ applyServerSideEncryptionByDefault: { sseAlgorithm: 'AES256' }, bucketKeyEnabled: true }],
  })
  const versioned = new aws.s3.BucketVersioning(`${name}Versions`, {
    ...of,
    versioningConfiguration: { status: 'Enabled' },
  })
  new aws.s3.BucketPolicy(`${name}TlsOnly`, {
    ...of,
    policy: aws.iam.getPolicyDocumentOutput({
      statements: [
        {
          sid: 'TlsOnly',
          effect: 'Deny',
          principals: [{ type: '*', identifiers: ['*'] }],
          actions: ['s3:*'],
          resources: [made.arn, $interpolate`${made.arn}/*`],
          conditions: [{ test: 'Bool', variable: 'aws:SecureTransport', values: ['false'] }],
        },
      ],
    }).json,
  })
  new aws.s3.BucketLifecycleConfiguration(
    `${name}Lifecycle`,
    {
      ...of,
      rules: [
        { id: 'unfinished', status: 'Enabled', filter: {}, abortIncompleteMultipartUpload: { daysAfterInitiation: 7 } },
        // A replaced or deleted object can be had back for a month (data: large) or three (annotations: small).
        {
          id: 'replaced',
          status: 'Enabled',
          filter: {},
          noncurrentVersionExpiration: { noncurrentDays: what === 'data' ? 30 : 90 },
        },
        // Bodies on their way (platform/aws/large-bodies.ts): what was meant to be kept is kept elsewhere by now.
        ...(what === 'vault' ? [onTheirWay] : []),
      ],
    },
    { dependsOn: versioned },
  )
  return made
}

const onTheirWay = {
  id: 'on-their-way',
  status: 'Enabled',
  filter: { prefix: 'uploads/' },
  expiration: { days: 1 },
  noncurrentVersionExpiration: { noncurrentDays: 1 },
}
