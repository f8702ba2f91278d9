/** The line to the lobby: when it asks, when it wakes, and when it leaves everything in peace. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { warnMs } from '../../../web/companion/pace.ts'
import { aStatus, config, json, pass, scripted, stopTime, watch } from './scripted.ts'

beforeEach(() => {
  stopTime()
})
afterEach(() => {
  vi.useRealTimers()
})

const refuse = (code: string, status = 409) => json({ code, title: 'T', detail: 'D' }, status)

describe('waking', () => {
  it.each(['none', 'asleep', 'lost'] as const)(
    'a %s viewer, when data is needed and somebody is there',
    async (state) => {
      const { world, fetch, api } = scripted()
      world.status = aStatus({ state })
      await pass(60_000)
      expect(world.wakes).toEqual([])
      watch(fetch(`${api}schema`))
      world.onWake = () => world.becomes(aStatus({ state: 'starting' }))
      await pass(1000)
      expect(world.wakes).toEqual([{ by: 'page' }])
      await pass(60_000)
      expect(world.wakes).toHaveLength(1)
    },
  )

  it.each(['failed', 'unusable', 'starting'] as const)('never a %s one by itself', async (state) => {
    const { world, fetch, api } = scripted()
    world.status = aStatus({ state })
    watch(fetch(`${api}schema`))
    await pass(300_000)
    expect(world.wakes).toEqual([])
  })

  it('never for a forgotten tab; at once when somebody comes back', async () => {
    const { world, fetch, api, link } = scripted()
    world.status = aStatus({ state: 'asleep' })
    world.here = false
    watch(fetch(`${api}schema`))
    await pass(3_600_000)
    expect(world.wakes).toEqual([])
    expect(world.statusCalls.length).toBeLessThan(4)
    world.here = true
    link.nudge()
    await pass(100)
    expect(world.wakes).toEqual([{ by: 'page' }])
  })

  it('stops when a person must decide, shows why, and goes on with a click', async () => {
    const { world, fetch, api, link } = scripted()
    world.status = aStatus({ state: 'lost' })
    world.onWake = () => refuse('needs-click')
    const answer = watch(fetch(`${api}schema`))
    await pass(300_000)
    expect(world.wakes).toHaveLength(1)
    expect(link.refusal()).toMatchObject({ code: 'needs-click' })
    world.onWake = () => world.becomes(aStatus({ state: 'ready' }))
    await link.wake('click', true)
    await pass(100)
    expect(world.wakes[1]).toEqual({ by: 'click', larger: true })
    expect(link.refusal()).toBeNull()
    expect(answer.value?.status).toBe(200)
  })

  it('tries again by itself, seldom, when there was no room', async () => {
    const { world, fetch, api } = scripted()
    world.status = aStatus({ state: 'asleep' })
    world.onWake = () => refuse('too-many-sessions')
    watch(fetch(`${api}schema`))
    await pass(125_000)
    expect(world.wakes.length).toBeGreaterThanOrEqual(3)
    expect(world.wakes.length).toBeLessThanOrEqual(5)
  })

  it('tries again by itself, seldom, when nothing could be started, though each try leaves a session behind', async () => {
    const { world, fetch, api, link } = scripted()
    world.status = aStatus({ state: 'asleep' })
    const problem = { code: 'not-started', title: 'It could not be started just now', detail: '', largerMiB: null }
    let tries = 0
    world.onWake = () => {
      world.status = aStatus({ state: 'lost', sessionId: `try-${++tries}`, problem })
      return refuse('unavailable')
    }
    const answer = watch(fetch(`${api}schema`))
    await pass(125_000)
    expect(world.wakes.length).toBeGreaterThanOrEqual(3)
    expect(world.wakes.length).toBeLessThanOrEqual(5)
    expect(link.refusal()).toMatchObject({ code: 'unavailable' })
    world.onWake = () => world.becomes(aStatus({ state: 'ready' }))
    await pass(35_000)
    expect([answer.value?.status, link.refusal()]).toEqual([200, null])
  })

  it('never what no waiting would make fit', async () => {
    const { world, fetch, api, link } = scripted()
    world.status = aStatus({ state: 'none' })
    world.onWake = () => json({ code: 'no-room', title: 'Too large', detail: 'D', never: true }, 409)
    watch(fetch(`${api}schema`))
    await pass(300_000)
    expect(world.wakes).toHaveLength(1)
    expect(link.refusal()).toMatchObject({ code: 'no-room', never: true })
  })

  it('asks a stopping viewer’s successor every few seconds', async () => {
    const { world, fetch, api } = scripted()
    world.status = aStatus({ state: 'stopping' })
    watch(fetch(`${api}schema`))
    await pass(10_000)
    expect(world.wakes.length).toBeGreaterThanOrEqual(3)
    expect(world.wakes.length).toBeLessThanOrEqual(4)
  })
})

describe('asking', () => {
  it('listens while it starts, and hears of every change at once', async () => {
    const { world, link } = scripted()
    world.status = aStatus({ state: 'starting' })
    await pass(10_000)
    const asked = world.statusCalls.length
    expect(asked).toBe(2)
    expect(world.statusCalls[1]?.query).toMatch(/^wait=25&seen=/)
    world.status = aStatus({ state: 'starting', stage: 'downloading', doneBytes: 5, totalBytes: 9 })
    await pass(200)
    expect(link.status()).toMatchObject({ stage: 'downloading', doneBytes: 5 })
  })

  it('asks once when the page opens, though cellxgene’s calls come before the answer', async () => {
    const { world, fetch, api } = scripted()
    world.status = aStatus({ state: 'ready' })
    world.onStatus = async () => {
      await new Promise((resolve) => setTimeout(resolve, 1000))
      return json(world.status)
    }
    await pass(500)
    const answers = ['schema', 'config'].map((rest) => watch(fetch(api + rest)))
    await pass(10_000)
    expect(answers.map(({ value }) => value?.status)).toEqual([200, 200])
    expect(world.statusCalls).toHaveLength(1)
  })

  it('judges no failed call by an answer that was asked for before it failed', async () => {
    const { world, fetch, api, link } = scripted()
    world.status = aStatus({ state: 'ready' })
    await pass(500)
    world.onStatus = async () => {
      const then = json(world.status)
      await new Promise((resolve) => setTimeout(resolve, 1000))
      return then
    }
    // A tab that comes into view asks; meanwhile its viewer is put away, and its route closed.
    link.nudge()
    await pass(100)
    world.status = aStatus({ state: 'stopping' })
    world.onRoute = () => json({ code: 'not-found' }, 404)
    const answer = watch(fetch(`${api}config`))
    await pass(3000)
    expect(answer.value).toBeNull()
    expect(link.status()?.state).toBe('stopping')
    expect(world.routed).toHaveLength(1)
    world.onRoute = () => json({})
    world.status = aStatus({ state: 'ready', sessionId: 'two' })
    await pass(5000)
    expect(answer.value?.status).toBe(200)
  })

  it('does not run in a circle when the lobby does not wait', async () => {
    const { world } = scripted()
    world.status = aStatus({ state: 'starting' })
    world.onStatus = () => json(world.status)
    await pass(10_000)
    expect(world.statusCalls.length).toBeLessThan(14)
  })

  it('once a minute while a viewer is ready, never in a hidden tab', async () => {
    const { world, link } = scripted()
    world.status = aStatus({ state: 'ready' })
    await pass(600_000)
    expect(world.statusCalls.length).toBeGreaterThan(8)
    expect(world.statusCalls.length).toBeLessThan(14)
    world.visible = false
    await pass(60_000)
    const before = world.statusCalls.length
    await pass(600_000)
    expect(world.statusCalls.length).toBe(before)
    world.visible = true
    link.nudge()
    await pass(0)
    expect(world.statusCalls.length).toBe(before + 1)
  })

  it('tells of a lost connection after the second failure, asks ever less often, and recovers', async () => {
    const { world, link } = scripted()
    world.onStatus = () => Promise.reject(new TypeError('Failed to fetch'))
    await pass(100)
    expect(link.trouble()).toBeNull()
    await pass(5000)
    expect(link.trouble()).toMatchObject({ kind: 'offline' })
    await pass(600_000)
    expect(world.statusCalls.length).toBeLessThan(60)
    world.onStatus = null
    await pass(16_000)
    expect(link.trouble()).toBeNull()
  })

  it('takes a proxy’s cheerful 200 for a failure', async () => {
    const { world, link } = scripted()
    world.onStatus = () => new Response('<html>Sign in to the hotel’s network</html>')
    await pass(10_000)
    expect(link.trouble()).toMatchObject({ kind: 'offline' })
    expect(link.status()).toBeNull()
  })

  it('gives up on a connection that hangs', async () => {
    const { world, link } = scripted()
    world.onStatus = () => new Promise(() => {})
    await pass(39_000)
    expect(world.statusCalls).toHaveLength(1)
    world.onStatus = null
    await pass(3000)
    expect(world.statusCalls).toHaveLength(2)
    expect(link.status()?.state).toBe('none')
  })

  it('notices by itself that the dataset has another version', async () => {
    const { world, link } = scripted()
    world.status = aStatus({ state: 'ready', dataset: { ...config.dataset, version: 'v2' } })
    await pass(100)
    expect(link.trouble()).toMatchObject({ kind: 'dataset-changed' })
  })
})

describe('the countdown', () => {
  it('counts from what the lobby said, by a steady clock, and use puts it off', async () => {
    const { world, link } = scripted()
    world.status = aStatus({ state: 'ready', sleepInMs: 100_000 })
    await pass(100)
    world.onStatus = () => new Promise(() => {})
    vi.setSystemTime(Date.now() + 1000)
    expect(link.sleepsIn()).toMatchObject({ ends: false })
    expect(link.sleepsIn()?.ms).toBeLessThan(100_000)
    link.used()
    expect(link.sleepsIn()?.ms).toBe(config.idleMs)
  })

  it('says when nothing can put it off', async () => {
    const { world, link } = scripted()
    world.status = aStatus({ state: 'ready', sleepInMs: 50_000, endsInMs: 50_000 })
    await pass(0)
    link.used()
    expect(link.sleepsIn()).toEqual({ ms: 50_000, ends: true })
  })

  it('asks often near the end: another tab may have been used', async () => {
    const { world } = scripted()
    world.status = aStatus({ state: 'ready', sleepInMs: 180_000 })
    await pass(59_000)
    expect(world.statusCalls).toHaveLength(1)
    await pass(2000)
    expect(world.statusCalls).toHaveLength(2)
  })

  it('is two minutes long, or a quarter of a short idle time', () => {
    expect(warnMs(30 * 60_000)).toBe(120_000)
    expect(warnMs(20_000)).toBe(5_000)
  })
})
