/** Request bodies, collected whole and within bounds before the viewer sees a byte of them: before inflation and after. */
import type { IncomingMessage } from 'node:http'
import { Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip, createInflate, type Gunzip, type Inflate } from 'node:zlib'
import { LauncherError } from '../core/errors.ts'

export type Bounds = {
  /** As sent. */
  rawBytes: number
  /** After `Content-Encoding`, if there is one. */
  decodedBytes: number
}

export type Body = {
  /** As the browser sent it: what a save's SHA-256 is made of. */
  raw: Buffer
  /** Without `Content-Encoding`: what the viewer gets (Flask does not undo it). */
  decoded: Buffer
}

/** Memory that bodies of all requests together may take, so that many at a time can't take more than a few. */
export type Budget = { readonly most: number; take(bytes: number): boolean; give(bytes: number): void }

export function createBudget(most: number): Budget {
  let taken = 0
  return {
    most,
    take(bytes) {
      if (taken + bytes > most) return false
      taken += bytes
      return true
    },
    give(bytes) {
      taken -= bytes
    },
  }
}

const MiB = 2 ** 20
/** What a gate takes without any body: node itself, streams, what is not collected yet (60 to 90 MiB measured). */
const withoutBodies = 96 * MiB

/**
 * @param most what bodies may take where there is memory enough, bytes
 * @param limit what this process may take altogether (a container's bound; `process.constrainedMemory()`), if it is known
 * @returns what bodies may take. Measured: memory that was given back is still there for a while, so half of the rest.
 */
export function bodiesWithin(most: number, limit: number | undefined): number {
  if (limit === undefined || limit <= 0) return most
  return Math.min(most, Math.max(16 * MiB, (limit - withoutBodies) / 2))
}

/**
 * Runs `use` with the body; its memory counts against the budget until `use` is done.
 * Throws `too-large`, `bad-request` (not what its Content-Encoding says), `unavailable` (budget spent).
 */
export async function withBody<T>(
  req: IncomingMessage,
  bounds: Bounds,
  budget: Budget,
  use: (body: Body) => Promise<T>,
): Promise<T> {
  let taken = 0
  const take = (bytes: number) => {
    if (taken + bytes > budget.most) throw tooLarge(budget.most) // however often it is repeated
    if (!budget.take(bytes))
      throw new LauncherError('unavailable', 'Too many large requests at once. Try again shortly.')
    taken += bytes
  }
  try {
    const raw = await collect(req, bounds.rawBytes, take)
    return await use({ raw, decoded: await decode(raw, req.headers['content-encoding'], bounds.decodedBytes, take) })
  } finally {
    budget.give(taken)
  }
}

/**
 * Makes sure that `data`, one zlib stream as cellxgene's page sends its annotations (server/common/rest.py `inflate`), is sound
 * and no longer than `most` bytes inflated. Nothing of it is kept: 389 KB deflated cost the original 750 MB.
 */
export async function checkDeflated(data: Buffer, most: number): Promise<void> {
  await inflate(createInflate(), data, most, () => {})
}

function collect(req: IncomingMessage, most: number, take: (bytes: number) => void): Promise<Buffer> {
  if (Number(req.headers['content-length'] ?? 0) > most) return Promise.reject(tooLarge(most))
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = []
    // Into one place when its length is announced: to join parts takes twice the memory for a moment. Memory that is not
    // written to yet costs nothing, so that announcing much and sending little does not help anybody.
    const announced = Number(req.headers['content-length'] ?? 0)
    const whole = announced > 0 ? Buffer.allocUnsafe(announced) : null
    let size = 0
    req.on('data', (part: Buffer) => {
      const at = size
      size += part.length
      try {
        if (size > most) throw tooLarge(most)
        take(part.length)
        if (whole) part.copy(whole, at)
        else parts.push(part)
      } catch (error) {
        // Events and not `for await`, whose early end would destroy the connection before it has carried the reason back.
        req.removeAllListeners('data')
        req.resume()
        reject(error)
      }
    })
    req.on('error', reject)
    req.on('close', () => reject(new Error('the request broke off'))) // without effect after its end
    req.on('end', () => resolve(whole ? whole.subarray(0, size) : Buffer.concat(parts, size)))
  })
}

async function decode(
  raw: Buffer,
  encoding: string | undefined,
  most: number,
  take: (bytes: number) => void,
): Promise<Buffer> {
  const name = encoding?.trim().toLowerCase() ?? 'identity'
  if (name === '' || name === 'identity') return raw
  const decoder = name === 'gzip' || name === 'x-gzip' ? createGunzip() : name === 'deflate' ? createInflate() : null
  if (!decoder)
    throw new LauncherError('bad-request', 'Send the body as it is, or with Content-Encoding gzip or deflate.')
  const parts: Buffer[] = []
  await inflate(decoder, raw, most, (part) => {
    take(part.length)
    parts.push(part)
  })
  return Buffer.concat(parts)
}

async function inflate(
  decoder: Inflate | Gunzip,
  data: Buffer,
  most: number,
  keep: (part: Buffer) => void,
): Promise<void> {
  let size = 0
  const sink = new Writable({
    write(part: Buffer, _encoding, done) {
      size += part.length
      try {
        if (size > most) throw tooLarge(most)
        keep(part)
        done()
      } catch (error) {
        done(error instanceof Error ? error : new Error('failed'))
      }
    },
  })
  try {
    await pipeline([data], decoder, sink)
  } catch (error) {
    if (error instanceof LauncherError) throw error
    throw new LauncherError(
      'bad-request',
      'The body is not the compressed data that it should be.',
      {},
      { cause: error },
    )
  }
}

function tooLarge(most: number): LauncherError {
  const size = Math.floor(most / MiB)
  return new LauncherError('too-large', `This request is larger than a viewer takes (${size} MiB, compressed or not).`)
}
