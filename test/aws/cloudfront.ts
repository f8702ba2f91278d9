/**
 * Plays CloudFront's two distributions on two hosts of this machine: paths to origins, the headers that it adds and those that
 * it lets nobody else set, 60 s for an origin's answer, static files kept by their own cache-control, errors never.
 */
import http, { type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { originSecretHeader } from '../../functions/platform/aws/settings.ts'
import { type Alb, matchesPath } from './alb.ts'
import { callUrl, type WireAnswer } from './function-url.ts'
import type { LambdaFunction } from './lambda.ts'

export type CloudFrontSettings = {
  originSecret: string
  api: LambdaFunction
  lobby: LambdaFunction
  alb: Alb
  originTimeoutMs: number
}
export type CloudFront = {
  appOrigin: string
  viewOrigin: string
  /** From here on viewers get answers: what is behind needs the origins' names first. */
  serve(settings: CloudFrontSettings): void
  stop(): Promise<void>
}
type Kept = { answer: WireAnswer; until: number }

/** Headers that CloudFront writes or drops itself, whatever a client says. */
const notTheClients = ['cloudfront-viewer-address', 'x-forwarded-proto', 'x-real-ip', 'expect']
const errorPage = (status: number) =>
  `<HTML><HEAD><TITLE>ERROR: The request could not be satisfied</TITLE></HEAD><BODY><H1>${status} ERROR</H1></BODY></HTML>`

/** Behaviours of infra/distributions.ts that keep answers; nothing of a viewer's request reaches the origin there. */
const keptPaths: Record<'app' | 'view', readonly string[]> = { app: [], view: ['/v/static/*', '/v/*/static/*'] }

export async function startCloudFront(): Promise<CloudFront> {
  let settings: CloudFrontSettings | null = null
  const kept = new Map<string, Kept>()

  const app = http.createServer((req, res) => void serve(req, res, 'app').catch(() => fail(res, 502)))
  const view = http.createServer((req, res) => void serve(req, res, 'view').catch(() => fail(res, 502)))
  await Promise.all([listen(app, 'localhost'), listen(view, '127.0.0.1')])

  async function serve(req: IncomingMessage, res: ServerResponse, origin: 'app' | 'view'): Promise<void> {
    if (settings === null) return fail(res, 503)
    const peer = `${req.socket.remoteAddress}`
    for (const name of notTheClients) delete req.headers[name]
    const before = req.headers['x-forwarded-for']
    req.headers['x-forwarded-for'] = before ? `${String(before)}, ${peer}` : peer
    req.headers['cloudfront-viewer-address'] = `${peer}:${req.socket.remotePort}`
    req.headers.via = '1.1 harness.cloudfront.net (CloudFront)'
    const path = (req.url ?? '/').split('?')[0] ?? '/'
    if (origin === 'view' && path.startsWith('/s/')) return stream(req, res, settings)
    const fn = origin === 'app' ? settings.api : settings.lobby
    await buffered(req, res, fn, settings, origin)
  }

  function stream(req: IncomingMessage, res: ServerResponse, { alb, originTimeoutMs }: CloudFrontSettings): void {
    // Silence of the origin, not the whole answer: a long one may take as long as it moves.
    const timer = setTimeout(() => fail(res, 504), originTimeoutMs)
    const writeHead = res.writeHead
    res.writeHead = ((...given: Parameters<typeof writeHead>) => {
      clearTimeout(timer)
      return writeHead.apply(res, given)
    }) as typeof writeHead
    res.once('close', () => clearTimeout(timer))
    alb(req, res)
  }

  async function buffered(
    req: IncomingMessage,
    res: ServerResponse,
    fn: LambdaFunction,
    { originSecret, originTimeoutMs }: CloudFrontSettings,
    origin: 'app' | 'view',
  ): Promise<void> {
    const { method = 'GET', url = '/' } = req
    const path = url.split('?')[0] ?? '/'
    const cacheable = keptPaths[origin].some((pattern) => matchesPath(pattern, path))
    if (cacheable && !['GET', 'HEAD'].includes(method)) return fail(res, 403)
    const target = cacheable ? path : url
    const key = `${origin} ${method} ${target}`
    const had = kept.get(key)
    if (cacheable && had && had.until > performance.now()) return write(res, had.answer, 'Hit from cloudfront')
    const body = await bodyOf(req)
    const sent = cacheable ? { 'user-agent': 'Amazon CloudFront', via: req.headers.via } : { ...req.headers }
    // “All headers but Host”: the function URL wants its own.
    const headers: IncomingHttpHeaders = { ...sent, [originSecretHeader]: originSecret }
    delete headers.host
    const call = callUrl(fn, { method, target, headers, body, peer: '130.176.0.1' })
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<null>((resolve) => {
      timer = setTimeout(() => resolve(null), originTimeoutMs)
    })
    const answer = await Promise.race([call, late])
    clearTimeout(timer)
    if (answer === null) return fail(res, 504)
    const seconds = cacheable && answer.status === 200 ? keepSeconds(answer) : 0
    if (seconds > 0) kept.set(key, { answer, until: performance.now() + seconds * 1000 })
    write(res, answer, answer.status >= 400 ? 'Error from cloudfront' : 'Miss from cloudfront')
  }

  return {
    appOrigin: `http://localhost:${portOf(app)}`,
    viewOrigin: `http://127.0.0.1:${portOf(view)}`,
    serve: (given) => {
      settings = given
    },
    async stop() {
      for (const server of [app, view]) server.closeAllConnections()
      await Promise.all([app, view].map((server) => new Promise((resolve) => server.close(resolve))))
    },
  }
}

const portOf = (server: http.Server): number => (server.address() as AddressInfo).port

function listen(server: http.Server, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, host, resolve)
  })
}

function fail(res: ServerResponse, status: number): void {
  if (res.headersSent) return void res.destroy()
  const headers = { 'content-type': 'text/html', 'x-cache': 'Error from cloudfront' }
  res.writeHead(status, headers).end(errorPage(status))
}

function write(res: ServerResponse, { status, headers, body }: WireAnswer, cache: string): void {
  res.writeHead(status, { ...headers, 'x-cache': cache, ...(status === 204 ? {} : { 'content-length': body.length }) })
  res.end(res.req.method === 'HEAD' ? undefined : body)
}

function keepSeconds({ headers }: WireAnswer): number {
  const said = String(headers['cache-control'] ?? '')
  if (/no-store|private|no-cache/.test(said) || 'set-cookie' in headers) return 0
  return Number(/(?:s-maxage|max-age)=(\d+)/.exec(said)?.[1] ?? 0)
}

async function bodyOf(req: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = []
  for await (const part of req) parts.push(part as Buffer)
  return Buffer.concat(parts)
}
