/** What the companion takes from the browser, so that its rules can be run without one. */
import type { PageConfig } from './config.ts'
import { pageHeaders } from './names.ts'

export type Env = {
  /** The browser's own, never the wrapped one. */
  fetch(url: string, init?: RequestInit): Promise<Response>
  /** Steady clock, ms: never jumps when the computer's time is set. */
  now(): number
  /** Resolves after `ms` (Infinity: never) or when the signal aborts, whichever is first; never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
  /** Is the tab in view? */
  visible(): boolean
}

/** On every call of the page: whose page it is, and of which version of the dataset. */
export function ownHeaders({ owner, dataset }: PageConfig): Record<string, string> {
  // A header can't carry more than Latin-1; ids are ASCII as a rule.
  const id = /^[\x21-\x7e]*$/.test(owner.id) ? owner.id : encodeURIComponent(owner.id)
  return { [pageHeaders.owner]: id, [pageHeaders.datasetVersion]: dataset.version }
}

/** A problem document, as far as the page shows it. */
export type Problem = {
  code: string
  title: string
  detail: string
  /** Of a cap that was met: whose it is. */
  scope?: string
  /** No waiting would help. */
  never?: boolean
}

/** RFC 9457 body of an answer, or words of our own when there is none. */
export async function readProblem(response: Response): Promise<Problem & { body: Record<string, unknown> }> {
  let body: Record<string, unknown> = {}
  try {
    const parsed: unknown = await response.clone().json()
    if (typeof parsed === 'object' && parsed !== null) body = parsed as Record<string, unknown>
  } catch {
    // No JSON: a proxy's own page.
  }
  const text = (value: unknown, otherwise: string) => (typeof value === 'string' && value !== '' ? value : otherwise)
  // What stands before the launcher refuses it in words of its own.
  const tooLarge = response.status === 413
  return {
    code: text(body.code, `http-${response.status}`),
    title: text(body.title, tooLarge ? 'This is too large to be sent' : `The server answered ${response.status}`),
    detail: text(body.detail, tooLarge ? 'Download it from this page; the launcher’s API takes the file.' : ''),
    ...(typeof body.scope === 'string' ? { scope: body.scope } : {}),
    ...(body.never === true ? { never: true } : {}),
    body,
  }
}
