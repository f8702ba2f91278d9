/** Answers that take long: told where to ask, spooled, fetched; differential expressions one at a time. */
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { deferred } from '../../functions/gate/timing.ts'
import { json, type Reply, routePath, startWorld, until, type World } from './world.ts'

const soon = { laterAfterMs: 40, laterPollMs: 40, laterFetchedMs: 1500 }
const spooled = (world: World) => {
  const dir = join(world.config.taskDir, 'later')
  return existsSync(dir) ? readdirSync(dir) : []
}

function expectLater(reply: Reply): string {
  expect([reply.status, reply.headers['x-cxod-viewer'], reply.body.length]).toEqual([202, 'later', 0])
  const place = String(reply.headers.location)
  expect(place).toMatch(new RegExp(`^${routePath}-/later/[0-9a-f]{32}$`))
  return place
}

async function fetchLater(world: World, place: string): Promise<Reply> {
  for (;;) {
    const reply = await world.askRaw(place)
    if (reply.status !== 202) return reply
    expect(expectLater(reply)).toBe(place)
  }
}

describe('an answer that takes long', () => {
  test('is promised, waited for, and given as it would have been', async () => {
    const world = await startWorld({ tuning: soon })
    const place = expectLater(await world.ask('api/v0.2/layout/obs?held&bytes=300000'))
    expectLater(await world.askRaw(place))
    world.viewer.release()
    const reply = await fetchLater(world, place)
    expect([reply.status, reply.headers['content-type']]).toEqual([200, 'application/octet-stream'])
    expect(reply.body.equals(Buffer.alloc(300_000, 'x'))).toBe(true)
    expect(reply.headers['content-security-policy']).toBe("sandbox; default-src 'none'")
    // Once more for a browser that lost its connection on the last stretch; then it is removed.
    expect((await world.askRaw(place)).status).toBe(200)
    await until(() => spooled(world).length === 0)
    expect((await world.askRaw(place)).status).toBe(404)
  })

  test('keeps status, version and compression', async () => {
    const world = await startWorld({ tuning: soon })
    const status = expectLater(await world.ask('api/v0.2/colors?held&status=501'))
    const headers = { 'accept-encoding': 'gzip' }
    const packed = expectLater(await world.ask('api/v0.2/schema?held', { headers }))
    world.viewer.release()
    const failed = await fetchLater(world, status)
    expect([failed.status, json(failed)]).toEqual([501, { message: 'as asked' }])
    const schema = await fetchLater(world, packed)
    expect([schema.headers['content-encoding'], schema.headers['x-cxod-labels-version']]).toEqual(['gzip', 'none'])
    expect(schema.body.subarray(0, 2).toString('hex')).toBe('1f8b')
  })

  test('of a save is its acknowledgement', async () => {
    const world = await startWorld({ tuning: soon })
    const go = deferred<void>()
    world.api.beforePut = () => go.promise
    const place = expectLater(await world.saveLabels('one', null))
    go.resolve()
    const reply = await fetchLater(world, place)
    expect([reply.status, reply.headers['x-cxod-labels-version']]).toEqual([200, '1'])
  })

  test('that breaks off while it is kept is an error, not half an answer', async () => {
    const world = await startWorld({ tuning: soon })
    const place = expectLater(await world.ask('api/v0.2/layout/obs?held&bytes=200000&cut'))
    world.viewer.release()
    const reply = await fetchLater(world, place)
    expect([reply.status, json(reply).code]).toEqual([503, 'unavailable'])
  })

  test('that nobody asks for is dropped, made or not', async () => {
    const world = await startWorld({ tuning: { ...soon, laterKeepMs: 60 } })
    expectLater(await world.ask('api/v0.2/layout/obs?delay=60&bytes=1000'))
    expectLater(await world.ask('api/v0.2/layout/obs?held&bytes=1000'))
    // The viewer need not finish the second.
    await until(() => world.viewer.requests.some(({ url, aborted }) => url.includes('held') && aborted))
    await until(() => spooled(world).length === 0)
  })

  test('is bounded in number: the oldest that nobody fetched makes room', async () => {
    const world = await startWorld({ tuning: { ...soon, laterMost: 2 } })
    const places: string[] = []
    for (let at = 0; at < 3; at += 1) {
      places.push(expectLater(await world.ask('api/v0.2/layout/obs?delay=60&bytes=1000')))
      await until(() => spooled(world).length === Math.min(2, at + 1))
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    const statuses = await Promise.all(places.map(async (place) => (await fetchLater(world, place)).status))
    expect(statuses).toEqual([404, 200, 200])
  })

  test('waits on its connection when every place is taken by answers still being made', async () => {
    const world = await startWorld({ tuning: { ...soon, laterMost: 1 } })
    expectLater(await world.ask('api/v0.2/layout/obs?held&bytes=10'))
    const reply = await world.ask('api/v0.2/layout/obs?delay=150&bytes=10')
    expect([reply.status, reply.body.length]).toEqual([200, 10])
  })

  test('is bounded in bytes on disk', async () => {
    const world = await startWorld({ tuning: { ...soon, laterBytes: 100_000 } })
    const reply = await fetchLater(world, expectLater(await world.ask('api/v0.2/layout/obs?delay=60&bytes=200000')))
    expect(reply.status).toBe(503)
    const small = await fetchLater(world, expectLater(await world.ask('api/v0.2/layout/obs?delay=60&bytes=90000')))
    expect([small.status, small.body.length]).toEqual([200, 90_000])
  })
})

describe('differential expressions', () => {
  const diffexp = (world: World, time: number | 'held', name: string, signal?: AbortSignal) =>
    world.ask('api/v0.2/diffexp/obs', {
      method: 'POST',
      body: JSON.stringify(time === 'held' ? { held: true, name } : { ms: time, name }),
      headers: { 'content-type': 'application/json' },
      ...(signal ? { signal } : {}),
    })

  test('run one at a time, in order, and are all answered', async () => {
    const world = await startWorld()
    const order: string[] = []
    const names = ['a', 'b', 'c', 'd']
    const asked = names.map((name) => diffexp(world, 20, name).then((reply) => order.push(String(json(reply).name))))
    await Promise.all(asked)
    expect([...order].sort()).toEqual(names)
    expect(world.viewer.seen.mostDiffexps).toBe(1)
  })

  test('beyond the queue are refused with a time to come back', async () => {
    const world = await startWorld({ tuning: { diffexpWaiting: 2 } })
    let refusals = 0
    const asked = Array.from({ length: 5 }, async () => {
      const reply = await diffexp(world, 'held', 'x')
      if (reply.status === 429) refusals += 1
      return reply
    })
    await until(() => refusals === 2)
    world.viewer.release()
    const replies = await Promise.all(asked)
    expect(replies.map(({ status }) => status).sort()).toEqual([200, 200, 200, 429, 429])
    const refused = replies.find(({ status }) => status === 429)
    expect(refused && [json(refused).code, refused.headers['retry-after']]).toEqual(['too-many-attempts', '5'])
  })

  test('whose browser went away while they waited are dropped', async () => {
    const world = await startWorld()
    const first = diffexp(world, 'held', 'first')
    await until(() => world.viewer.seen.diffexps === 1)
    const gone = new AbortController()
    const second = diffexp(world, 1, 'second', gone.signal)
    const third = diffexp(world, 1, 'third')
    await new Promise((resolve) => setTimeout(resolve, 30))
    gone.abort()
    await expect(second).rejects.toThrow()
    // What comes after it is answered after it was heard of.
    expect((await world.ask('-/health')).status).toBe(200)
    world.viewer.release()
    expect([json(await first).name, json(await third).name]).toEqual(['first', 'third'])
    expect(world.viewer.seen.diffexps).toBe(2)
  })

  test('whose browser went away while they ran keep their turn: the viewer computes on', async () => {
    const world = await startWorld()
    const gone = new AbortController()
    const first = diffexp(world, 120, 'first', gone.signal)
    await until(() => world.viewer.seen.diffexps === 1)
    gone.abort()
    await expect(first).rejects.toThrow()
    expect(json(await diffexp(world, 1, 'second')).name).toBe('second')
    expect(world.viewer.seen.mostDiffexps).toBe(1)
  })

  test('that wait long are promised, and keep their place in the queue', async () => {
    const world = await startWorld({ tuning: soon })
    const first = await diffexp(world, 'held', 'first')
    const second = await diffexp(world, 10, 'second')
    world.viewer.release()
    const replies = await Promise.all([first, second].map((reply) => fetchLater(world, expectLater(reply))))
    expect(replies.map((reply) => json(reply).name)).toEqual(['first', 'second'])
    expect(world.viewer.seen.mostDiffexps).toBe(1)
  })
})
