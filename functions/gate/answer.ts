/** Answers as the gate gives them: a value first, so that they can be spooled, then written with the headers every one of them has. */
import type { ServerResponse } from 'node:http'
import type { Readable } from 'node:stream'
import type { ErrorCode } from '../core/errors.ts'
import { viewerHeader } from './header-names.ts'

export type Headers = Record<string, string>
export type Answer = { status: number; headers: Headers; body: Readable | Buffer | null }

/**
 * On every answer. The viewer parses files of unknown origin: what it says must not run in the page's origin (`sandbox`),
 * not be guessed at (`nosniff`), not be kept (annotations change), not be read by other sites.
 */
const fixedHeaders: Headers = {
  'cache-control': 'no-store',
  'content-security-policy': "sandbox; default-src 'none'",
  'x-content-type-options': 'nosniff',
  'cross-origin-resource-policy': 'same-origin',
}

export function json(status: number, value: unknown, headers: Headers = {}): Answer {
  return {
    status,
    headers: { 'content-type': 'application/json', ...headers },
    body: Buffer.from(JSON.stringify(value)),
  }
}

/** RFC 9457 problem document, of the same kinds as the API's (api/problem.ts); `more` goes out on the wire. */
export function problem(
  status: number,
  code: ErrorCode,
  title: string,
  detail: string,
  more: Record<string, unknown> = {},
  headers: Headers = {},
): Answer {
  const body = { ...more, type: `urn:cellxgene-on-demand:problem:${code}`, title, status, code, detail }
  return {
    status,
    headers: { ...headers, 'content-type': 'application/problem+json' },
    body: Buffer.from(JSON.stringify(body)),
  }
}

/** "There is no viewer: hold this and repeat it." 202 and not 503, which CDNs cache. */
export function held(): Answer {
  return { status: 202, headers: { [viewerHeader]: 'none', 'retry-after': '1' }, body: null }
}

export function deliver(res: ServerResponse, answer: Answer, headOnly = false): void {
  const { body } = answer
  if (res.destroyed || res.headersSent) {
    if (body && !Buffer.isBuffer(body)) body.destroy()
    return
  }
  if (body === null || Buffer.isBuffer(body)) {
    const length = { 'content-length': String(body?.length ?? 0) }
    res.writeHead(answer.status, {
      ...fixedHeaders,
      ...answer.headers,
      ...(headOnly || answer.status === 204 ? {} : length),
    })
    if (body && !headOnly) res.write(body)
    endWithRequest(res)
    return
  }
  res.writeHead(answer.status, { ...fixedHeaders, ...answer.headers })
  if (headOnly) {
    body.destroy()
    res.end()
    return
  }
  // A body that breaks off must break the browser's connection too: ended in order, half an answer would pass for a whole one.
  body.on('error', () => res.destroy())
  body.on('close', () => {
    if (!body.readableEnded) res.destroy()
  })
  res.on('close', () => {
    if (!body.readableEnded) body.destroy()
  })
  // By hand: `pipe` hangs nine listeners on each small answer, a tenth of what it costs.
  body.on('data', (part: Buffer) => {
    if (res.destroyed || res.write(part)) return
    body.pause()
    res.once('drain', () => body.resume())
  })
  body.on('end', () => res.end())
}

/** How long the rest of a refused request is still read, ms. */
const lingerMs = 5_000

/**
 * Ends the answer when the request has ended too. An answer may come before the body it refuses was read; a connection closed
 * on unread bytes is reset, and the browser would see a broken network where it was told "too large".
 */
function endWithRequest(res: ServerResponse): void {
  const { req } = res
  if (req.complete) {
    res.end()
    return
  }
  res.flushHeaders()
  const timer = setTimeout(() => {
    res.end(() => req.destroy())
  }, lingerMs).unref()
  req.once('close', () => {
    clearTimeout(timer)
    res.end()
  })
  req.once('end', () => {
    clearTimeout(timer)
    res.end()
  })
  req.resume()
}
