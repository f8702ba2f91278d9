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

/**
 * A collaborator without an account, who came by a launch link: may open the link's one dataset, in its mode. `id` is
 * `guest:<link id>:<guest key>`, so that labels belong to this guest of this link and to nobody else.
 */
export type Guest = {
  kind: 'guest'
  id: string
  /** As the guest gave it, or as the link names them. */
  name: string
  email: null
  groups: readonly []
  admin: false
  /** The login behind the guest's cookies; a revoked or expired link ends it. */
  loginId: string
  linkId: string
  datasetId: string
  mode: ViewMode
}

/** `view`: looks and compares; `annotate`: makes labels and gene sets of their own as well. */
export type ViewMode = 'view' | 'annotate'

/** Somebody who can own sessions and annotations. */
export type Principal = User | Guest

/** The last part of a page's address, `/v/<page id>/`: guests have their own, so that a link never takes over a signed-in tab. */
export function pageIdOf(who: Pick<Principal, 'kind'> & { linkId?: string }, datasetId: string): string {
  return who.kind === 'guest' && who.linkId !== undefined ? `${datasetId}~${who.linkId}` : datasetId
}

/** Takes a page id apart; null when it is none. */
export function parsePageId(pageId: string): { datasetId: string; linkId: string | null } | null {
  const parts = /^([a-z0-9-]+)(?:~([a-z2-7]{12}))?$/.exec(pageId)
  return parts?.[1] === undefined ? null : { datasetId: parts[1], linkId: parts[2] ?? null }
}

/** What this person may do in a viewer. */
export const modeOf = (who: Principal): ViewMode => (who.kind === 'guest' ? who.mode : 'annotate')
