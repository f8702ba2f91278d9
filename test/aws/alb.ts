/** The load balancer's data path: finds the rule and a target for a request and streams it there, with the answers of its own that an ALB has. */
import http, { type IncomingMessage, type OutgoingHttpHeaders, type ServerResponse } from 'node:http'
import type { Elb, Target } from './elb.ts'

export type AlbSettings = {
  elb: Elb
  portOf(address: string): number | null
  /** Silence after which a connection is given up, ms; infra sets 300 s. */
  idleMs: number
  /** How long an address where nobody is may take, ms; 10 s on AWS. */
  connectMs: number
}

/** How an ALB words its own errors. */
const page = (title: string) =>
  `<html>\r\n<head><title>${title}</title></head>\r\n<body>\r\n<center><h1>${title}</h1></center>\r\n</body>\r\n</html>\r\n`
const own: Record<number, string> = {
  502: '502 Bad Gateway',
  503: '503 Service Temporarily Unavailable',
  504: '504 Gateway Time-out',
}
const hopByHop = ['connection', 'keep-alive', 'proxy-connection', 'te', 'trailer', 'transfer-encoding', 'upgrade']

/** `*`: any characters, `?`: one; case counts. */
export function matchesPath(pattern: string, path: string): boolean {
  const escaped = pattern.replace(/[.+^${}()|[\]\\]/g, '\\$&').replace(/\*/g, '.*')
  return new RegExp(`^${escaped.replace(/\?/g, '.')}$`).test(path)
}

/** What requests may go to: healthy targets; where there is none, any (a group of unhealthy targets fails open). */
export function choose(targets: readonly Target[]): Target | null {
  const there = targets.filter(({ health }) => health !== 'draining')
  const healthy = there.filter(({ health }) => health === 'healthy')
  const from = healthy.length > 0 ? healthy : there
  return from[Math.floor(Math.random() * from.length)] ?? null
}

export type Alb = (req: IncomingMessage, res: ServerResponse) => void

export function createAlb({ elb, portOf, idleMs, connectMs }: AlbSettings): Alb {
  const agent = new http.Agent({ keepAlive: false })

  function fail(res: ServerResponse, status: number): void {
    if (res.headersSent) return void res.destroy()
    const body = page(own[status] ?? '')
    res
      .writeHead(status, { server: 'awselb/2.0', 'content-type': 'text/html', 'content-length': body.length })
      .end(body)
  }

  async function handle(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const path = (req.url ?? '/').split('?')[0] ?? '/'
    const rule = (await elb.rules()).find(({ patterns }) => patterns.some((pattern) => matchesPath(pattern, path)))
    if (!rule) return void res.writeHead(404, { server: 'awselb/2.0', 'content-type': 'text/plain' }).end()
    const target = choose(elb.targets(rule.group))
    if (target === null) return fail(res, 503)
    const port = portOf(target.id)
    // The network interface went with its task: packets vanish, and nobody refuses.
    if (port === null) return void setTimeout(() => fail(res, 504), connectMs)
    forward(req, res, port)
  }

  function forward(req: IncomingMessage, res: ServerResponse, port: number): void {
    const { url: path, method } = req
    const request = http.request({ host: '127.0.0.1', port, agent, method, path, headers: forwarded(req) })
    request.setTimeout(idleMs, () => {
      fail(res, 504)
      request.destroy()
    })
    request.once('error', () => fail(res, 502))
    request.once('response', (answer) => {
      const headers: OutgoingHttpHeaders = { ...answer.headers }
      for (const name of hopByHop) delete headers[name]
      res.writeHead(answer.statusCode ?? 502, headers)
      answer.pipe(res)
      answer.once('error', () => res.destroy())
    })
    req.pipe(request)
    res.once('close', () => {
      if (!res.writableFinished) request.destroy()
    })
  }

  return (req, res) => {
    handle(req, res).catch(() => fail(res, 502))
  }
}

function forwarded(req: IncomingMessage): OutgoingHttpHeaders {
  const headers: OutgoingHttpHeaders = {}
  // “Drop invalid header fields” is on in infra: letters, digits and hyphens pass.
  for (const [name, value] of Object.entries(req.headers))
    if (!hopByHop.includes(name) && /^[a-z0-9-]+$/.test(name)) headers[name] = value
  const peer = req.socket.remoteAddress ?? ''
  const before = req.headers['x-forwarded-for']
  headers['x-forwarded-for'] = before ? `${String(before)}, ${peer}` : peer
  headers['x-forwarded-proto'] = 'http'
  headers['x-forwarded-port'] = '80'
  headers['x-amzn-trace-id'] = 'Root=1-00000000-000000000000000000000000'
  if (req.headers['transfer-encoding']) headers['transfer-encoding'] = 'chunked'
  return headers
}
