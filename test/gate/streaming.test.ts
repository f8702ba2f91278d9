/** Bodies in both directions: bounded where they must be looked at, streamed where not, never cut short in silence. */
import http from 'node:http'
import net from 'node:net'
import { join } from 'node:path'
import { deflateSync, gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { bodiesWithin } from '../../functions/gate/body.ts'
import { json, routePath, startWorld, until, type World } from './world.ts'

const MiB = 2 ** 20

describe('an answer', () => {
  test.each(['', '&sized'])('of 300 MB passes through and leaves memory as it was (%s)', async (sized) => {
    const world = await startWorld()
    await stream(world, 20 * MiB, sized) // buffers and code that come with the first one
    const before = process.memoryUsage()
    let most = 0
    const size = await stream(world, 300 * MiB, sized, () => {
      const { rss, external, arrayBuffers } = process.memoryUsage()
      most = Math.max(most, rss - before.rss, external + arrayBuffers - before.external - before.arrayBuffers)
    })
    expect(size).toBe(300 * MiB)
    // Gate, viewer and browser share this process: 300 MB kept anywhere would show.
    expect(most).toBeLessThan(150 * MiB)
  })

  test('that a slow browser reads is not collected for it', async () => {
    const world = await startWorld()
    const before = process.memoryUsage().rss
    const res = await open(world, 'api/v0.2/layout/obs?bytes=300000000')
    res.pause()
    await new Promise((resolve) => setTimeout(resolve, 300))
    expect(process.memoryUsage().rss - before).toBeLessThan(100 * MiB)
    res.destroy()
    await until(() => world.viewer.seen.aborted === 1) // and the viewer stops
  })

  test('that its browser has stopped reading does not hold the viewer for ever', async () => {
    const world = await startWorld({ tuning: { silentSocketMs: 300 } })
    const res = await open(world, 'api/v0.2/layout/obs?bytes=300000000')
    res.on('error', () => {})
    res.pause()
    await until(() => world.viewer.seen.aborted === 1)
  })

  test('that its browser no longer wants is stopped before it began', async () => {
    const world = await startWorld()
    const gone = new AbortController()
    const asked = world.ask('api/v0.2/layout/obs?delay=3000&bytes=10', { signal: gone.signal })
    await until(() => world.viewer.requests.some(({ url }) => url.includes('delay')))
    gone.abort()
    await expect(asked).rejects.toThrow()
    await until(() => world.viewer.seen.aborted > 0)
  })

  test.each(['', '&sized'])('cut off by the viewer is cut off for the browser (%s)', async (sized) => {
    const world = await startWorld()
    await expect(world.ask(`api/v0.2/layout/obs?bytes=500000&cut${sized}`)).rejects.toThrow()
  })

  test('stays compressed as the viewer made it', async () => {
    const world = await startWorld()
    const reply = await world.ask('api/v0.2/schema', { headers: { 'accept-encoding': 'gzip' } })
    expect([reply.headers['content-encoding'], reply.headers.vary]).toEqual(['gzip', 'Accept-Encoding'])
    expect(reply.body.subarray(0, 2).toString('hex')).toBe('1f8b')
  })
})

describe('a request’s body', () => {
  test('reaches the viewer as it was sent', async () => {
    const world = await startWorld()
    const body = Buffer.from(Array.from({ length: 256 }, (_, at) => at))
    const reply = await world.ask('api/v0.2/data/var?echo', { method: 'PUT', body })
    expect(json(reply).body).toBe(body.toString('latin1'))
  })

  test.each([
    ['gzip', gzipSync],
    ['deflate', deflateSync],
  ])('with Content-Encoding %s is inflated here, within bounds', async (coding, pack) => {
    const world = await startWorld({ tuning: { bodyBytes: 50_000 } })
    const send = (size: number) =>
      world.ask('api/v0.2/summarize/var?echo', {
        method: 'POST',
        body: pack(Buffer.alloc(size, 'a')),
        headers: { 'content-encoding': coding },
      })
    const reply = json(await send(50_000)) as { body: string; headers: Record<string, string> }
    expect([reply.body.length, reply.headers['content-encoding']]).toEqual([50_000, undefined])
    const before = world.viewer.requests.length
    expect((await send(50_001)).status).toBe(413)
    expect(world.viewer.requests.length).toBe(before)
  })

  test('of an unknown or untrue coding is refused', async () => {
    const world = await startWorld()
    for (const [coding, body] of [
      ['br', 'x'],
      ['gzip, gzip', gzipSync('x')],
      ['gzip', 'plain'],
    ] as const) {
      const headers = { 'content-encoding': coding }
      expect((await world.ask('api/v0.2/data/var', { method: 'PUT', body, headers })).status).toBe(400)
    }
  })

  test('over its bound is refused, told beforehand or not', async () => {
    const world = await startWorld({ tuning: { bodyBytes: 1000 } })
    const before = world.viewer.requests.length
    const body = Buffer.alloc(1001)
    const chunked = { 'transfer-encoding': 'chunked' }
    expect((await world.ask('api/v0.2/data/var', { method: 'PUT', body })).status).toBe(413)
    expect((await world.ask('api/v0.2/data/var', { method: 'PUT', body, headers: chunked })).status).toBe(413)
    // 1000 cells allowed: 16 bytes each on top.
    const list = Buffer.alloc(1000 + 16_000 + 1, ' ')
    expect((await world.ask('api/v0.2/diffexp/obs', { method: 'POST', body: list })).status).toBe(413)
    expect(world.viewer.requests.length).toBe(before)
  })

  test('that inflates a thousandfold costs the gate no memory to speak of', async () => {
    const world = await startWorld()
    const bomb = deflateSync(Buffer.alloc(390 * MiB)) // 389 KB, as the one that cost the original 750 MB
    expect(bomb.length).toBeLessThan(420_000)
    const before = process.memoryUsage().rss
    let most = 0
    const watch = setInterval(() => {
      most = Math.max(most, process.memoryUsage().rss - before)
    }, 5)
    const headers = { 'x-cxod-base': 'none' }
    const reply = await world.ask('api/v0.2/annotations/obs', { method: 'PUT', body: bomb, headers })
    clearInterval(watch)
    expect([reply.status, json(reply).code]).toEqual([413, 'too-large'])
    expect(world.viewer.requests.some(({ method }) => method === 'PUT')).toBe(false)
    expect(most).toBeLessThan(150 * MiB)
  })

  test('is refused in words that arrive, though it is still being sent', async () => {
    const world = await startWorld({ tuning: { bodyBytes: 1000 } })
    const body = Buffer.alloc(8 * MiB)
    for (const headers of [{}, { 'transfer-encoding': 'chunked' }, { connection: 'close' }]) {
      const asked = [
        world.ask('api/v0.2/data/var', { method: 'PUT', body, headers }),
        world.ask('api/v0.2/data/var', { method: 'PUT', body, headers, cookie: null }),
        world.ask('api/v0.2/colors', { method: 'POST', body, headers }),
        world.ask('nothing', { method: 'PUT', body, headers }),
      ]
      expect((await Promise.all(asked)).map((reply) => [reply.status, typeof json(reply).code])).toEqual(
        [413, 401, 405, 404].map((status) => [status, 'string']),
      )
    }
  })

  test('that alone is more than all of them may take is refused for good, not for now', async () => {
    const world = await startWorld({ tuning: { bodiesBytes: 1_000_000 } })
    const reply = await world.saveGeneSets('x'.repeat(1_000_001), null)
    expect([reply.status, json(reply).code]).toEqual([413, 'too-large'])
    expect((await world.saveGeneSets('x'.repeat(900_000), null)).status).toBe(200)
  })

  test.each([
    ['no bound', undefined, 160],
    ['no bound, in the kernel’s words', 2 ** 64, 160],
    ['a small container', 256 * 2 ** 20, 80],
    ['a tiny one', 64 * 2 ** 20, 16],
  ])('may take what fits beside the gate itself: %s', (_name, limit, MiB) => {
    expect(bodiesWithin(160 * 2 ** 20, limit)).toBe(MiB * 2 ** 20)
  })

  test('shares one budget of memory with all others', async () => {
    const world = await startWorld({ tuning: { bodiesBytes: 1_000_000 } })
    const hold = http.request({
      socketPath: join(world.config.taskDir, 'gate.sock'),
      method: 'PUT',
      path: `${routePath}api/v0.2/genesets`,
      headers: { ...(await pageHeaders(world)), 'x-cxod-base': 'none' },
      agent: false,
    })
    hold.on('error', () => {})
    hold.write(Buffer.alloc(900_000, 'a'))
    const body = Buffer.alloc(200_000, 'b')
    await until(async () => {
      const reply = await world.ask('api/v0.2/data/var', { method: 'PUT', body })
      return reply.status === 503 && json(reply).code === 'unavailable'
    })
    hold.destroy()
    await until(async () => (await world.ask('api/v0.2/data/var', { method: 'PUT', body })).status === 200)
  })

  test('or head that does not come is not waited for', async () => {
    const world = await startWorld({ tuning: { headersMs: 100, requestMs: 200 } })
    const head = `PUT ${routePath}api/v0.2/data/var HTTP/1.1\r\nhost: x\r\n`
    const page = Object.entries(await pageHeaders(world)).map(([name, value]) => `${name}: ${value}\r\n`)
    for (const text of [head, `${head}${page.join('')}content-length: 100\r\n\r\nhalf`]) {
      const closed = await new Promise<string>((resolve) => {
        let answer = ''
        const socket = net.connect(join(world.config.taskDir, 'gate.sock'), () => socket.write(text))
        socket.on('data', (part) => {
          answer += String(part)
        })
        socket.on('error', () => {})
        socket.on('close', () => resolve(answer))
      })
      expect(closed).toMatch(/^(HTTP\/1\.1 408 |$)/)
    }
    expect(world.viewer.requests.some(({ method }) => method === 'PUT')).toBe(false)
  })
})

test('a kept connection that the viewer was just closing costs nothing: the request is sent on another', async () => {
  const world = await startWorld()
  await Promise.all([1, 2, 3].map(() => world.ask('api/v0.2/config?delay=20'))) // three kept connections
  expect((await world.ask('api/v0.2/config?stale')).status).toBe(200)
  expect(world.api.byes).toEqual([])
})

test('connections to the viewer are kept', async () => {
  const world = await startWorld()
  const before = world.viewer.seen.connections
  for (let at = 0; at < 20; at += 1) expect((await world.ask('api/v0.2/config')).status).toBe(200)
  expect(world.viewer.seen.connections - before).toBe(1)
})

async function pageHeaders(world: World): Promise<Record<string, string>> {
  return { cookie: await world.cookie(), 'x-cxod-owner': 'local:ada', 'x-cxod-dataset-version': 'v-1' }
}

async function open(world: World, path: string): Promise<http.IncomingMessage> {
  const headers = await pageHeaders(world)
  return new Promise((resolve, reject) => {
    const socketPath = join(world.config.taskDir, 'gate.sock')
    const req = http.get({ socketPath, path: `${routePath}${path}`, headers, agent: false }, resolve)
    req.on('error', reject)
  })
}

async function stream(world: World, bytes: number, sized: string, look: () => void = () => {}): Promise<number> {
  const res = await open(world, `api/v0.2/layout/obs?bytes=${bytes}${sized}`)
  const watch = setInterval(look, 20)
  let size = 0
  for await (const part of res as AsyncIterable<Buffer>) size += part.length
  clearInterval(watch)
  look()
  return size
}
