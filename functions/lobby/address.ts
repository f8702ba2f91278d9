/** Which page a request is for: a user's `/v/<dataset>/`, or a guest's `/v/<dataset>~<link>/`, apart from it in every respect. */
import type { Context } from 'hono'
import { type Principal, pageIdOf, parsePageId } from '../core/principal.ts'

export type PageAddress = {
  /** The last part of its path; tickets and page cookies are bound to it. */
  id: string
  datasetId: string
  /** Null: a user's page. */
  linkId: string | null
}

/** What stands for the page in the lobby's routes; `addressOf` has the last word. */
export const pagePattern = '/v/:page{[a-z0-9~-]+}'

/** Null when the path names no page. */
export function addressOf(c: Context): PageAddress | null {
  const id = c.req.param('page') ?? ''
  const parts = parsePageId(id)
  return parts && { id, ...parts }
}

/** With its slash at the end: the path of the page's cookies, so that `/v/pbmc/` and `/v/pbmc~…/` never see each other's. */
export const homeOf = (pageId: string): string => `/v/${pageId}/`

/** Is it this person's page? Somebody with a right to the dataset may still not sit on another's page of it. */
export const isPageOf = (who: Principal, page: PageAddress): boolean =>
  pageIdOf(who, page.datasetId) === page.id && (who.kind === 'user' || who.datasetId === page.datasetId)

/**
 * The address as we write it, when the request came with another spelling of the same (`%7E` for `~`): cookies are bound
 * to the path as it is written, so under another spelling nobody would ever be known. Null: it is spelled right.
 */
export function cleanAddress(c: Context, pageId: string): string | null {
  const { pathname, search } = new URL(c.req.url)
  const [, v, spelled, ...rest] = pathname.split('/')
  return v === 'v' && spelled === pageId ? null : `/v/${pageId}${rest.map((part) => `/${part}`).join('')}${search}`
}
