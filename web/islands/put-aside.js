/** For islands and the companion: puts a body that is too large for the way to the launcher where the launcher says. */

/** A hundred kilobytes a second at least; the address itself is good for five minutes from the first byte. */
const slowestBytesPerMs = 100

/**
 * @typedef {{ kind: 'direct' } | { kind: 'there', ref: string }} Put
 * @typedef {{ kind: 'refused', response: Response } | { kind: 'unreachable', host: string, status: number | null }} NotPut
 */

/**
 * The address takes exactly these bytes: their size and SHA-256 are part of its signature.
 * @param {(wish: string) => Promise<Response>} ask the launcher, which is sent this JSON; what it throws is thrown
 * @param {(url: string, init: RequestInit) => Promise<Response>} send
 * @param {ArrayBuffer} body
 * @param {AbortSignal} [signal]
 * @returns {Promise<Put | NotPut>}
 */
export async function putAside(ask, send, body, signal) {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', body))
  const sha256 = Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('')
  const answer = await ask(JSON.stringify({ sizeBytes: body.byteLength, sha256 }))
  if (!answer.ok) return { kind: 'refused', response: answer }
  /** @type {{ status: string, url: string, headers: Record<string, string>, ref: string }} */
  const offer = await answer.json()
  if (offer.status !== 'url') return { kind: 'direct' }
  const host = new URL(offer.url).host
  // No page may say how large a body is; the browser does.
  const { 'content-length': _, ...headers } = offer.headers
  const late = AbortSignal.timeout(60_000 + Math.ceil(body.byteLength / slowestBytesPerMs))
  try {
    const put = await send(offer.url, {
      method: 'PUT',
      headers,
      body,
      credentials: 'omit',
      signal: signal ? AbortSignal.any([signal, late]) : late,
    })
    return put.ok ? { kind: 'there', ref: offer.ref } : { kind: 'unreachable', host, status: put.status }
  } catch {
    signal?.throwIfAborted()
    return { kind: 'unreachable', host, status: null }
  }
}

/**
 * Why it could not be put there, and what can be done.
 * @param {{ host: string, status: number | null }} how
 */
export const unreachableWords = ({ host, status }) =>
  status === null
    ? `This is large, so it goes straight to the storage at ${host}, which this browser could not reach. A network that lets only known addresses through must let this one through, too.`
    : `This is large, so it goes straight to the storage at ${host}, which answered with ${status}. Try again in a minute.`
