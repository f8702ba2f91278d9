/** Calls that come late, lists that lag, and slots that are no more: nobody who works is harmed, and nothing is left. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { isLive, type Session } from '../../functions/core/session.ts'
import { aDataset } from '../lobby/fake-launcher.ts'
import { current, ready } from './death-steps.ts'
import { makeWorld } from './emulators.ts'
import { heal, nothingLeft } from './heal.ts'
import { type Rule, startProcess } from './process.ts'
import { minute, person, type World } from './world.ts'

let world: World
beforeAll(async () => {
  world = await makeWorld(2)
}, 180_000)
afterAll(() => world?.close())

describe('calls that come late', () => {
  /** Lets the rest of the world go on while one call of one process waits. */
  function held(name: string) {
    let release = () => {}
    const hold = new Promise<void>((resolve) => {
      release = resolve
    })
    let reached = () => {}
    const waits = new Promise<void>((resolve) => {
      reached = resolve
    })
    const rule: Rule = (call) => {
      if (call.name !== name || call.tries > 0) return 'go'
      reached()
      return { hold }
    }
    return { rule, waits, release }
  }

  const without = ({ routePath }: Session): World =>
    Object.assign(Object.create(world) as World, {
      slots: world.slots.filter(({ slot }) => !routePath.startsWith(`/s/${slot}-`)),
      clock: world.clock,
    })

  test('a launch that was held up past its deadline starts nothing', async () => {
    const who = person('late launch')
    const { rule, waits, release } = held('Query')
    const process = startProcess(world, ({ n, ...call }) => (n > 4 ? rule({ n, ...call }) : 'go'))
    const launched = process.run(process.launcher.launch(who, 'pbmc', { by: 'click' }))
    await waits
    await heal(world)
    release()
    expect(await launched).toMatchObject({ error: { code: 'unavailable' } })
    expect(process.calls).not.toContain('RunTask')
    await heal(world)
    expect(await world.leaks()).toEqual([])
  })

  test.each(['DescribeTargetHealth', 'DeregisterTargets'])(
    'a release that was held up at %s takes nothing from who has the slot by now',
    async (name) => {
      const [one, next] = [person('had the slot'), person('has the slot')]
      const wide = await makeWorld(1)
      const before = await ready(wide, one)
      wide.now += 2 * minute
      const { rule, waits, release } = held(name)
      const slow = startProcess(wide, rule)
      const stopped = slow.run(slow.launcher.stop(one, before.id))
      await waits
      wide.now += minute
      await startProcess(wide).tick()
      expect((await wide.sessionOf(one))?.state).toBe('stopped')
      await ready(wide, next)
      const targets = await wide.targets()
      expect(targets).toHaveLength(1)
      release()
      await stopped
      expect(await wide.targets()).toEqual(targets)
      expect(await startProcess(wide).router.status((await current(wide, next)).id)).toBe('open')
      await heal(wide)
      expect(await nothingLeft(wide, [one, next])).toEqual([])
      wide.close()
    },
  )

  test('an index that does not list a viewer for a moment does not end it', async () => {
    const who = person('not listed')
    const session = await ready(world, who)
    let looks = 0
    const lagging: Rule = ({ name, input }) =>
      name === 'Query' && 'IndexName' in input && ++looks === 1 ? { answer: { Items: [], Count: 0 } } : 'go'
    expect(await startProcess(world, lagging).tick()).toMatchObject({ tasksWithoutSession: 0, routesWithoutSession: 0 })
    expect(looks).toBe(2)
    expect(await current(world, who)).toMatchObject({ id: session.id, state: 'ready' })
    expect(await startProcess(world).router.status(session.id)).toBe('open')
    await heal(world)
  })

  test('who opens many datasets in a row has as many viewers as one person may, however late the index is', async () => {
    const who = person('in a hurry')
    const ids = ['one', 'two', 'three', 'four', 'five']
    for (const id of ids) await world.catalogue.put(aDataset({ id, path: 'public/pbmc.h5ad', sizeBytes: 7 }))
    const blind: Rule = ({ name, input }) =>
      name === 'Query' && 'IndexName' in input ? { answer: { Items: [], Count: 0 } } : 'go'
    const refused: unknown[] = []
    for (const id of ids)
      await startProcess(world, blind)
        .launcher.launch(who, id, { by: 'click' })
        .catch((error: unknown) => refused.push(error))
    for (const error of refused) expect(error).toMatchObject({ code: 'too-many-sessions' })
    expect(refused).toHaveLength(2)
    const live = (await world.sessions.listByOwner(who.id)).filter(isLive)
    expect(live).toHaveLength(3)
    for (const { id } of live) await startProcess(world).launcher.stop(who, id)
    await heal(world)
    expect(await world.leaks()).toEqual([])
  })

  test('a slot that a later deploy has no more does not keep its session for ever', async () => {
    const who = person('of the slot')
    const session = await ready(world, who)
    world.now += 2 * minute
    const fewer = without(session)
    const { state } = await startProcess(fewer).launcher.stop(who, session.id)
    expect(state).toBe('stopped')
    expect(await world.leases.all()).toEqual([])
    // One that nobody stops is ended by the next full hour: its page could not reach it.
    const other = person('of the other slot')
    const works = await ready(world, other)
    world.now += 60 * minute - (world.now % (60 * minute))
    await startProcess(world).ports.sessions.touch(works, {
      lastActiveAt: world.now,
      lastSeenAt: world.now,
      dueAt: world.now + minute,
    })
    await startProcess(without(works)).tick()
    expect((await current(world, other)).state).toMatch(/stopping|failed/)
    // Had it only been forgotten, the next hour finds it.
    world.now += 60 * minute - (world.now % (60 * minute))
    await startProcess(world).tick()
    expect(await world.leaks()).toEqual([])
  })
})
