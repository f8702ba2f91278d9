/** The three doors of one machine: the app origin, the view origin, and the Unix socket on which gates reach the API. */
import { chmodSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http'

/** How long a client may take, ms, and how many may be connected: slow ones and idle ones cost a file descriptor each. */
export type DoorTimes = { headersMs: number; requestMs: number; checkEveryMs: number }
const doorTimes: DoorTimes = { headersMs: 15_000, requestMs: 120_000, checkEveryMs: 5_000 }
/** Far more than browsers of a hundred people hold, and few enough to leave the vault its files. */
const mostConnections = 2_000

export type Door = { close(): Promise<void>; port: number | null }

/** Rejects with node's own error (`EADDRINUSE` and its kind), which carries the port. */
export async function openDoor(
  listener: RequestListener,
  where: { host: string; port: number } | { socketPath: string },
  times: DoorTimes = doorTimes,
): Promise<Door> {
  const server = createServer(
    {
      headersTimeout: times.headersMs,
      requestTimeout: times.requestMs,
      connectionsCheckingInterval: times.checkEveryMs,
      keepAliveTimeout: 65_000,
    },
    (incoming, outgoing) => {
      // The other forms are for proxies: whoever sends them here wants two readers to disagree.
      if (!incoming.url?.startsWith('/')) refuse(incoming, outgoing)
      else void listener(incoming, outgoing)
    },
  )
  server.maxConnections = mostConnections
  if ('socketPath' in where) rmSync(where.socketPath, { force: true })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    const listening = () => {
      server.off('error', reject)
      resolve()
    }
    if ('socketPath' in where) server.listen(where.socketPath, listening)
    else server.listen(where.port, where.host, listening)
  })
  if ('socketPath' in where) chmodSync(where.socketPath, 0o600)
  const address = server.address()
  return {
    port: typeof address === 'object' && address !== null ? address.port : null,
    close: () => closeServer(server),
  }
}

function refuse(incoming: IncomingMessage, outgoing: ServerResponse): void {
  incoming.resume()
  outgoing
    .writeHead(400, { 'content-type': 'text/plain', connection: 'close' })
    .end('An address begins with a slash.\n')
}

/** Requests under way get a moment; long polls would otherwise hold a stop for their whole wait. */
function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const hurry = setTimeout(() => server.closeAllConnections(), 1000)
    server.close(() => {
      clearTimeout(hurry)
      resolve()
    })
    server.closeIdleConnections()
  })
}
