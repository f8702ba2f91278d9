/** Parallel ranged reads of one URL into one file. Each range is tried again by itself; memory stays at a few socket buffers. */
import { type FileHandle, open } from 'node:fs/promises'
import type { IncomingMessage, RequestOptions } from 'node:http'
import type { Work } from '../api/contract/gate.ts'
import { LauncherError } from '../core/errors.ts'
import { codeOf, type Download, notThere } from './download.ts'
import { call } from './http-call.ts'
import { backoff, pause } from './timing.ts'

type UrlFile = Work['file'] & { kind: 'url' }

/** Tries of one range without a single new byte, until the download fails. */
const mostTries = 8

export async function downloadRanges(file: UrlFile, to: string, options: Download): Promise<void> {
  const handle = await open(to, 'wx', 0o600)
  const stop = new AbortController()
  const signal = AbortSignal.any([stop.signal, options.signal])
  try {
    await handle.truncate(file.sizeBytes)
    await fetchAll(createSource(file, options), file.sizeBytes, handle, { ...options, signal })
  } catch (error) {
    if (error instanceof LauncherError) throw error
    if (isNoRoom(error))
      throw new LauncherError('dataset-unusable', 'The disk of this viewer is full: the file does not fit on it.')
    throw error
  } finally {
    stop.abort() // the other ranges, when one has failed for good
    await handle.close()
  }
}

/** EFBIG: larger than any file may be there, which shows before the first byte. */
const isNoRoom = (error: unknown): boolean => ['ENOSPC', 'EDQUOT', 'EFBIG'].includes(codeOf(error))

async function fetchAll(source: Source, size: number, handle: FileHandle, options: Download): Promise<void> {
  const { rangeBytes, rangesAtOnce } = options.tuning
  let next = 0
  let done = 0
  const worker = async () => {
    while (next < size) {
      const from = next
      next = Math.min(size, from + rangeBytes)
      await fetchRange(source, { from, to: next }, handle, options, (bytes) => {
        done += bytes
        options.onProgress(done)
      })
    }
  }
  await Promise.all(Array.from({ length: rangesAtOnce }, worker))
}

type Range = { from: number; to: number }

async function fetchRange(
  source: Source,
  range: Range,
  handle: FileHandle,
  options: Download,
  onBytes: (bytes: number) => void,
): Promise<void> {
  let at = range.from
  for (let tries = 0; at < range.to; tries += 1) {
    options.signal.throwIfAborted()
    const before = at
    try {
      const res = await source.read({ from: at, to: range.to }, options.signal)
      for await (const part of res as AsyncIterable<Buffer>) {
        const wanted = part.subarray(0, range.to - at)
        await writeFully(handle, wanted, at)
        at += wanted.length
        onBytes(wanted.length)
      }
    } catch (error) {
      if (error instanceof LauncherError || isNoRoom(error)) throw error
      options.signal.throwIfAborted()
    }
    if (at > before) tries = 0
    if (tries >= mostTries)
      throw new LauncherError(
        'dataset-unusable',
        'The file could not be downloaded: its store did not answer. Try again later.',
      )
    if (at < range.to) await pause(backoff(tries, options.tuning), options.signal)
  }
}

/** `write` may write less than it was given. */
async function writeFully(handle: FileHandle, part: Buffer, position: number): Promise<void> {
  let written = 0
  while (written < part.length) {
    const { bytesWritten } = await handle.write(part, written, part.length - written, position + written)
    written += bytesWritten
  }
}

type Source = { read(range: Range, signal: AbortSignal): Promise<IncomingMessage> }

/** Statuses with which stores answer a URL whose signature has ended. */
const expired = [400, 401, 403, 410]

function createSource(file: UrlFile, options: Download): Source {
  let url = file.url
  let renewing: Promise<void> | null = null
  let etag: string | undefined

  async function renew(): Promise<void> {
    const fresh = await options.freshFile()
    if (fresh.kind !== 'url' || fresh.sizeBytes !== file.sizeBytes) throw changed()
    url = fresh.url
  }

  return {
    async read(range, signal) {
      if (renewing) await renewing
      const used = url
      const { target, path } = splitUrl(used)
      const headers = { range: `bytes=${range.from}-${range.to - 1}`, 'accept-encoding': 'identity' }
      const res = await call(target, path, { method: 'GET', headers, timeoutMs: options.tuning.stallMs, signal })
      const status = res.statusCode ?? 0
      if (status === 206 && totalOf(res) === file.sizeBytes) {
        etag ??= res.headers.etag
        if (res.headers.etag === etag) return res
      } else if (status !== 206 && status !== 200 && status !== 416) {
        res.resume()
        // Repeats would meet it again; a store that may not say so answers 403, and the knock that follows finds out.
        if (status === 404) throw notThere()
        if (expired.includes(status) && used === url) {
          // One knock for all ranges that met the end of the URL together.
          renewing ??= renew().finally(() => {
            renewing = null
          })
          await renewing
        }
        throw new Error(`status ${status}`)
      }
      res.destroy()
      if (status === 200)
        throw new LauncherError(
          'dataset-unusable',
          'The file’s store does not answer ranged reads, so it can’t be downloaded.',
        )
      throw changed()
    },
  }
}

const changed = () =>
  new LauncherError(
    'dataset-changed',
    'The file was replaced while it was downloaded: it changed since it was checked. Open it again in a minute.',
  )

/** Whole size, from `Content-Range: bytes 0-9/100`. */
function totalOf(res: IncomingMessage): number {
  return Number(/\/(\d+)$/.exec(res.headers['content-range'] ?? '')?.[1] ?? -1)
}

function splitUrl(text: string): { target: RequestOptions; path: string } {
  const url = new URL(text)
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const port = url.port === '' ? undefined : url.port
  return { target: { protocol: url.protocol, host, port }, path: `${url.pathname}${url.search}` }
}
