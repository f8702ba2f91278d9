/** Launch links: how a collaborator without an account gets to one dataset. */
import type { ViewMode } from './principal.ts'

export type LaunchLink = {
  /** 12 characters of [a-z2-7]. Not a secret: it shows in paths. */
  id: string
  datasetId: string
  /** Owner id and name of who made it. */
  createdBy: string
  createdByName: string
  createdAt: number
  /** ms since 1970. */
  expiresAt: number
  revokedAt: number | null
  mode: ViewMode
  /** For the list of links: whom it is for, in the maker's words; may be empty. */
  note: string
  /** Whom it is for, by name: each gets an address of their own. Null: whoever has the link gives a name. */
  guestNames: readonly string[] | null
  /** How many people may come by it; null: as many as like. */
  maxGuests: number | null
  /** How many have. */
  guests: number
}

/** Somebody who came by a link. */
export type LinkGuest = {
  linkId: string
  /** [a-z0-9-], made of the name; the last part of the owner id. */
  key: string
  name: string
  createdAt: number
}

/** One line of the record of a link. */
export type LinkUse = {
  linkId: string
  at: number
  guestKey: string | null
  guestName: string
  what: 'entered' | 'returned' | 'launched' | 'refused'
  /** Why it was refused, or which session was launched. */
  detail: string
}

/** Why a link can't be used any more; null when it can. */
export function linkOver(link: LaunchLink, now: number): 'revoked' | 'expired' | null {
  if (link.revokedAt !== null) return 'revoked'
  return now >= link.expiresAt ? 'expired' : null
}

export const guestOwnerId = (linkId: string, key: string): string => `guest:${linkId}:${key}`

/** Takes a guest's owner id apart; null for anybody else's. */
export function parseGuestOwnerId(ownerId: string): { linkId: string; key: string } | null {
  const parts = /^guest:([a-z2-7]{12}):([a-z0-9-]{1,64})$/.exec(ownerId)
  return parts?.[1] && parts[2] ? { linkId: parts[1], key: parts[2] } : null
}
