/** Requests as an attacker writes them: paths and headers that no client would send, byte by byte where it must be. */
import http, { type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http'
import net from 'node:net'

export type Reply = { status: number; headers: IncomingHttpHeaders; text: string }
export type Ask = { method?: string; headers?: OutgoingHttpHeaders; body?: string | Uint8Array; socketPath?: string }

/** @param path goes out as it stands: nothing resolves its dots */
export function ask(origin: string, path: string, { method = 'GET', headers = {}, body, socketPath }: Ask = {}) {
  const { hostname, port } = new URL(origin)
  const where =
    socketPath === undefined ? { host: hostname === 'localhost' ? '127.0.0.1' : hostname, port } : { socketPath }
  const chunked = 'transfer-encoding' in headers
  const length = body === undefined || chunked ? {} : { 'content-length': Buffer.byteLength(body) }
  return new Promise<Reply>((resolve, reject) => {
    const request = http.request(
      { ...where, path, method, agent: false, headers: { host: new URL(origin).host, ...length, ...headers } },
      (response) => {
        const parts: Buffer[] = []
        response.on('data', (part: Buffer) => parts.push(part))
        response.on('error', reject)
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            text: Buffer.concat(parts).toString(),
          }),
        )
      },
    )
    request.on('error', reject)
    request.end(body)
  })
}

export type Raw = {
  /** Everything that came back until the connection ended or `forMs` was over. */
  text: string
  /** Status codes of the answers, in their order. */
  statuses: number[]
  closed: boolean
  /** How long the connection lasted, ms. */
  lastedMs: number
}

/** Sends bytes as they are; with `drip`, further pieces one after the other, a pause in between. */
export function raw(
  origin: string,
  bytes: string | Uint8Array,
  { forMs = 1_500, drip }: { forMs?: number; drip?: { piece: string; everyMs: number } } = {},
): Promise<Raw> {
  const { port } = new URL(origin)
  const started = performance.now()
  return new Promise((resolve) => {
    const parts: Buffer[] = []
    const socket = net.connect({ host: '127.0.0.1', port: Number(port) })
    const done = (closed: boolean) => {
      clearTimeout(limit)
      clearInterval(dripping)
      socket.destroy()
      const text = Buffer.concat(parts).toString('latin1')
      const statuses = [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, code]) => Number(code))
      resolve({ text, statuses, closed, lastedMs: performance.now() - started })
    }
    const limit = setTimeout(() => done(false), forMs)
    const dripping = drip && setInterval(() => socket.write(drip.piece), drip.everyMs)
    socket.on('error', () => {}) // reset by the other side: `close` comes next
    socket.on('data', (part: Buffer) => parts.push(part))
    socket.on('close', () => done(true))
    socket.write(bytes)
  })
}

/** What a browser would send back of these answers' cookies, whatever their paths: the rows say which they send where. */
export function cookiesOf(reply: Reply): Map<string, string> {
  const lines = reply.headers['set-cookie'] ?? []
  return new Map(
    lines.map((line) => {
      const [pair = ''] = line.split(';')
      const at = pair.indexOf('=')
      return [pair.slice(0, at), pair.slice(at + 1)] as const
    }),
  )
}
