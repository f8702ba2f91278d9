/** Errors of the gate → answers, in one place. */
import type { ErrorCode } from '../core/errors.ts'
import { LauncherError } from '../core/errors.ts'
import type { Log } from '../core/ports.ts'
import { type Answer, held, problem } from './answer.ts'
import { ViewerGone } from './forward.ts'

/** Codes that the gate's own parts throw; titles as the API has them. */
const kinds: Partial<Record<ErrorCode, readonly [number, string]>> = {
  'bad-request': [400, 'The request is malformed'],
  'session-over': [409, 'The session is over'],
  'too-large': [413, 'Too large'],
  'too-many-attempts': [429, 'Too many attempts'],
  unavailable: [503, 'Not available just now'],
}

export function problemOf(error: unknown, log: Log): Answer {
  if (error instanceof ViewerGone) return held()
  if (error instanceof LauncherError) {
    const [status, title] = kinds[error.code] ?? [500, 'Something went wrong here']
    const after = error.data.retryAfterSeconds ?? (status === 503 ? 5 : undefined)
    const headers: Record<string, string> = after === undefined ? {} : { 'retry-after': String(after) }
    return problem(status, error.code, title, error.message, error.data, headers)
  }
  log('error', 'unexpected', {
    error: error instanceof Error ? (error.stack ?? error.message).slice(0, 2000) : 'unknown',
  })
  return problem(500, 'unavailable', 'Something went wrong here', 'Try again. If it stays, tell your administrator.')
}
