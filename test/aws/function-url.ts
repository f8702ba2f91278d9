/** A function URL: makes an event of payload format 2.0 of a request, and an answer of what the handler returned; 6 MB both ways. */
import { randomUUID } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import type { LambdaFunction } from './lambda.ts'

export type WireRequest = { method: string; target: string; headers: IncomingHttpHeaders; body: Buffer; peer: string }
export type WireAnswer = { status: number; headers: Record<string, string | string[]>; body: Buffer }

const mostBytes = 6 * 2 ** 20
/** What reaches a handler as text; everything else in base64, forms among it. */
const isText = (type: string) =>
  /^(text\/|application\/(json|javascript|xml)\b)/.test(type) || type.includes('charset=')

/** What a function URL itself says when its function did not. */
const own = (status: number, message: string): WireAnswer => ({
  status,
  headers: { 'content-type': 'application/json' },
  body: Buffer.from(JSON.stringify({ Message: message })),
})

export async function callUrl(fn: LambdaFunction, request: WireRequest): Promise<WireAnswer> {
  if (request.body.length > mostBytes)
    return own(413, 'Request must be smaller than 6291456 bytes for the InvokeFunction operation')
  const event = eventOf(fn.name, request)
  if (JSON.stringify(event).length > mostBytes) return own(413, 'Request must be smaller than 6291456 bytes')
  const outcome = await fn.invoke(event)
  if (outcome.kind === 'throttled') return own(429, 'Rate Exceeded.')
  if (outcome.kind === 'timeout') return own(504, 'Task timed out')
  if (outcome.kind !== 'answer' || JSON.stringify(outcome.value).length > mostBytes)
    return own(502, 'Internal Server Error')
  return answerOf(outcome.value)
}

/** The path stays encoded as it was sent (an HTTP API of API Gateway would decode it; captures in hotsock/voker#8). */
function eventOf(name: string, { method, target, headers, body, peer }: WireRequest): object {
  const [rawPath = '/', rawQueryString = ''] = target.split(/\?(.*)/s)
  const domainName = `${name}abc.lambda-url.us-east-1.on.aws`
  const flat = Object.fromEntries(
    Object.entries(headers)
      .filter(([header]) => !['cookie', 'host', 'connection', 'transfer-encoding'].includes(header))
      .map(([header, value]) => [header, Array.isArray(value) ? value.join(',') : (value ?? '')]),
  )
  const cookies = headers.cookie?.split(/;\s*/)
  const text = isText(headers['content-type'] ?? '')
  return {
    version: '2.0',
    routeKey: '$default',
    rawPath,
    rawQueryString,
    ...(cookies ? { cookies } : {}),
    headers: { ...flat, host: domainName },
    ...(rawQueryString ? { queryStringParameters: Object.fromEntries(new URLSearchParams(rawQueryString)) } : {}),
    requestContext: {
      accountId: 'anonymous',
      apiId: `${name}abc`,
      domainName,
      domainPrefix: `${name}abc`,
      http: { method, path: rawPath, protocol: 'HTTP/1.1', sourceIp: peer, userAgent: flat['user-agent'] ?? '' },
      requestId: randomUUID(),
      routeKey: '$default',
      stage: '$default',
      time: new Date().toUTCString(),
      timeEpoch: Date.now(),
    },
    ...(body.length > 0 ? { body: body.toString(text ? 'utf8' : 'base64') } : {}),
    isBase64Encoded: body.length > 0 && !text,
  }
}

type Returned = {
  statusCode?: number
  headers?: Record<string, string>
  cookies?: string[]
  body?: string
  isBase64Encoded?: boolean
}

export function answerOf(value: unknown): WireAnswer {
  if (typeof value !== 'object' || value === null) return own(502, 'Internal Server Error')
  const { statusCode = 200, headers = {}, cookies = [], body = '', isBase64Encoded = false } = value as Returned
  const lower: Record<string, string | string[]> = {}
  for (const [name, text] of Object.entries(headers)) lower[name.toLowerCase()] = text
  if (cookies.length > 0) lower['set-cookie'] = cookies
  return { status: statusCode, headers: lower, body: Buffer.from(body, isBase64Encoded ? 'base64' : 'utf8') }
}
