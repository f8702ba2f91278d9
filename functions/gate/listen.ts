/** Opens and closes a server on a port or on a Unix socket that its owner alone can open. */
import { chmod, rm } from 'node:fs/promises'
import type { Server } from 'node:http'
import type { Address } from './config.ts'

export async function listenOn(server: Server, address: Address): Promise<void> {
  // Left over from a gate that was killed: listening would fail.
  if ('socketPath' in address) await rm(address.socketPath, { force: true })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen('socketPath' in address ? address.socketPath : address, () => {
      server.removeListener('error', reject)
      resolve()
    })
  })
  if ('socketPath' in address) await chmod(address.socketPath, 0o600)
}

/** Ends every connection, whatever is still on it. */
export async function stopServer(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()))
  server.closeAllConnections()
  await closed
}
