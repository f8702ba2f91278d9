/** Sessions: launch, look, wait for a change, stop, keep. */
import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi'
import { isLive, type Session } from '../../core/session.ts'
import { launchRequest, listOf, receipt, session } from '../contract/public.ts'
import type { ApiDeps, Env } from '../deps.ts'
import { json, jsonBody, problems } from '../openapi.ts'
import { wireReceipt, wireSession } from '../wire.ts'

const params = z.object({
  sessionId: z
    .string()
    .min(1)
    .max(64)
    .openapi({ param: { name: 'sessionId', in: 'path' }, description: '`id` of a session of yours' }),
})

const launch = createRoute({
  method: 'post',
  path: '/api/sessions',
  tags: ['sessions'],
  operationId: 'launch',
  summary: 'Start a viewer for a dataset',
  description:
    'There is at most one per dataset and person: when it is running already, it is returned and nothing starts.',
  request: { body: jsonBody(launchRequest) },
  responses: {
    200: json(session, 'It was there already'),
    201: json(session, 'It is starting'),
    ...problems(400, 401, 403, 404, 409, 503),
  },
})

const list = createRoute({
  method: 'get',
  path: '/api/sessions',
  tags: ['sessions'],
  operationId: 'listSessions',
  summary: 'Your sessions, newest first',
  responses: { 200: json(listOf(session), 'At most one per dataset; ended ones too'), ...problems(401) },
})

const get = createRoute({
  method: 'get',
  path: '/api/sessions/{sessionId}',
  tags: ['sessions'],
  operationId: 'getSession',
  summary: 'One session, now or when it changes',
  request: {
    params,
    query: z.object({
      wait: z.coerce
        .number()
        .int()
        .min(0)
        .max(60)
        .optional()
        .openapi({ description: 'Answer when it changes, or after this many seconds' }),
      seen: z.coerce
        .number()
        .int()
        .optional()
        .openapi({ description: '`version` that you have: answers at once when it is another' }),
    }),
  },
  responses: { 200: json(session, 'The session'), ...problems(400, 401, 404) },
})

const stop = createRoute({
  method: 'post',
  path: '/api/sessions/{sessionId}/stop',
  tags: ['sessions'],
  operationId: 'stopSession',
  summary: 'Stop it; annotations are kept',
  request: { params },
  responses: { 200: json(session, 'Stopping, or over already'), ...problems(401, 403, 404, 409) },
})

const keep = createRoute({
  method: 'post',
  path: '/api/sessions/{sessionId}/keep',
  tags: ['sessions'],
  operationId: 'keepSession',
  summary: 'Keep it running: counts as use',
  request: { params },
  responses: { 200: json(session, 'With the time until which it now runs'), ...problems(401, 403, 404) },
})

const receipts = createRoute({
  method: 'get',
  path: '/api/receipts',
  tags: ['sessions'],
  operationId: 'listReceipts',
  summary: 'What your sessions used, newest first',
  responses: { 200: json(listOf(receipt), 'One per ended session'), ...problems(401) },
})

/** An answer that waits must be out before the request's time is over. */
const waitMargin = 3_000

export function sessionRoutes(app: OpenAPIHono<Env>, deps: ApiDeps): void {
  const { launcher, limits, viewOrigin } = deps
  const wire = async (of: Session) => wireSession(of, await launcher.waitInLine(of), limits, viewOrigin)

  app.openapi(launch, async (c) => {
    const { datasetId, larger } = c.req.valid('json')
    const before = await launcher.findSession(c.var.who, datasetId)
    const started = await launcher.launch(c.var.who, datasetId, { by: 'click', ...(larger ? { larger } : {}) })
    c.header('location', `/api/sessions/${started.id}`)
    const existed = before !== null && isLive(before) && before.id === started.id
    return existed ? c.json(await wire(started), 200) : c.json(await wire(started), 201)
  })
  app.openapi(list, async (c) => {
    const items = await Promise.all((await launcher.listSessions(c.var.who)).map(wire))
    return c.json({ items }, 200)
  })
  app.openapi(get, async (c) => {
    const { sessionId } = c.req.valid('param')
    const { wait = 0, seen } = c.req.valid('query')
    const waitMs = Math.min(wait * 1000, limits.apiTimeoutMs - waitMargin)
    let current = await launcher.getSession(c.var.who, sessionId)
    const known = seen ?? current.version
    const gone = c.req.raw.signal
    // A timer of our own: Node 20 may forget a time-out signal that only a composite one refers to, and wait on.
    let over = waitMs <= 0
    let look = new AbortController()
    const timer = setTimeout(() => {
      over = true
      look.abort()
    }, waitMs)
    try {
      // In a loop: a beat of the gate wakes us too, and is no change.
      while (current.version === known && !over && !gone.aborted) {
        look = new AbortController()
        // Listening first and reading after: a change between the two must not be slept through.
        const signal = AbortSignal.any([gone, look.signal])
        const changed = launcher.waitForChange(current.ownerId, current.datasetId, waitMs, signal)
        current = await launcher.getSession(c.var.who, sessionId)
        if (current.version === known) await changed
        look.abort()
        current = await launcher.getSession(c.var.who, sessionId)
      }
    } finally {
      clearTimeout(timer)
    }
    return c.json(await wire(current), 200)
  })
  app.openapi(stop, async (c) =>
    c.json(await wire(await launcher.stop(c.var.who, c.req.valid('param').sessionId)), 200),
  )
  app.openapi(keep, async (c) =>
    c.json(await wire(await launcher.keep(c.var.who, c.req.valid('param').sessionId)), 200),
  )
  app.openapi(receipts, async (c) => c.json({ items: (await launcher.receipts(c.var.who)).map(wireReceipt) }, 200))
}
