/** Routes on one machine: a table of paths to gates' sockets, and the proxy of the view origin that follows it. */
import { Agent, type IncomingHttpHeaders, type IncomingMessage, request, type ServerResponse } from 'node:http'
import { pipeline } from 'node:stream'
import { LauncherError } from '../../core/errors.ts'
import type { Router } from '../../core/ports.ts'

export type LocalRouter = Router & {
  /** Forwards a request below `/s/`; a path without a live route is answered like a viewer that isn't there. */
  forward(incoming: IncomingMessage, outgoing: ServerResponse): void
}

type Route = { path: string; socketPath: string | null; agent: Agent }

export function createRouter(): LocalRouter {
  const routes = new Map<string, Route>()
  const closed = new Set<string>()

  function assertNotClosed(sessionId: string): void {
    if (closed.has(sessionId)) throw new LauncherError('session-over', 'The route of this session was closed.')
  }

  return {
    final: true,

    async reserve(sessionId) {
      assertNotClosed(sessionId)
      const path = `/s/${sessionId}/`
      if (!routes.has(sessionId))
        routes.set(sessionId, { path, socketPath: null, agent: new Agent({ keepAlive: true }) })
      return { path }
    },

    async open(sessionId, endpoint) {
      assertNotClosed(sessionId)
      const route = routes.get(sessionId)
      if (!route) throw new LauncherError('session-over', 'The route of this session was never reserved.')
      if (!endpoint.startsWith('unix:')) throw new LauncherError('bad-request', 'A local route leads to a Unix socket.')
      route.socketPath = endpoint.slice('unix:'.length)
    },

    async status(sessionId) {
      const route = routes.get(sessionId)
      return route === undefined ? 'none' : route.socketPath === null ? 'reserved' : 'open'
    },

    async close(sessionId) {
      closed.add(sessionId)
      // Requests under way go on: the gate drains them.
      routes.delete(sessionId)
    },

    async listSessionIds() {
      return [...routes.keys()]
    },

    forward(incoming, outgoing) {
      const sessionId = /^\/s\/([a-z2-7]+)\//.exec(incoming.url ?? '')?.[1] ?? ''
      const route = routes.get(sessionId)
      if (!route?.socketPath) return noViewer(incoming, outgoing)
      const { method, url: path } = incoming
      const headers = endToEnd(incoming.headers)
      const upstream = request({ socketPath: route.socketPath, agent: route.agent, method, path, headers })
      upstream.once('response', (response) => {
        outgoing.writeHead(response.statusCode ?? 502, endToEnd(response.headers))
        pipeline(response, outgoing, () => {})
      })
      upstream.once('error', () => (outgoing.headersSent ? outgoing.destroy() : noViewer(incoming, outgoing)))
      outgoing.once('close', () => {
        if (!outgoing.writableFinished) upstream.destroy() // the browser went away: so does its request
      })
      // The head at once: a gate can refuse a body that is announced too large before it has come.
      if (incoming.headers['content-length'] ?? incoming.headers['transfer-encoding']) upstream.flushHeaders()
      pipeline(incoming, upstream, () => {})
    },
  }
}

/**
 * Headers that are about one connection and not about the message (RFC 9110, 7.6.1): a browser's `Connection: Upgrade`
 * made the gate close a connection that we kept for the next request.
 */
const ofConnection = [
  'connection',
  'keep-alive',
  'upgrade',
  'te',
  'trailer',
  'proxy-connection',
  'http2-settings',
  'expect',
]

function endToEnd(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  const passed = { ...headers }
  for (const name of ofConnection) delete passed[name]
  return passed
}

/** 202 and not 503: a shared cache in front may keep errors. The companion holds the call and repeats it. */
function noViewer(incoming: IncomingMessage, outgoing: ServerResponse): void {
  incoming.resume()
  outgoing.writeHead(202, { 'x-cxod-viewer': 'none', 'cache-control': 'no-store', 'content-length': '0' })
  outgoing.end()
}
