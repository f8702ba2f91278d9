/** Who gets through the gate's public side, and to what. */
import net from 'node:net'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { deferred } from '../../functions/gate/timing.ts'
import { json, routePath, startWorld, until } from './world.ts'

describe('the route', () => {
  test('serves what is below it, as the viewer answers it', async () => {
    const world = await startWorld()
    const reply = await world.ask('api/v0.2/config?a=b%2Fc')
    expect(reply.status).toBe(200)
    expect(json(reply).path).toBe('config')
    expect(world.viewer.requests.at(-1)?.url).toBe('/api/v0.2/config?a=b%2Fc')
  })

  test.each([
    '/',
    '/api/v0.2/config',
    '/s/01-abc',
    '/s/02-abc/api/v0.2/config',
    '/s/01-abc/../01-abc/api/v0.2/config',
    '/s/01-abc/./api/v0.2/config',
    '//s/01-abc/api/v0.2/config',
    '/S/01-abc/api/v0.2/config',
    '/s%2f01-abc/api/v0.2/config',
    'http://viewer/s/01-abc/api/v0.2/config',
    `${routePath}`,
    `${routePath}health`,
    `${routePath}-/reload`,
    `${routePath}static/main.js`,
    `${routePath}api/v0.2/`,
    `${routePath}api/v0.2/config/`,
    `${routePath}api/v0.2//config`,
    `${routePath}api/v0.2/conf%69g`,
    `${routePath}api%2fv0.2/config`,
    `${routePath}api/v0.2/..%2f..%2f-%2freload`,
    `${routePath}api/v0.2/%2e%2e/%2e%2e/-/reload`,
    `${routePath}api/v0.2/../../-/reload`,
    `${routePath}api/v0.2/config%00`,
    `${routePath}api/v0.2/config;x=1`,
    `${routePath}api\\v0.2\\config`,
    `${routePath}-/later/../../api/v0.2/config`,
    `${routePath}-/later/${'0'.repeat(31)}`,
  ])('answers 404 to %s and asks the viewer nothing', async (path) => {
    const world = await startWorld()
    const before = world.viewer.requests.length
    const reply = await world.askRaw(path, { method: 'GET' })
    expect(reply.status).toBe(404)
    expect(world.viewer.requests.length).toBe(before)
  })

  test.each([
    ['POST', 'api/v0.2/config'],
    ['DELETE', 'api/v0.2/annotations/obs'],
    ['OPTIONS', 'api/v0.2/schema'],
    ['PATCH', 'api/v0.2/genesets'],
    ['GET', 'api/v0.2/diffexp/obs'],
    ['TRACE', 'api/v0.2/config'],
    ['GET', '-/active'],
    ['POST', '-/health'],
  ])('answers 405 to %s %s', async (method, path) => {
    const world = await startWorld()
    const before = world.viewer.requests.length
    const reply = await world.ask(path, { method })
    expect(reply.status).toBe(405)
    expect(reply.headers.allow).toBeTruthy()
    expect(world.viewer.requests.length).toBe(before)
  })

  test('says that it is healthy without a cookie, also before the viewer is ready', async () => {
    const loaded = deferred<void>()
    const world = await startWorld({ early: true, viewer: { loadUntil: loaded.promise } })
    await until(async () => (await world.ask('-/health', { cookie: null })).status === 200)
    expect((await world.ask('api/v0.2/config')).headers['x-cxod-viewer']).toBe('none')
    expect((await world.ask('api/v0.2/config', { cookie: null })).status).toBe(401)
    loaded.resolve()
    await until(async () => (await world.ask('api/v0.2/config')).status === 200)
  })

  test('answers nothing at all before it knows its work', async () => {
    const notYet = { status: 'not-yet', retryMs: 10 } as const
    const world = await startWorld({ early: true, prepare: (api) => api.knocks.splice(0, 1, notYet) })
    await until(() => world.api.calls.length > 1)
    expect((await world.ask('-/health')).status).toBe(404)
    expect((await world.ask('api/v0.2/config')).status).toBe(404)
  })
})

describe('the cookie', () => {
  test.each([
    ['none', () => null],
    ['another name', async (w: World) => (await w.cookie()).replace('cxod-route', 'cxod-page')],
    ['another audience', (w: World) => w.cookie({ aud: 'http://127.0.0.1' })],
    ['another owner', (w: World) => w.cookie({ sub: 'local:bob' })],
    ['another session', (w: World) => w.cookie({ ses: 'session-2' })],
    ['another dataset', (w: World) => w.cookie({ ds: 'other' })],
    ['an expired one', (w: World) => w.cookie({ exp: Math.floor(Date.now() / 1000) - 1 })],
    ['one that never ends', (w: World) => w.cookie({ exp: undefined as never })],
    ['another key', (w: World) => w.cookie({}, 'wrong')],
    ['alg none', () => `cxod-route=${unsigned()}`],
    ['rubbish', () => 'cxod-route=a.b.c'],
  ] as [string, (w: World) => string | null | Promise<string | null>][])('refuses %s with 401', async (_name, make) => {
    const world = await startWorld()
    const before = world.viewer.requests.length
    for (const path of ['api/v0.2/config', '-/active', `-/later/${'0'.repeat(32)}`]) {
      const reply = await world.ask(path, { cookie: await make(world), method: path === '-/active' ? 'POST' : 'GET' })
      expect(reply.status).toBe(401)
      expect(json(reply).code).toBe('not-signed-in')
    }
    expect(world.viewer.requests.length).toBe(before)
  })

  test('is found among others, of the same name too', async () => {
    const world = await startWorld()
    const cookie = `x=1; cxod-route=old.old.old; ${await world.cookie()}; y="2"`
    expect((await world.ask('api/v0.2/config', { cookie })).status).toBe(200)
  })

  test('counts until it ends and no longer, though it was checked before', async () => {
    const world = await startWorld()
    const end = Math.floor(Date.now() / 1000) + 50
    const cookie = await world.cookie({ exp: end })
    expect((await world.ask('api/v0.2/config', { cookie })).status).toBe(200)
    vi.useFakeTimers({ toFake: ['Date'], now: end * 1000 - 1 })
    onTestFinished(() => void vi.useRealTimers())
    expect((await world.ask('api/v0.2/config', { cookie })).status).toBe(200)
    vi.setSystemTime(end * 1000)
    expect((await world.ask('api/v0.2/config', { cookie })).status).toBe(401)
  })
})

describe('the page', () => {
  test('of somebody whose id is no plain ASCII is known by the id as the companion sends it', async () => {
    const ownerId = 'uni:Zoë ☕'
    const world = await startWorld({ work: { ownerId } })
    const asked = { cookie: await world.cookie({ sub: ownerId }), owner: encodeURIComponent(ownerId) }
    expect((await world.ask('api/v0.2/config', asked)).status).toBe(200)
    expect((await world.ask('api/v0.2/config', { ...asked, owner: 'uni:Zo' })).status).toBe(409)
  })

  test.each([
    ['another owner', { owner: 'local:bob' }, 'owner-changed'],
    ['no owner', { owner: null }, 'owner-changed'],
    ['another dataset version', { datasetVersion: 'v-0' }, 'dataset-changed'],
    ['no dataset version', { datasetVersion: null }, 'dataset-changed'],
  ])('with %s gets 409 for reads, saves and everything else', async (_name, wrong, code) => {
    const world = await startWorld()
    const before = world.viewer.requests.length
    for (const reply of [
      await world.ask('api/v0.2/schema', wrong),
      await world.saveLabels('a', null, wrong),
      await world.saveGeneSets('{}', null, wrong),
      await world.ask('api/v0.2/diffexp/obs', { method: 'POST', body: '{}', ...wrong }),
    ]) {
      expect(reply.status).toBe(409)
      expect(json(reply).code).toBe(code)
    }
    expect(world.viewer.requests.length).toBe(before)
    expect(world.api.vault.labels).toEqual([])
  })

  test('reports its use, which reaches the API as an age', async () => {
    const world = await startWorld()
    await until(() => world.api.beats.length > 1)
    expect(world.api.beats.every((beat) => beat.activeAgoMs === null)).toBe(true)
    await world.ask('api/v0.2/config')
    await world.saveLabels('a', null)
    const beats = world.api.beats.length
    await until(() => world.api.beats.length > beats + 1)
    expect(world.api.beats.at(-1)?.activeAgoMs).toBe(null) // traffic is not use
    expect((await world.ask('-/active', { method: 'POST' })).status).toBe(204)
    await until(() => typeof world.api.beats.at(-1)?.activeAgoMs === 'number')
    expect((await world.ask('-/active', { method: 'POST', owner: 'local:bob' })).status).toBe(409)
  })

  test('learns with it which versions are the newest', async () => {
    const world = await startWorld()
    const versions = async () => {
      const { headers } = await world.ask('-/active', { method: 'POST' })
      return [headers['x-cxod-labels-version'], headers['x-cxod-genesets-version']]
    }
    expect(await versions()).toEqual(['none', 'none'])
    await world.saveLabels('a', null)
    expect(await versions()).toEqual(['1', 'none'])
  })
})

describe('headers', () => {
  test('of a browser: only what the viewer needs', async () => {
    const world = await startWorld()
    const headers = {
      accept: 'application/json',
      'accept-encoding': 'gzip',
      authorization: 'Bearer secret',
      connection: 'keep-alive, x-hop',
      'x-hop': '1',
      'x-forwarded-for': '1.2.3.4',
      'x-save-id': 'forged',
      te: 'trailers',
      upgrade: 'websocket',
    }
    const reply = await world.ask('api/v0.2/colors?echo', { headers })
    const seen = (json(reply) as { headers: Record<string, string> }).headers
    expect(seen).toEqual({
      host: 'viewer',
      accept: 'application/json',
      'accept-encoding': 'gzip',
      connection: 'keep-alive',
    })
  })

  test('of the viewer: no cookies, nothing that speaks for us, and a page that can do nothing', async () => {
    const world = await startWorld()
    for (const path of ['api/v0.2/colors?echo', 'api/v0.2/colors?status=500', '-/nothing', '-/health']) {
      const { headers } = await world.ask(path)
      expect(headers['set-cookie']).toBeUndefined()
      expect(headers['x-cxod-viewer']).toBeUndefined()
      expect(headers.server).toBeUndefined()
      expect(headers.via).toBeUndefined()
      expect(headers['content-security-policy']).toBe("sandbox; default-src 'none'")
      expect(headers['x-content-type-options']).toBe('nosniff')
      expect(headers['cache-control']).toBe('no-store')
    }
  })

  test.each([
    ['/api/v0.2/schema?x=1', `${routePath}api/v0.2/schema?x=1`],
    ['http://viewer/api/v0.2/colors', `${routePath}api/v0.2/colors`],
    ['../schema', undefined],
    ['https://evil.example/api/v0.2/colors', undefined],
    ['//evil.example/api/v0.2/colors', undefined],
    ['/-/reload', undefined],
    ['javascript:alert(1)', undefined],
  ])('redirect to %s becomes %s', async (to, expected) => {
    const world = await startWorld()
    const reply = await world.ask(`api/v0.2/colors?redirect=${encodeURIComponent(to)}`)
    expect(reply.status).toBe(302)
    expect(reply.headers.location).toBe(expected)
  })

  test('HEAD is answered without a body', async () => {
    const world = await startWorld()
    const reply = await world.ask('api/v0.2/colors', { method: 'HEAD' })
    expect([reply.status, reply.body.length]).toEqual([200, 0])
    expect(world.viewer.requests.at(-1)?.method).toBe('HEAD')
  })
})

test.each([
  ['a length and chunks at once', 'content-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n'],
  ['two lengths', 'content-length: 0\r\ncontent-length: 5\r\n\r\nhello'],
])('refuses %s, of which two readers could make two different requests', async (_name, tail) => {
  const world = await startWorld()
  const before = world.viewer.requests.length
  const head = `PUT ${routePath}api/v0.2/data/var HTTP/1.1\r\nhost: x\r\ncookie: ${await world.cookie()}\r\n`
  const page = 'x-cxod-owner: local:ada\r\nx-cxod-dataset-version: v-1\r\n'
  const answer = await talk(join(world.config.taskDir, 'gate.sock'), `${head}${page}${tail}`)
  expect(answer).toMatch(/^HTTP\/1\.1 400 /)
  expect(world.viewer.requests.length).toBe(before)
})

function talk(path: string, text: string): Promise<string> {
  return new Promise((resolve) => {
    let answer = ''
    const socket = net.connect(path, () => socket.write(text))
    socket.on('data', (part) => {
      answer += String(part)
    })
    socket.on('error', () => {})
    socket.on('close', () => resolve(answer))
  })
}

function unsigned(): string {
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const exp = Math.floor(Date.now() / 1000) + 60
  return `${part({ alg: 'none' })}.${part({ aud: 'route', sub: 'local:ada', ses: 'session-1', ds: 'pbmc', exp })}.`
}

type World = Awaited<ReturnType<typeof startWorld>>
