/** The address that attempts to sign in are counted by, on one machine. */
import { getConnInfo } from '@hono/node-server/conninfo'
import type { Context } from 'hono'

const loopback = ['127.0.0.1', '::1', '::ffff:127.0.0.1']

/**
 * The connection's own address. Behind a reverse proxy on this machine, what that proxy says: the last entry of
 * `X-Forwarded-For`, the only one that the client can't have written itself.
 */
export function clientAddress(c: Context): string {
  const own = getConnInfo(c).remote.address ?? 'unknown'
  if (!loopback.includes(own)) return own
  return c.req.header('x-forwarded-for')?.split(',').at(-1)?.trim() || own
}
