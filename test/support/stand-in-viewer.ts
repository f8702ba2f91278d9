/**
 * Behaves like the viewer towards a gate, in a few milliseconds and megabytes: takes its work, keeps labels through the task's
 * socket, answers cellxgene's paths. Queries make it slow, large or rude: `?delay=ms`, `?held` (until it is released), `?bytes=n`, `?status=n`, `?reset`, `?cut`,
 * `?die`, `?redirect=to`, `?echo`, `?stale` (breaks a connection that has carried a request before). `stand-in-viewer-main.ts` is the same as a process, with the real viewer's arguments.
 */
import { rmSync } from 'node:fs'
import http, { type IncomingMessage, type ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { setTimeout as wait } from 'node:timers/promises'
import { gzipSync, inflateSync } from 'node:zlib'
import type { ViewerWork } from '../../functions/gate/task-socket.ts'

export type Kind = 'labels' | 'genesets'
export type StandInViewerOptions = {
  taskSocket: string
  /** `unix:/path` or `host:port` */
  listen: string
  /** Time that loading takes, ms; or until when it lasts. */
  loadMs?: number
  loadUntil?: Promise<unknown>
  /** Say this instead of loading. */
  fail?: { cause: 'load-failed' | 'out-of-memory'; detail: string }
  /** Runs between "the vault has it" and "I remember it". */
  beforeRemember?: (kind: Kind) => Promise<void> | void
  /** Answers a save with this although it is kept, or breaks the connection. */
  afterDurable?: number | 'reset'
  /** Takes saves without handing them over. */
  forgetful?: boolean
  /** `?die` ends it: the process by default of `main`, else the server. */
  die?: () => void
}

export type StandInViewer = {
  readonly options: StandInViewerOptions
  readonly requests: { method: string; url: string; headers: IncomingMessage['headers']; aborted: boolean }[]
  readonly content: Record<Kind, string | null>
  readonly work: ViewerWork | null
  readonly reloads: Kind[]
  /** Most differential expressions at a time, how many were begun, and how many uploads never ended. */
  readonly seen: { connections: number; mostDiffexps: number; diffexps: number; aborted: number }
  /** Answers what was asked with `?held`, and differential expressions that were asked with `held`. */
  release(): void
  /** As if its process had ended: every connection breaks, nothing listens. */
  kill(): Promise<void>
}

const cells = 'cell-by-name'

export async function startStandInViewer(options: StandInViewerOptions): Promise<StandInViewer> {
  const content: StandInViewer['content'] = { labels: null, genesets: null }
  let release = () => {}
  const released = new Promise<void>((resolve) => {
    release = resolve
  })
  const viewer = {
    options,
    requests: [] as StandInViewer['requests'],
    content,
    work: null as StandInViewer['work'],
    reloads: [] as Kind[],
    seen: { connections: 0, mostDiffexps: 0, diffexps: 0, aborted: 0 },
    release,
    kill,
  }
  let diffexps = 0
  const carried = new WeakMap<object, number>()
  const gone = new AbortController()
  const server = http.createServer((req, res) => {
    req.once('aborted', () => {
      viewer.seen.aborted += 1
    })
    res.once('close', () => {
      if (!res.writableFinished) viewer.seen.aborted += 1
    })
    answer(req, res).catch(() => res.destroy())
  })

  server.on('connection', () => {
    viewer.seen.connections += 1
  })

  async function answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const url = new URL(req.url ?? '/', 'http://viewer')
    const ask = url.searchParams
    carried.set(req.socket, (carried.get(req.socket) ?? 0) + 1)
    const asked = { method: req.method ?? '', url: req.url ?? '', headers: req.headers, aborted: false }
    viewer.requests.push(asked)
    res.once('close', () => {
      asked.aborted = !res.writableFinished
    })
    const body = await read(req)
    if (ask.has('delay')) await wait(Number(ask.get('delay')))
    if (ask.has('held')) await released
    if (ask.has('die')) return options.die ? options.die() : void kill()
    if (ask.has('reset') || (ask.has('stale') && carried.get(req.socket) !== 1)) return void res.destroy()
    if (ask.has('status')) return send(res, Number(ask.get('status')), { message: 'as asked' })
    if (ask.has('redirect')) return void res.writeHead(302, { location: ask.get('redirect') ?? '' }).end()
    if (ask.has('echo')) return send(res, 200, { headers: req.headers, body: body.toString('latin1') }, rude)
    const path = url.pathname.replace(/^\/api\/v0\.2\//, '')
    if (url.pathname === '/-/reload') {
      const { kind } = JSON.parse(body.toString()) as { kind: Kind }
      viewer.reloads.push(kind)
      await readVault(kind)
      return send(res, 200, { status: 'OK' })
    }
    if (req.method === 'PUT' && path === 'annotations/obs')
      return save('labels', inflateSync(body).toString(), req, res)
    if (req.method === 'PUT' && path === 'genesets') return save('genesets', body.toString(), req, res)
    if (path === 'genesets') return send(res, 200, { genesets: content.genesets, tid: 0 })
    if (path === 'schema') return schema(req, res)
    if (path === 'diffexp/obs') return diffexp(body, res)
    if (path === 'annotations/obs') return bytes(res, Buffer.from(content.labels ?? ''), ask)
    if (path === 'layout/obs' || path === 'data/var') return large(res, Number(ask.get('bytes') ?? 1000), ask)
    send(res, 200, { path, work: viewer.work, body: body.length })
  }

  function schema(req: IncomingMessage, res: ServerResponse): void {
    const value = { schema: { labels: content.labels, cells }, work: viewer.work }
    if (!/\bgzip\b/.test(req.headers['accept-encoding'] ?? '')) {
      send(res, 200, value)
      return
    }
    const packed = gzipSync(JSON.stringify(value))
    res.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip', vary: 'Accept-Encoding' })
    res.end(packed)
  }

  async function diffexp(body: Buffer, res: ServerResponse): Promise<void> {
    const { ms = 0, name = '', held } = JSON.parse(body.toString()) as { ms?: number; name?: string; held?: boolean }
    diffexps += 1
    viewer.seen.diffexps += 1
    viewer.seen.mostDiffexps = Math.max(viewer.seen.mostDiffexps, diffexps)
    await wait(ms)
    if (held) await released
    diffexps -= 1
    send(res, 200, { name })
  }

  async function save(kind: Kind, text: string, req: IncomingMessage, res: ServerResponse): Promise<void> {
    if (!options.forgetful) {
      const id = req.headers['x-save-id']
      const headers = { 'content-type': 'text/csv', ...(typeof id === 'string' ? { 'x-save-id': id } : {}) }
      const { status } = await ask('PUT', `/vault/${kind}`, text, headers)
      if (status !== 200) return send(res, status >= 500 ? 503 : status, { message: 'not saved' })
      await options.beforeRemember?.(kind)
      if (options.afterDurable === 'reset') return void res.destroy()
      if (options.afterDurable) return send(res, options.afterDurable, { message: 'failed after all' })
      content[kind] = text
    }
    send(res, 200, { status: 'OK' })
  }

  async function readVault(kind: Kind): Promise<void> {
    const { status, body } = await ask('GET', `/vault/${kind}`)
    if (status !== 200 && status !== 204) throw new Error(`vault: ${status}`)
    content[kind] = status === 200 ? body.toString() : null
  }

  function ask(method: string, path: string, body?: string, headers: http.OutgoingHttpHeaders = {}) {
    return new Promise<{ status: number; body: Buffer }>((resolve, reject) => {
      const target = { socketPath: options.taskSocket, method, path, headers, agent: false, signal: gone.signal }
      const req = http.request(target, (res) => {
        read(res).then((all) => resolve({ status: res.statusCode ?? 0, body: all }), reject)
      })
      req.on('error', reject)
      req.end(body)
    })
  }

  async function kill(): Promise<void> {
    gone.abort()
    const closed = new Promise<void>((resolve) => server.close(() => resolve()))
    server.closeAllConnections()
    await closed
  }

  async function begin(): Promise<void> {
    for (;;) {
      const { status, body } = await ask('GET', '/work').catch(async () => {
        gone.signal.throwIfAborted()
        await wait(20)
        return { status: 204, body: Buffer.alloc(0) }
      })
      if (status !== 200) continue
      viewer.work = JSON.parse(body.toString()) as NonNullable<StandInViewer['work']>
      break
    }
    if (options.loadMs) await wait(options.loadMs)
    await options.loadUntil
    if (options.fail) {
      await ask('POST', '/failed', JSON.stringify(options.fail), { 'content-type': 'application/json' })
      return (options.die ?? (() => void kill()))()
    }
    await readVault('labels')
    await readVault('genesets')
    await listen(server, options.listen)
    await ask('POST', '/loaded', '{}', { 'content-type': 'application/json' })
  }

  void begin().catch((error: unknown) => {
    if (!gone.signal.aborted) process.stderr.write(`stand-in viewer: ${String(error)}\n`)
  })
  return viewer
}

/** Headers that must not get through a gate. */
const rude = { 'set-cookie': 'cxod-route=stolen; Path=/', 'x-cxod-viewer': 'none', server: 'viewer', via: 'x' }

function listen(server: http.Server, address: string): Promise<void> {
  const [host, port] = address.split(':')
  if (host === 'unix') rmSync(address.slice(5), { force: true })
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    if (host === 'unix') server.listen(address.slice(5), resolve)
    else server.listen(Number(port), host, resolve)
  })
}

async function read(stream: Readable): Promise<Buffer> {
  const parts: Buffer[] = []
  for await (const part of stream as AsyncIterable<Buffer>) parts.push(part)
  return Buffer.concat(parts)
}

function send(res: ServerResponse, status: number, value: unknown, headers: http.OutgoingHttpHeaders = {}): void {
  const body = Buffer.from(JSON.stringify(value))
  res.writeHead(status, { 'content-type': 'application/json', 'content-length': body.length, ...headers }).end(body)
}

function bytes(res: ServerResponse, body: Buffer, ask: URLSearchParams): void {
  res.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': body.length })
  if (!ask.has('cut')) res.end(body)
  else res.write(body.subarray(0, body.length / 2), () => res.destroy())
}

const block = Buffer.alloc(65_536, 'x')

/** With a length when it is asked for (`?sized`), else chunked; with `?cut` half of it, then the connection breaks. */
function large(res: ServerResponse, size: number, ask: URLSearchParams): void {
  const headers = { 'content-type': 'application/octet-stream' }
  res.writeHead(200, ask.has('sized') ? { ...headers, 'content-length': size } : headers)
  const end = ask.has('cut') ? size / 2 : size
  let sent = 0
  const source = new Readable({
    read() {
      if (sent >= end) return void this.push(null)
      const part = block.subarray(0, Math.min(block.length, end - sent))
      sent += part.length
      this.push(part)
    },
  })
  if (ask.has('cut')) source.once('end', () => setTimeout(() => res.destroy(), 20))
  res.once('close', () => source.destroy())
  source.pipe(res, { end: !ask.has('cut') })
}
