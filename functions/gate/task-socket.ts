/** The private HTTP server of a task: the viewer asks here for its work, hands over what it saves, and says how it fares. */
import { randomUUID } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { rm } from 'node:fs/promises'
import http, { type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { join } from 'node:path'
import { Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Work } from '../api/contract/gate.ts'
import { LauncherError } from '../core/errors.ts'
import type { Log, VaultKind } from '../core/ports.ts'
import { saveIdHeader, vaultVersionHeader } from './header-names.ts'
import { readAll } from './http-call.ts'
import { listenOn } from './listen.ts'
import { within } from './timing.ts'
import type { Tuning } from './tuning.ts'
import type { VaultSync } from './vault-sync.ts'

export type ViewerWork = Pick<Work, 'distribution' | 'title' | 'mode'> & { path: string; diffexpCells: number }
export type ViewerFailure = { cause: 'load-failed' | 'out-of-memory'; detail: string }

export type TaskSocketDeps = {
  /** Resolves when the file is complete on disk. */
  work: Promise<ViewerWork>
  /** Null until the gate knows its work. */
  sync(): VaultSync | null
  onLoaded(): void
  onFailed(failure: ViewerFailure): void
  taskDir: string
  log: Log
  tuning: Pick<Tuning, 'workPollMs' | 'contentBytes'>
}

/** @returns the listening server; the socket's file is readable by its owner alone */
export async function serveTaskSocket(path: string, deps: TaskSocketDeps): Promise<Server> {
  const server = http.createServer({ requestTimeout: 0 }, (req, res) => {
    handle(req, res, deps).catch((error: unknown) => {
      const known = error instanceof LauncherError
      deps.log('warn', 'task-socket', { detail: error instanceof Error ? error.message : 'unknown' })
      if (res.headersSent) res.destroy()
      else reply(res, known && error.code === 'too-large' ? 413 : 503)
    })
  })
  await listenOn(server, { socketPath: path })
  return server
}

async function handle(req: IncomingMessage, res: ServerResponse, deps: TaskSocketDeps): Promise<void> {
  const { method, url } = req
  if (method === 'GET' && url === '/work') return giveWork(res, deps)
  if (method === 'POST' && url === '/loaded') {
    req.resume()
    deps.onLoaded()
    return reply(res, 204)
  }
  if (method === 'POST' && url === '/failed') {
    const failure = parseFailure(await readAll(req, 2 ** 16))
    if (failure) deps.onFailed(failure)
    return reply(res, failure ? 204 : 400)
  }
  const kind = url === '/vault/labels' ? 'labels' : url === '/vault/genesets' ? 'genesets' : null
  if (kind && method === 'GET') return giveContent(kind, res, deps)
  if (kind && method === 'PUT') return takeContent(kind, req, res, deps)
  req.resume()
  reply(res, 404)
}

async function giveWork(res: ServerResponse, { work, tuning }: TaskSocketDeps): Promise<void> {
  let ready: ViewerWork | null = null
  const gone = new AbortController()
  res.once('close', () => gone.abort())
  const done = work.then((value) => {
    ready = value
  })
  await within(done, tuning.workPollMs, gone.signal)
  reply(res, ready ? 200 : 204, ready)
}

async function giveContent(kind: VaultKind, res: ServerResponse, { sync }: TaskSocketDeps): Promise<void> {
  const content = await sync()?.content(kind)
  if (!content) return reply(res, 204)
  res.writeHead(200, { 'content-type': 'text/csv; charset=utf-8', [vaultVersionHeader]: content.version })
  // Breaks the viewer's connection when the vault's breaks: half a CSV must not pass for a whole one.
  await pipeline(content.body, res)
}

async function takeContent(
  kind: VaultKind,
  req: IncomingMessage,
  res: ServerResponse,
  deps: TaskSocketDeps,
): Promise<void> {
  // On disk, not in memory: it may be sent more than once, and labels of two million cells are large.
  const file = join(deps.taskDir, `save-${kind}-${randomUUID()}.csv`)
  let sizeBytes = 0
  const count = new Transform({
    transform(part: Buffer, _encoding, done) {
      sizeBytes += part.length
      const over = sizeBytes > deps.tuning.contentBytes
      done(over ? new LauncherError('too-large', 'The labels are larger than the vault takes.') : null, part)
    },
  })
  try {
    await pipeline(req, count, createWriteStream(file, { mode: 0o600 }))
    const saveId = req.headers[saveIdHeader]
    const handing = deps.sync()?.handOver(kind, typeof saveId === 'string' ? saveId : '', { file, sizeBytes })
    if (!handing) return reply(res, 409) // a save that was given up: nobody would hear that it was kept
    const outcome = await handing
    if (outcome.status === 'saved') reply(res, 200, { version: outcome.saved.version })
    else if (outcome.status === 'base-mismatch') reply(res, 412)
    else if (outcome.status === 'refused') reply(res, outcome.httpStatus)
    else reply(res, outcome.status === 'session-over' ? 409 : 503)
  } finally {
    await rm(file, { force: true })
  }
}

function parseFailure(body: Buffer): ViewerFailure | null {
  try {
    const value = JSON.parse(body.toString('utf8')) as { cause?: unknown; detail?: unknown } | null
    if (value?.cause !== 'load-failed' && value?.cause !== 'out-of-memory') return null
    return { cause: value.cause, detail: typeof value.detail === 'string' ? value.detail.slice(0, 2000) : '' }
  } catch {
    return null
  }
}

function reply(res: ServerResponse, status: number, value?: unknown): void {
  if (value === undefined || value === null) {
    res.writeHead(status, status === 204 ? {} : { 'content-length': '0' }).end()
    return
  }
  const body = Buffer.from(JSON.stringify(value))
  res.writeHead(status, { 'content-type': 'application/json', 'content-length': body.length }).end(body)
}
