/**
 * A port for a program that is told where to listen. The kernel's own choice may be given to somebody else, a connection as
 * well as a server, before the program has started (Java takes seconds); so it is taken from below what the kernel gives out.
 */
import { randomInt } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'

/** Above what services are known by, and above every port that browsers refuse. */
const first = 12_000
const leastRoom = 2_000
/** Test files that run side by side never try the same port. */
const lanes = 8
const lane = Number(process.env.VITEST_POOL_ID ?? process.pid) % lanes
const places = Math.floor((kernelsFirst() - first) / lanes)
let place = places > 0 ? randomInt(places) : 0

/** The first port that the kernel may give to a connection or to a server that asked for any. */
function kernelsFirst(): number {
  try {
    return Number(/^\d+/.exec(readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8'))?.[0] ?? first)
  } catch {
    return 49_152 // not Linux: IANA's range
  }
}

/** Each call another one. */
export async function freePort(): Promise<number> {
  if (places * lanes < leastRoom) return listening(0)
  for (let tries = 0; tries < places; tries += 1) {
    place = (place + 1) % places
    const port = await listening(first + place * lanes + lane).catch(() => null)
    if (port !== null) return port
  }
  throw new Error('every port is taken')
}

/** @returns where it was possible to listen just now */
function listening(port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => {
      const address = server.address()
      server.close(() =>
        typeof address === 'object' && address !== null ? resolve(address.port) : reject(new Error('no port')),
      )
    })
  })
}
