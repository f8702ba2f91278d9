/** What an AWS SDK asks for, read off the wire: service, operation, who asks; and answers in each service's own form. */
import type { IncomingHttpHeaders } from 'node:http'

export type Service = 'ecs' | 'elb' | 's3' | 'ssm' | 'dynamodb' | 'other'

export type Call = {
  service: Service
  /** As AWS documents it: `RunTask`. */
  operation: string
  /** Access key of the caller, which the harness gives each function by its own name; `presigned` for a gate's download. */
  caller: string
  method: string
  /** Path and query. */
  target: string
  headers: IncomingHttpHeaders
  body: Buffer
}

export type Answer = { status: number; headers: Record<string, string>; body: string }

const services: Record<string, Service> = {
  AmazonEC2ContainerServiceV20141113: 'ecs',
  AmazonSSM: 'ssm',
  DynamoDB_20120810: 'dynamodb',
}

export function readCall(given: Omit<Call, 'service' | 'operation' | 'caller'>): Call {
  const call = { ...given, caller: callerOf(given.headers, given.target) }
  const [prefix = '', operation] = String(given.headers['x-amz-target'] ?? '').split('.')
  if (operation !== undefined) return { ...call, service: services[prefix] ?? 'other', operation }
  const form = /\bx-www-form-urlencoded/.test(given.headers['content-type'] ?? '') ? formOf(call) : null
  const action = form?.get('Action')
  if (action) return { ...call, service: form?.get('Version') === '2015-12-01' ? 'elb' : 'other', operation: action }
  return { ...call, service: 's3', operation: s3Operation(given.method, given.target) }
}

/** Fields of AWS's query protocol (`TargetGroupArn`, `Targets.member.1.Id`). */
export const formOf = ({ body }: Pick<Call, 'body'>): URLSearchParams => new URLSearchParams(body.toString('utf8'))

function callerOf(headers: IncomingHttpHeaders, target: string): string {
  if (/[?&]X-Amz-Signature=/.test(target)) return 'presigned'
  return /Credential=([^/,\s]+)\//.exec(headers.authorization ?? '')?.[1] ?? 'unknown'
}

/** Bucket and key of an S3 call, path style. */
export function s3Place(target: string): { bucket: string; key: string } {
  const [, bucket = '', key = ''] = /^\/([^/?]*)\/?([^?]*)/.exec(target) ?? []
  return { bucket: decodeURIComponent(bucket), key: decodeURIComponent(key) }
}

function s3Operation(method: string, target: string): string {
  const { key } = s3Place(target)
  const query = new URLSearchParams(target.split('?')[1] ?? '')
  if (query.has('uploads')) return method === 'POST' ? 'CreateMultipartUpload' : 'ListMultipartUploads'
  if (query.has('uploadId')) return method === 'POST' ? 'CompleteMultipartUpload' : 'UploadPart'
  // A browser's question before it sends something to another origin.
  if (method === 'OPTIONS') return 'Preflight'
  const what = key === '' ? 'Bucket' : 'Object'
  if (method === 'PUT' && key === '') return query.has('versioning') ? 'PutBucketVersioning' : 'CreateBucket'
  if (method === 'GET' && key === '') return query.has('versioning') ? 'GetBucketVersioning' : 'ListObjectsV2'
  if (method === 'POST') return 'DeleteObjects'
  return { GET: 'Get', HEAD: 'Head', PUT: 'Put', DELETE: 'Delete' }[method] + what
}

/** @param value the members of an answer, or null for an empty one */
export const jsonAnswer = (value: unknown, status = 200): Answer => ({
  status,
  headers: { 'content-type': 'application/x-amz-json-1.1' },
  body: JSON.stringify(value ?? {}),
})

/** An error as the call's service words it; SDKs take its name from a different place in each. */
export function errorAnswer(call: Call, name: string, message: string, more: object = {}, status = 400): Answer {
  const headers = { 'content-type': 'text/xml' }
  const words = `<Code>${name}</Code><Message>${message}</Message>`
  if (call.service === 'elb')
    return {
      status,
      headers,
      body: `<ErrorResponse><Error><Type>Sender</Type>${words}</Error><RequestId>r</RequestId></ErrorResponse>`,
    }
  if (call.service === 's3') return { status, headers, body: `<Error>${words}<RequestId>r</RequestId></Error>` }
  return jsonAnswer({ __type: name, message, ...more }, status)
}

/** Each service has its own name for “too often”. */
export function throttled(call: Call): Answer {
  if (call.service === 's3') return errorAnswer(call, 'SlowDown', 'Please reduce your request rate.', {}, 503)
  return errorAnswer(call, call.service === 'elb' ? 'Throttling' : 'ThrottlingException', 'Rate exceeded')
}
