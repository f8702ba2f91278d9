/** Finds a busy port before a minute is spent on an installation. */
import { createServer } from 'node:net'

/** Rejects with node's own error (`EADDRINUSE` and its kind), which carries the port. */
export async function ensurePorts(where: { host: string; port: number; viewPort: number }): Promise<void> {
  for (const port of [where.port, where.viewPort])
    await new Promise<void>((resolve, reject) => {
      const server = createServer()
      server.once('error', reject)
      server.listen(port, where.host, () => server.close(() => resolve()))
    })
}
