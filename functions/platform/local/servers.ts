/** The three doors of one machine: the app origin, the view origin, and the Unix socket on which gates reach the API. */
import { chmodSync, rmSync } from 'node:fs'
import { createServer, type RequestListener, type Server } from 'node:http'

export type Door = { close(): Promise<void>; port: number | null }

/** Rejects with node's own error (`EADDRINUSE` and its kind), which carries the port. */
export async function openDoor(
  listener: RequestListener,
  where: { host: string; port: number } | { socketPath: string },
): Promise<Door> {
  const server = createServer({ requestTimeout: 120_000, headersTimeout: 30_000, keepAliveTimeout: 65_000 }, listener)
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
