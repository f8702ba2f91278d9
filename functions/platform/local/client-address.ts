/** Whose address a request comes from, as far as it can be trusted: attempts to sign in are counted by it. */

import { isIP } from 'node:net'
import type { HttpBindings } from '@hono/node-server'
import type { Context } from 'hono'

const loopback = new Set(['127.0.0.1', '::1', '::ffff:127.0.0.1'])

/**
 * The peer's address; behind a reverse proxy on this machine, the last entry of `X-Forwarded-For`, which that proxy wrote
 * itself (everything before it is the client's own word). Who is on this machine without a proxy can write it too, and so
 * choose an address: the limit by name is the one that holds for them.
 */
export function clientAddress(c: Context): string {
  const { incoming } = c.env as HttpBindings
  const peer = incoming.socket.remoteAddress ?? 'unknown'
  if (!loopback.has(peer)) return peer
  const last = c.req.header('x-forwarded-for')?.split(',').at(-1)?.trim()
  // Anything else is no proxy's word, and would become a key of the store.
  return last && isIP(last) !== 0 ? last : peer
}
