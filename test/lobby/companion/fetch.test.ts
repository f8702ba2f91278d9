/** Calls that are held, repeated and given up. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { aStatus, json, pass, scripted, stopTime, watch } from './scripted.ts'

beforeEach(() => {
  stopTime()
})
afterEach(() => {
  vi.useRealTimers()
})

const none = () => new Response(null, { status: 202, headers: { 'x-cxod-viewer': 'none' } })
const problem = (status: number, code: string, more: object = {}) =>
  json({ code, title: code, detail: 'why', ...more }, status)

describe('a call', () => {
  it('is held until a viewer is ready, and then says whose page it is from', async () => {
    const { world, fetch, api } = scripted()
    const answer = watch(fetch(`${api}config?a=b`, { headers: new Headers({ Accept: 'application/json' }) }))
    await pass(5000)
    expect(world.routed).toEqual([])
    expect(world.wakes[0]).toEqual({ by: 'page' })
    world.status = aStatus({ state: 'ready' })
    await pass(5000)
    expect(answer.value?.status).toBe(200)
    const [asked] = world.routed
    expect(asked?.path).toBe('/s/one/api/v0.2/config?a=b')
    expect(asked?.headers.get('x-cxod-owner')).toBe('local:ada')
    expect(asked?.headers.get('x-cxod-dataset-version')).toBe('v1')
    expect(asked?.headers.get('accept')).toBe('application/json')
  })

  it('that is not the page’s own API goes where it was going', async () => {
    const { fetch, real, world } = scripted()
    for (const url of [
      'http://view.test/v/pbmc/static/x.js',
      'http://view.test/v/liver/api/v0.2/schema',
      'https://else.test/v/pbmc/api/v0.2/schema',
    ])
      expect(await (await fetch(url)).text()).toBe('real')
    expect(real).toHaveBeenCalledTimes(3)
    expect(world.routed).toEqual([])
  })

  it.each([
    ['nobody at the route', () => none()],
    ['a proxy’s 502', () => new Response('bad gateway', { status: 502 })],
    ['a proxy’s 503', () => new Response('', { status: 503 })],
    ['a closed route’s 404', () => new Response('', { status: 404 })],
    ['a session that is over', () => problem(409, 'session-over')],
    ['a broken connection', () => Promise.reject(new TypeError('Failed to fetch'))],
    [
      'an answer that breaks off',
      () => new Response(new ReadableStream({ pull: (controller) => controller.error(new Error('cut')) })),
    ],
  ])('survives a viewer’s end, seen as %s', async (_what, ending) => {
    const { world, fetch, api } = scripted()
    world.status = aStatus({ state: 'ready' })
    world.onRoute = ({ path }) => {
      if (path.startsWith('/s/two/')) return json({ from: 'two' })
      world.status = aStatus({ state: 'lost', sessionId: 'one' })
      return ending()
    }
    world.onWake = () => world.becomes(aStatus({ state: 'starting', sessionId: 'two' }))
    const answer = watch(fetch(`${api}data/var`, { method: 'PUT', body: '{"gene":1}' }))
    await pass(2000)
    expect(world.wakes).toEqual([{ by: 'page' }])
    world.status = aStatus({ state: 'ready', sessionId: 'two' })
    await pass(2000)
    expect(await answer.value?.json()).toEqual({ from: 'two' })
    expect(world.routed.map(({ body }) => body)).toEqual(['{"gene":1}', '{"gene":1}'])
  })

  it('is repeated once when its viewer died, then waits for a person', async () => {
    const { world, fetch, api, lost } = scripted()
    let viewers = 1
    world.status = aStatus({ state: 'ready', sessionId: 'v1' })
    world.onRoute = () => {
      world.status = aStatus({ state: 'lost', sessionId: `v${viewers}` })
      return none()
    }
    world.onWake = () => world.becomes(aStatus({ state: 'ready', sessionId: `v${++viewers}` }))
    const answer = watch(fetch(`${api}diffexp/obs`, { method: 'POST', body: '{}' }))
    await pass(3_600_000)
    expect(world.routed).toHaveLength(2)
    expect(answer.value).toBeNull()
    expect(lost.list()).toEqual(['differential expression'])
    // The rest of the page goes on meanwhile.
    const works = world.onRoute
    world.onRoute = () => json({})
    const other = watch(fetch(`${api}schema`))
    await pass(10_000)
    expect(other.value?.status).toBe(200)
    // Another try may see two deaths again, and then asks again.
    world.onRoute = works
    lost.answer(true)
    await pass(60_000)
    expect(world.routed).toHaveLength(5)
    expect(answer.value).toBeNull()
    lost.answer(false)
    await pass(0)
    expect(answer.value?.status).toBe(503)
    expect(lost.list()).toEqual([])
  })

  it('that was given up is forgotten when cellxgene gives it up', async () => {
    const { world, fetch, api, lost } = scripted()
    world.status = aStatus({ state: 'ready' })
    world.onRoute = none
    const abort = new AbortController()
    const answer = watch(fetch(`${api}data/var?x=1`, { signal: abort.signal }))
    await pass(250_000)
    expect(lost.list()).toEqual(['a gene’s expression'])
    abort.abort()
    await pass(0)
    expect(lost.list()).toEqual([])
    expect(answer.value?.status).toBe(503)
  })

  it('is not counted against a viewer that went to sleep', async () => {
    const { world, fetch, api } = scripted()
    let viewers = 1
    world.status = aStatus({ state: 'ready', sessionId: 'v1' })
    world.onRoute = () => {
      if (viewers === 4) return json({})
      world.status = aStatus({ state: 'asleep', sessionId: `v${viewers}` })
      return none()
    }
    world.onWake = () => world.becomes(aStatus({ state: 'ready', sessionId: `v${++viewers}` }))
    const answer = watch(fetch(`${api}schema`))
    await pass(60_000)
    expect(answer.value?.status).toBe(200)
  })

  it('gets a new cookie with the status when the old one has expired', async () => {
    const { world, fetch, api } = scripted()
    world.status = aStatus({ state: 'ready' })
    world.onRoute = () => (world.routed.length === 1 ? problem(401, 'not-signed-in') : json({}))
    const answer = watch(fetch(`${api}schema`))
    await pass(2000)
    expect(answer.value?.status).toBe(200)
    expect(world.wakes).toEqual([])
  })

  it('passes on a 404 and a 400 of a viewer that stands', async () => {
    const { world, fetch, api } = scripted()
    world.status = aStatus({ state: 'ready' })
    for (const status of [404, 400, 500]) {
      world.onRoute = () => new Response('its own', { status })
      const answer = watch(fetch(`${api}summarize/var`))
      await pass(2000)
      expect(answer.value?.status).toBe(status)
    }
    expect(world.routed).toHaveLength(3)
  })

  it('has the launcher look at a viewer that is said to be ready and answers nobody, without hammering it', async () => {
    const { world, fetch, api, lost } = scripted()
    world.status = aStatus({ state: 'ready' })
    world.onRoute = none
    const answer = watch(fetch(`${api}schema`))
    await pass(170_000)
    expect(answer.value).toBeNull()
    expect(lost.list()).toEqual([])
    expect(world.wakes.length).toBeGreaterThan(10)
    expect(world.routed.length).toBeLessThan(60)
    await pass(60_000)
    expect(lost.list()).toEqual(['opening the dataset'])
    const asked = world.routed.length
    await pass(600_000)
    expect(world.routed).toHaveLength(asked)
    lost.answer(false)
    await pass(0)
    expect(answer.value?.status).toBe(503)
  })

  it('asks later where it is told to, and takes the answer from there', async () => {
    const { world, fetch, api } = scripted()
    world.status = aStatus({ state: 'ready' })
    const later = (location: string) =>
      new Response(null, { status: 202, headers: { 'x-cxod-viewer': 'later', location, 'retry-after': '0' } })
    world.onRoute = ({ path }) => {
      if (path.endsWith('diffexp/obs')) return later('/s/one/-/later/ab')
      if (world.routed.length === 3) throw new TypeError('connection lost')
      return world.routed.length < 5 ? later('/s/one/-/later/ab') : json({ genes: [1] })
    }
    const answer = watch(fetch(`${api}diffexp/obs`, { method: 'POST', body: '{}' }))
    await pass(10_000)
    expect(await answer.value?.json()).toEqual({ genes: [1] })
    expect(world.routed.map(({ method, path }) => `${method} ${path}`)).toEqual([
      'POST /s/one/api/v0.2/diffexp/obs',
      ...Array(4).fill('GET /s/one/-/later/ab'),
    ])
    expect(world.routed[1]?.headers.get('x-cxod-owner')).toBe('local:ada')
  })

  it('is never led out of its route', async () => {
    const { world, fetch, api } = scripted()
    world.status = aStatus({ state: 'ready' })
    world.onRoute = () =>
      new Response(null, { status: 202, headers: { 'x-cxod-viewer': 'later', location: 'https://evil.test/s/other/' } })
    watch(fetch(`${api}schema`))
    await pass(5000)
    expect(world.routed.every(({ path }) => path === '/s/one/api/v0.2/schema')).toBe(true)
  })

  it('ends when cellxgene gives it up', async () => {
    const { fetch, api, link } = scripted()
    const abort = new AbortController()
    const answer = watch(fetch(`${api}schema`, { signal: abort.signal }))
    await pass(1000)
    expect(link.waiting()).toBe(1)
    abort.abort()
    await pass(0)
    expect(answer.error).toMatchObject({ name: 'AbortError' })
    expect(link.waiting()).toBe(0)
  })

  it('is answered by the lobby’s snapshot while no viewer runs, where there is one', async () => {
    const { world, fetch, api, bases } = scripted({ snapshots: true })
    world.onSnapshot = ({ path }) =>
      path.endsWith('/schema') ? json({ from: 'snapshot' }, 200, { 'x-cxod-labels-version': '7' }) : none()
    const schema = watch(fetch(`${api}schema`))
    const other = watch(fetch(`${api}colors`))
    await pass(1000)
    expect(await schema.value?.json()).toEqual({ from: 'snapshot' })
    expect(bases.get('labels')).toBe('7')
    expect(other.value).toBeNull()
  })
})
