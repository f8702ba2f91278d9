/** The one mapping from errors to RFC 9457 problem documents. */
import type { Context } from 'hono'
import { HTTPException } from 'hono/http-exception'
import { type ErrorCode, LauncherError } from '../core/errors.ts'
import type { Log } from '../core/ports.ts'
import { withoutSecrets } from '../core/redact.ts'

/** Codes that only the HTTP edge knows; never thrown as a `LauncherError`. */
const edgeCodes = ['method-not-allowed', 'internal'] as const
export type ProblemCode = ErrorCode | (typeof edgeCodes)[number]
type ProblemStatus = 400 | 401 | 403 | 404 | 405 | 409 | 412 | 413 | 429 | 500 | 503

/** Code → status and title. A title says the kind, `detail` the case. */
const kinds: Record<ProblemCode, readonly [ProblemStatus, string]> = {
  'bad-request': [400, 'The request is malformed'],
  'not-signed-in': [401, 'Sign in first'],
  'not-allowed': [403, 'Not allowed'],
  'link-over': [403, 'The link can’t be used'],
  'read-only': [403, 'For looking only'],
  'not-found': [404, 'Not found'],
  'method-not-allowed': [405, 'Not a method of this address'],
  'dataset-unusable': [409, 'This dataset can’t be opened'],
  'dataset-changed': [409, 'The dataset has changed'],
  'owner-changed': [409, 'Somebody else is signed in'],
  'session-over': [409, 'The session is over'],
  'too-many-sessions': [409, 'Too many viewers are running'],
  'needs-click': [409, 'It failed before'],
  conflict: [409, 'Changed meanwhile'],
  'base-mismatch': [412, 'A newer version is there'],
  'too-large': [413, 'Too large'],
  'too-many-attempts': [429, 'Too many attempts'],
  internal: [500, 'Something went wrong here'],
  'bad-setting': [500, 'The launcher is not set up right'],
  'no-room': [503, 'No room'],
  unavailable: [503, 'Not available just now'],
}

/** Seconds after which a repeat makes sense, for those that say nothing of their own. */
const retrySeconds: Partial<Record<ProblemCode, number>> = { 'no-room': 60, unavailable: 5 }

export type Problem = {
  type: string
  title: string
  status: ProblemStatus
  detail: string
  code: ProblemCode
  [member: string]: unknown
}

/** Stable for ever; a name, not an address. */
const problemType = (code: ProblemCode): string => `urn:cellxgene-on-demand:problem:${code}`

function problem(code: ProblemCode, detail: string, data: Readonly<Record<string, unknown>> = {}): Problem {
  const [status, title] = kinds[code]
  // Data first: it must never replace a member that RFC 9457 gives a meaning.
  return { ...data, type: problemType(code), title, status, detail, code }
}

/** What somebody outside may know of an error. Whatever is not ours becomes `internal`, with an id to find it in the log. */
export function toProblem(error: unknown, at: { method: string; path: string; log: Log }): Problem {
  if (error instanceof LauncherError) {
    if (error.code === 'bad-setting') return internal(error, at)
    return problem(error.code, error.message, error.data)
  }
  // Hono's own: a body that is no JSON.
  if (error instanceof HTTPException && error.status < 500) return problem('bad-request', error.message)
  return internal(error, at)
}

function internal(error: unknown, { method, path, log }: { method: string; path: string; log: Log }): Problem {
  const id = crypto.randomUUID()
  const words = error instanceof Error ? (error.stack ?? error.message) : String(error)
  log('error', 'unexpected', { id, method, path, error: withoutSecrets(words).slice(0, 2000) })
  return problem('internal', `Try again. If it stays, tell your administrator this number: ${id}`, { id })
}

export function methodNotAllowed(method: string, allowed: readonly string[]): Problem {
  return problem('method-not-allowed', `${method} is not possible here, only ${allowed.join(', ')}.`, { allowed })
}

/** Headers that go with a problem, whether it is shown as JSON or as a page. */
export function problemHeaders(of: Problem): Record<string, string> {
  const headers: Record<string, string> = { 'cache-control': 'no-store' }
  const retryAfter = typeof of.retryAfterSeconds === 'number' ? of.retryAfterSeconds : retrySeconds[of.code]
  if (retryAfter !== undefined) headers['retry-after'] = String(retryAfter)
  if (of.status === 401) headers['www-authenticate'] = 'Bearer realm="cellxgene-on-demand"'
  if (of.status === 405 && Array.isArray(of.allowed)) headers.allow = of.allowed.join(', ')
  return headers
}

export function problemResponse(c: Context, of: Problem): Response {
  const headers = { ...problemHeaders(of), 'content-type': 'application/problem+json' }
  return c.newResponse(JSON.stringify(of), of.status, headers)
}
