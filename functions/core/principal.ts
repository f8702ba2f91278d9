/** Who is asking. Every way in (bearer token, cookie, admin link, later launch links) ends in one of these. */

/** A person with an account. `id` is the owner id of everything they make: `<issuer name>:<subject>`. */
export type User = {
  kind: 'user'
  id: string
  /** What pages show: a name, else the subject. */
  name: string
  email: string | null
  groups: readonly string[]
  admin: boolean
  /** The login session behind a cookie, so that sign-out ends what it opened; null for bearer tokens. */
  loginId: string | null
}

/** The gate of one session: may speak for that session and nothing else. */
export type GatePrincipal = { kind: 'gate'; sessionId: string; ownerId: string; datasetId: string }

/** Somebody who can own annotations. A guest (launch link + name) joins here. */
export type Principal = User
