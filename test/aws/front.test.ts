/** CloudFront, function URLs and the load balancer as the harness plays them: who gets what, what is kept, and each one's own errors. */
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { createAlb } from './alb.ts'
import { type CloudFront, startCloudFront } from './cloudfront.ts'
import type { Target } from './elb.ts'
import type { LambdaFunction, Outcome } from './lambda.ts'

type Event = {
  rawPath: string
  rawQueryString: string
  headers: Record<string, string>
  cookies?: string[]
  body?: string
  isBase64Encoded: boolean
  requestContext: { http: { method: string } }
}
const asked: Event[] = []
let answer: (event: Event) => unknown = () => ({ statusCode: 200, body: 'ok' })
let outcome: Outcome | null = null
const fake = (name: string) =>
  ({
    name,
    async invoke(event: Event): Promise<Outcome> {
      asked.push(event)
      const value = await answer(event)
      return outcome ?? { kind: 'answer', value, calls: 0 }
    },
  }) as unknown as LambdaFunction

let front: CloudFront
let serve: (originTimeoutMs: number) => void
const targets: Target[] = []
const ports = new Map<string, number>()
const gates: http.Server[] = []
let heard: http.IncomingHttpHeaders = {}
let firstSeen = () => {}
const seen = new Promise<void>((resolve) => {
  firstSeen = resolve
})
const target = (id: string, health: Target['health']): Target => ({ id, port: 8080, health, failures: 0, drainedAt: 0 })

/** Somebody at an address of the network. */
async function gate(id: string, say: http.RequestListener): Promise<void> {
  const server = http.createServer(say)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  gates.push(server)
  ports.set(id, (server.address() as AddressInfo).port)
}

beforeAll(async () => {
  await gate('10.0.0.1', (req, res) => {
    heard = req.headers
    res.writeHead(200, { 'content-type': 'application/json' }).write('first ')
    // The rest comes once the first was seen: a proxy that waits for the whole would never show it.
    req.resume()
    void seen.then(() => res.end('last'))
  })
  await gate('10.0.0.2', (_, res) => res.end('second gate'))
  await gate('10.0.0.3', () => {})
  // tcpmux, which nobody has any more: a port that was free a moment ago may be somebody's by now.
  ports.set('10.0.0.4', 1)
  const rules = [{ priority: 1, patterns: ['/s/00-*'], group: 'one' }]
  const elb = { rules: async () => rules, targets: () => targets, groups: () => ['one'], stop: async () => {} }
  const alb = createAlb({ elb, portOf: (id) => ports.get(id) ?? null, idleMs: 300_000, connectMs: 50 })
  front = await startCloudFront()
  serve = (originTimeoutMs) =>
    front.serve({ originSecret: 'the-secret', api: fake('api'), lobby: fake('lobby'), alb, originTimeoutMs })
})
beforeEach(() => {
  serve(60_000)
  asked.length = 0
  targets.length = 0
  outcome = null
  answer = () => ({ statusCode: 200, body: 'ok' })
})
afterAll(async () => {
  await front?.stop()
  for (const server of gates) {
    server.closeAllConnections()
    server.close()
  }
})

const get = async (url: string, init: RequestInit = {}) => {
  const response = await fetch(url, { redirect: 'manual', ...init })
  return { status: response.status, text: await response.text(), headers: response.headers }
}

test('adds the secret, drops a client’s own, and says who is there; cookies and bodies as a function URL has them', async () => {
  const forged = { 'x-cxod-origin': 'mine', 'cloudfront-viewer-address': '6.6.6.6:1', 'x-forwarded-for': '6.6.6.6' }
  await get(`${front.appOrigin}/sign-in?next=%2Fa&b=c`, {
    method: 'POST',
    headers: { ...forged, cookie: 'a=1; b=2' },
    body: new URLSearchParams({ name: 'ann' }),
  })
  const [event] = asked
  expect(event).toMatchObject({ rawPath: '/sign-in', rawQueryString: 'next=%2Fa&b=c', cookies: ['a=1', 'b=2'] })
  expect(event?.headers['x-cxod-origin']).toBe('the-secret')
  expect(event?.headers['cloudfront-viewer-address']).toMatch(/^(::1|127\.0\.0\.1|::ffff:127\.0\.0\.1):\d+$/)
  expect(event?.headers['x-forwarded-for']).toMatch(/^6\.6\.6\.6, /)
  expect(event?.headers.host).toMatch(/lambda-url/)
  expect(event?.headers.cookie).toBeUndefined()
  const body = Buffer.from(event?.body ?? '', event?.isBase64Encoded ? 'base64' : 'utf8').toString()
  expect(body).toBe('name=ann')
})

test('keeps what may be kept, sends nothing of its viewers there, and never keeps an error', async () => {
  const page = `${front.viewOrigin}/v/pbmc/static/main.js`
  answer = () => ({ statusCode: 500, headers: { 'cache-control': 'public, max-age=60' }, body: 'broken' })
  expect((await get(page)).status).toBe(500)
  answer = () => ({ statusCode: 200, headers: { 'cache-control': 'public, max-age=60' }, body: 'script' })
  const first = await get(`${page}?x=1`, { headers: { cookie: 'a=1' } })
  const second = await get(page)
  expect([first, second].map(({ text, headers }) => [text, headers.get('x-cache')])).toEqual([
    ['script', 'Miss from cloudfront'],
    ['script', 'Hit from cloudfront'],
  ])
  expect(asked.map(({ cookies, rawQueryString }) => [cookies, rawQueryString])).toEqual([
    [undefined, ''],
    [undefined, ''],
  ])
  // A page of its own says the same, and is somebody's own.
  for (const _ of [1, 2]) await get(`${front.viewOrigin}/v/pbmc/`)
  expect(asked).toHaveLength(4)
  expect((await get(page, { method: 'POST' })).status).toBe(403)
})

test('passes cookies and bytes of an answer, and has words of its own where there is none', async () => {
  answer = () => ({
    statusCode: 201,
    headers: { 'Content-Type': 'image/png' },
    cookies: ['a=1; Path=/', 'b=2'],
    body: Buffer.from([0, 255, 1]).toString('base64'),
    isBase64Encoded: true,
  })
  const response = await fetch(`${front.appOrigin}/icon`)
  expect([response.status, response.headers.getSetCookie()]).toEqual([201, ['a=1; Path=/', 'b=2']])
  expect([...new Uint8Array(await response.arrayBuffer())]).toEqual([0, 255, 1])
  const large = { method: 'PUT', body: Buffer.alloc(5 * 2 ** 20) }
  // Five megabytes are more than six in base64.
  expect((await get(`${front.appOrigin}/x`, large)).status).toBe(413)
  answer = () => ({ statusCode: 200, body: 'x'.repeat(6 * 2 ** 20) })
  expect((await get(`${front.appOrigin}/x`)).status).toBe(502)
  for (const [given, status] of [
    [{ kind: 'error', name: 'Error', message: 'x' }, 502],
    [{ kind: 'timeout' }, 504],
    [{ kind: 'throttled' }, 429],
  ] as const) {
    outcome = given
    expect((await get(`${front.appOrigin}/x`)).status).toBe(status)
  }
  outcome = null
  serve(100)
  answer = () => new Promise(() => {})
  expect((await get(`${front.appOrigin}/x`)).status).toBe(504)
})

test('leads a slot’s path to a healthy target, streaming; to any where none is healthy; and tells what lacks', async () => {
  const at = (path: string) => get(`${front.viewOrigin}${path}`)
  expect((await at('/s/01-abc/schema')).status).toBe(404)
  expect((await at('/S/00-abc/')).status).toBe(200)
  expect(asked.map(({ rawPath }) => rawPath)).toEqual(['/S/00-abc/'])
  expect((await at('/s/00-abc/')).status).toBe(503)
  targets.push(target('10.0.0.1', 'draining'))
  expect((await at('/s/00-abc/')).status).toBe(503)
  targets.push(target('10.0.0.2', 'unhealthy'))
  expect((await at('/s/00-abc/')).text).toBe('second gate')
  targets.push(target('10.0.0.1', 'healthy'))
  const headers = { 'x-cxod-owner': 'local:ann', bad_name: 'dropped', 'x-forwarded-for': '6.6.6.6' }
  const response = await fetch(`${front.viewOrigin}/s/00-abc/api?x=1`, { method: 'POST', body: 'all of it', headers })
  const reader = response.body?.getReader()
  expect(new TextDecoder().decode((await reader?.read())?.value)).toBe('first ')
  firstSeen()
  expect(new TextDecoder().decode((await reader?.read())?.value)).toBe('last')
  expect(heard).toMatchObject({ 'x-cxod-owner': 'local:ann', 'content-length': '9', 'x-forwarded-proto': 'http' })
  expect(heard).not.toHaveProperty('bad_name')
  expect(heard['x-forwarded-for']?.toString().split(', ')).toHaveLength(3)
})

test.each([
  ['nobody listens', '10.0.0.4', 502, /502 Bad Gateway/],
  ['the address went with its task', '10.0.0.5', 504, /504 Gateway Time-out/],
  ['a gate that is silent for too long', '10.0.0.3', 504, /could not be satisfied/],
] as const)('%s', async (_, id, status, words) => {
  if (id === '10.0.0.3') serve(100)
  targets.push(target(id, 'healthy'))
  expect(await get(`${front.viewOrigin}/s/00-abc/`)).toMatchObject({ status, text: expect.stringMatching(words) })
})
