/** One HTTP call over TCP, TLS or a Unix socket, with bounded time: what the gate's clients are made of. */
import http, { type IncomingMessage, type OutgoingHttpHeaders, type RequestOptions } from 'node:http'
import type { Readable } from 'node:stream'

export type Call = {
  method: string
  headers?: OutgoingHttpHeaders
  body?: Buffer | Readable
  /** Until the answer's head, and from then on for each silence, ms. */
  timeoutMs: number
  signal?: AbortSignal
}

/** @param target where, as `http.request` takes it (socketPath or host, port, protocol; agent) */
export async function call(target: RequestOptions, path: string, options: Call): Promise<IncomingMessage> {
  // node:tls costs start-up time that a gate on a Unix socket need not pay.
  const { request } = target.protocol === 'https:' ? await import('node:https') : http
  return new Promise((resolve, reject) => {
    const { body, signal } = options
    const req = request({ ...target, path, method: options.method, headers: options.headers, signal }, (res) => {
      clearTimeout(timer)
      // Without a listener an answer cut short after its head would throw where nobody can catch it.
      res.on('error', () => {})
      res.setTimeout(options.timeoutMs, () => res.destroy(new Error('the answer stalled')))
      resolve(res)
    })
    const timer = setTimeout(() => req.destroy(new Error('no answer in time')), options.timeoutMs)
    req.on('error', (error) => {
      clearTimeout(timer)
      if (body && !Buffer.isBuffer(body)) body.destroy()
      reject(error)
    })
    if (body === undefined || Buffer.isBuffer(body)) req.end(body)
    else {
      body.on('error', (error) => req.destroy(error))
      body.pipe(req)
    }
  })
}

/** Reads an answer's body into memory. Throws when it is over `most` bytes or breaks off. */
export async function readAll(res: Readable, most: number): Promise<Buffer> {
  const parts: Buffer[] = []
  let size = 0
  for await (const part of res as AsyncIterable<Buffer>) {
    size += part.length
    if (size > most) throw new Error(`more than ${most} bytes`)
    parts.push(part)
  }
  return Buffer.concat(parts, size)
}
