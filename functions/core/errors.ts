/** The one error type of the launcher: a stable code, words for a person, and data for a program. */

/** Closed list. A code never changes its meaning; `api/problem.ts` maps each to an HTTP status. */
export const errorCodes = [
  'bad-request', // the input is malformed; the message says where
  'not-signed-in', // no token or cookie, or one that is no longer valid
  'not-allowed', // known, but without the right
  'link-over', // the launch link is revoked, expired or used up; whoever made it can make another
  'read-only', // a guest of a link that is for looking only
  'not-found', // no such dataset, session or version, or not one the asker may know of
  'dataset-unusable', // listed, but can't be opened; the message gives the cause
  'dataset-changed', // the page was loaded from another dataset version
  'owner-changed', // the page was loaded by somebody else than who asks now
  'base-mismatch', // a save whose base is not the newest vault version; `data.latest` says who saved what
  'session-over', // the session that speaks no longer owns its (owner, dataset)
  'too-many-sessions', // a cap of live sessions is reached; `data` names it
  'no-room', // the platform has no slot or capacity left
  'needs-click', // repeated failures: only a person may start it again
  'too-many-attempts', // rate limit; `data.retryAfterSeconds`
  'too-large', // a body over its limit
  'conflict', // a lost compare-and-set that a repeat would settle
  'unavailable', // a part is down; trying again is safe
  'bad-setting', // configuration; the process does not start
] as const
export type ErrorCode = (typeof errorCodes)[number]

export class LauncherError extends Error {
  override readonly name = 'LauncherError'
  readonly code: ErrorCode
  readonly data: Readonly<Record<string, unknown>>

  /**
   * @param code one of the closed list
   * @param message what happened and what to do, for a person
   * @param data for a program; goes out on the wire, so never a secret
   */
  constructor(code: ErrorCode, message: string, data: Record<string, unknown> = {}, options?: ErrorOptions) {
    super(message, options)
    this.code = code
    this.data = data
  }
}

export function isLauncherError(error: unknown, code?: ErrorCode): error is LauncherError {
  return error instanceof LauncherError && (code === undefined || error.code === code)
}
