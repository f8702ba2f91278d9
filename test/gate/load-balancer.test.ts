/** What a load balancer asks a gate, every few seconds and of every task: are you up? */
import { describe, expect, test } from 'vitest'
import { holdSaves, startWorld, until, type World } from './world.ts'

describe('the look of a load balancer', () => {
  const look = (world: World, more: Parameters<World['askRaw']>[1] = {}, path = '/-/health') =>
    world.askRaw(path, { cookie: null, owner: null, datasetVersion: null, ...more })

  test('is answered for any host, without a cookie, before the work is known, and says one word', async () => {
    const notYet = { status: 'not-yet', retryMs: 10 } as const
    const world = await startWorld({ early: true, prepare: (api) => api.knocks.splice(0, 1, notYet) })
    const { status, headers, body } = await look(world, { headers: { host: '10.0.3.7:8080' } })
    expect([status, body.toString()]).toEqual([200, 'ok'])
    expect(headers['set-cookie']).toBeUndefined()
    expect((await look(world, { method: 'HEAD' })).status).toBe(200)
    expect((await look(world, { method: 'POST' })).status).toBe(405)
  })

  test.each(['/-/health/', '/-/health?x', '/-/Health', '//-/health', '/-/active', '/-/look', '/-/%68ealth'])(
    'is not %s',
    async (path) => {
      const world = await startWorld()
      expect((await look(world, {}, path)).status).toBe(404)
    },
  )

  test('is no use of the page, reaches no viewer, and below the route stays the page’s own', async () => {
    const world = await startWorld()
    const before = world.viewer.requests.length
    for (let times = 0; times < 5; times += 1) expect((await look(world)).status).toBe(200)
    const beats = world.api.beats.length
    await until(() => world.api.beats.length > beats + 1)
    expect(world.api.beats.at(-1)).toEqual({ activeAgoMs: null })
    expect(world.viewer.requests.length).toBe(before)
    expect((await world.ask('-/health')).body.toString()).toBe('{"status":"ok"}')
  })

  test('is refused while the gate leaves, so that nothing new is sent to it', async () => {
    const world = await startWorld()
    const held = holdSaves(world)
    const saving = world.saveLabels('one', null)
    await held.reached
    world.signals.emit('SIGTERM')
    await until(async () => (await look(world)).status === 503)
    held.go()
    expect((await saving).status).toBe(200)
    await world.left
    await expect(look(world)).rejects.toThrow()
  })
})
