/** Speaks to the API: asks for work, reports, and reaches the vault. One try per call; who calls decides what to try again. */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import http, { type IncomingMessage, type RequestOptions } from 'node:http'
import type {
  BeatAnswer,
  BeatReport,
  ByeReport,
  GateAnswer,
  KnockAnswer,
  ProgressReport,
  SavedVersion,
  UploadAnswer,
  UploadRequest,
} from '../api/contract/gate.ts'
import { LauncherError } from '../core/errors.ts'
import type { Clock, VaultKind } from '../core/ports.ts'
import { call, readAll } from './http-call.ts'

export type PutAnswer =
  | { status: 'saved'; saved: SavedVersion }
  | { status: 'base-mismatch'; latest: SavedVersion | null }
  /** The session no longer owns its (owner, dataset): nothing this gate says counts any more. */
  | { status: 'session-over' }
  /** A refusal that a repeat would meet again. */
  | { status: 'refused'; httpStatus: number; title: string; detail: string }

export type Api = {
  knock(): Promise<KnockAnswer>
  progress(report: ProgressReport): Promise<GateAnswer>
  loaded(): Promise<GateAnswer>
  beat(report: BeatReport): Promise<BeatAnswer>
  bye(report: ByeReport, timeoutMs: number): Promise<void>
  /** Content of one version, as a stream. Rejects unless the API answers 200. */
  vaultRead(kind: VaultKind, version: string): Promise<IncomingMessage>
  vaultPut(
    kind: VaultKind,
    content: { file: string; sizeBytes: number } | null,
    save: { base: string | null; requestSha256: string },
  ): Promise<PutAnswer>
  /** When the API last gave an answer that shows it knows us, ms since 1970. */
  lastHeardAt(): number
  close(): void
}

/** A larger body is announced first: there may be another way for it. */
const askFirstBytes = 4 * 2 ** 20
/** Bound of any JSON answer of the API, bytes. */
const answerMost = 2 ** 20

/** Every method rejects with `unavailable` when the API can't be reached in time or fails, `session-over` when it says so. */
export function createApiClient(
  config: { apiUrl: string; token: string },
  options: { timeoutMs: number; clock: Clock },
): Api {
  const { target, prefix } = parseApiUrl(config.apiUrl)
  const agent = target.protocol === 'https:' ? undefined : new http.Agent({ keepAlive: true, timeout: 30_000 })
  const authorization = `Bearer ${config.token}`
  let lastHeardAt = options.clock.now()

  async function send(method: string, path: string, more: Partial<Parameters<typeof call>[2]> = {}) {
    try {
      return await call({ ...target, ...(agent ? { agent } : {}) }, `${prefix}${path}`, {
        method,
        timeoutMs: options.timeoutMs,
        ...more,
        headers: { ...more.headers, authorization },
      })
    } catch (error) {
      throw unavailable(`The API can't be reached (${reason(error)}).`, error)
    }
  }

  async function post<T extends { status: string }>(
    path: string,
    report: unknown,
    statuses: readonly T['status'][],
    timeoutMs = options.timeoutMs,
  ): Promise<T> {
    const body = Buffer.from(JSON.stringify(report))
    const headers = { 'content-type': 'application/json', 'content-length': body.length }
    const res = await send('POST', path, { body, headers, timeoutMs })
    const value = await readJson(res)
    if (res.statusCode === 409 && value?.code !== 'conflict')
      throw new LauncherError('session-over', 'The API says that this session is over.')
    const status = value?.status
    if (res.statusCode !== 200 || typeof status !== 'string' || !(statuses as readonly string[]).includes(status))
      throw unavailable(`The API answered ${path} with status ${res.statusCode ?? 0}.`)
    lastHeardAt = options.clock.now()
    return value as T
  }

  /** The address was signed by the API and needs no token; ours must not go there. */
  async function elsewhere(method: string, url: string, more: Partial<Parameters<typeof call>[2]> = {}) {
    const { target: host, path } = parseAddress(url)
    try {
      return await call(host, path, { method, timeoutMs: options.timeoutMs, ...more })
    } catch (error) {
      throw unavailable(`The vault's bucket can't be reached (${reason(error)}).`, error)
    }
  }

  /** @returns the name of what was uploaded, or null when it is to be sent directly */
  async function upload(kind: VaultKind, content: { file: string; sizeBytes: number }): Promise<string | null> {
    const hash = createHash('sha256')
    for await (const part of createReadStream(content.file) as AsyncIterable<Buffer>) hash.update(part)
    const wish: UploadRequest = { sizeBytes: content.sizeBytes, sha256: hash.digest('hex') }
    const answer = await post<UploadAnswer>(`/gate/vault/${kind}/upload`, wish, ['direct', 'url'])
    if (answer.status === 'direct') return null
    // Until its answer nothing comes back, so the whole way there counts: a megabyte a second at least.
    const timeoutMs = options.timeoutMs + content.sizeBytes / 1000
    const body = createReadStream(content.file)
    const res = await elsewhere('PUT', answer.url, { body, headers: answer.headers, timeoutMs })
    res.resume()
    if (res.statusCode !== 200) throw unavailable(`The vault's bucket answered an upload with ${res.statusCode ?? 0}.`)
    return answer.ref
  }

  return {
    knock: () => post<KnockAnswer>('/gate/knock', {}, ['not-yet', 'leave', 'work']),
    progress: (report) => post<GateAnswer>('/gate/progress', report, ['stay', 'again', 'leave']),
    loaded: () => post<GateAnswer>('/gate/loaded', {}, ['stay', 'again', 'leave']),
    beat: (report) => post<BeatAnswer>('/gate/beat', report, ['stay', 'leave']),
    async bye(report, timeoutMs) {
      const body = Buffer.from(JSON.stringify(report))
      const headers = { 'content-type': 'application/json', 'content-length': body.length }
      const res = await send('POST', '/gate/bye', { body, headers, timeoutMs })
      res.resume()
      const status = res.statusCode ?? 0
      // 409: over already, which is all that a goodbye wants.
      if (status >= 300 && status !== 409) throw unavailable(`The API answered a goodbye with ${status}.`)
    },
    async vaultRead(kind, version) {
      let res = await send('GET', `/gate/vault/${kind}/${encodeURIComponent(version)}`)
      if (res.statusCode === 307 && res.headers.location) {
        res.resume()
        res = await elsewhere('GET', res.headers.location)
      }
      if (res.statusCode === 200) return res
      res.resume()
      throw unavailable(`The API answered a read of ${kind} ${version} with ${res.statusCode ?? 0}.`)
    },
    async vaultPut(kind, content, save) {
      const ref = content && content.sizeBytes > askFirstBytes ? await upload(kind, content) : null
      const body = ref === null ? content : null
      const res = await send('PUT', `/gate/vault/${kind}`, {
        body: body ? createReadStream(body.file) : Buffer.alloc(0),
        headers: {
          'content-type': 'text/csv; charset=utf-8',
          'content-length': body?.sizeBytes ?? 0,
          ...(ref === null ? {} : { 'x-upload-ref': ref }),
          'x-request-sha256': save.requestSha256,
          ...(save.base === null ? { 'if-none-match': '*' } : { 'if-match': `"${save.base}"` }),
        },
      })
      const status = res.statusCode ?? 0
      const value = await readJson(res)
      if (status >= 500 || status === 429 || status === 401 || status === 403)
        throw unavailable(`The vault answered with ${status}.`)
      if (status === 200) {
        const saved = asSaved(value)
        if (!saved) throw unavailable('The vault answered 200 without naming a version.')
        lastHeardAt = options.clock.now()
        return { status: 'saved', saved }
      }
      if (status === 412) {
        lastHeardAt = options.clock.now()
        return { status: 'base-mismatch', latest: asSaved(value?.latest) }
      }
      if (status === 409 && value?.code === 'conflict') throw unavailable('Somebody else was saving at that moment.')
      if (status === 409) return { status: 'session-over' }
      const text = (name: string, fallback: string) => (typeof value?.[name] === 'string' ? value[name] : fallback)
      const detail = text('detail', `It answered with status ${status}.`)
      return { status: 'refused', httpStatus: status, title: text('title', 'The vault refused the save'), detail }
    },
    lastHeardAt: () => lastHeardAt,
    close: () => agent?.destroy(),
  }
}

function parseAddress(address: string): { target: RequestOptions; path: string } {
  const { target } = parseApiUrl(address)
  const { pathname, search } = new URL(address)
  if (target.socketPath) throw unavailable('The API named an address that is none.')
  return { target, path: pathname + search }
}

function parseApiUrl(apiUrl: string): { target: RequestOptions; prefix: string } {
  if (apiUrl.startsWith('unix:/')) return { target: { socketPath: apiUrl.slice(5), host: 'api' }, prefix: '' }
  const url = URL.canParse(apiUrl) ? new URL(apiUrl) : null
  if (!url || (url.protocol !== 'http:' && url.protocol !== 'https:'))
    throw new LauncherError('bad-setting', "The gate's apiUrl must be unix:/path or http(s)://host.")
  const port = url.port === '' ? undefined : url.port
  const host = url.hostname.replace(/^\[|\]$/g, '')
  return { target: { protocol: url.protocol, host, port }, prefix: url.pathname.replace(/\/+$/, '') }
}

async function readJson(res: IncomingMessage): Promise<Record<string, unknown> | null> {
  try {
    const value: unknown = JSON.parse((await readAll(res, answerMost)).toString('utf8'))
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null
  } catch {
    return null // empty, cut short or a proxy's HTML: the status alone decides
  }
}

function asSaved(value: unknown): SavedVersion | null {
  if (typeof value !== 'object' || value === null) return null
  const saved = value as Partial<SavedVersion>
  if (typeof saved.version !== 'string' || saved.version === '') return null
  return {
    version: saved.version,
    savedAt: typeof saved.savedAt === 'number' ? saved.savedAt : 0,
    savedBy: typeof saved.savedBy === 'string' ? saved.savedBy : '',
    requestSha256: typeof saved.requestSha256 === 'string' ? saved.requestSha256 : '',
  }
}

function unavailable(message: string, cause?: unknown): LauncherError {
  return new LauncherError('unavailable', `${message} It is tried again.`, {}, { cause })
}

/** The error's code, or its own words: neither can carry a token. */
function reason(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown'
  return 'code' in error && typeof error.code === 'string' ? error.code : error.message
}
