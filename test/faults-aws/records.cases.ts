/** What the reaper asks of AWS follows what is due, not what there is: counted over a thousand records and ten thousand. */
import { BatchWriteCommand } from '@aws-sdk/lib-dynamodb'
import { describe, expect, test } from 'vitest'
import type { Session } from '../../functions/core/session.ts'
import { createSessionStore } from '../../functions/platform/dynamo/sessions.ts'
import { aSession } from '../support/sessions.ts'
import { makeWorld } from './emulators.ts'
import { startProcess } from './process.ts'
import { minute, type World } from './world.ts'

/** As the store itself would write them: one of each kind goes through it, the others are its copies. */
async function fill(world: World, name: string, count: number, of: (n: number) => Partial<Session>): Promise<void> {
  const items: Record<string, unknown>[] = []
  const client = {
    send: async (command: { input: { Item: Record<string, unknown> } }) => void items.push(command.input.Item),
  }
  const store = createSessionStore({ name: world.table.name, client } as unknown as World['table'])
  for (let n = 0; n < count; n++) {
    const session = { ownerId: `local:${name}-${n}`, id: `${name}${n}`.padEnd(20, 'x') }
    await store.claim(aSession({ ...of(n), ...session }))
  }
  const batches = Array.from({ length: Math.ceil(count / 25) }, (_, i) => items.slice(i * 25, i * 25 + 25)).values()
  const writer = async () => {
    for (const batch of batches) {
      const RequestItems = { [world.table.name]: batch.map((Item) => ({ PutRequest: { Item } })) }
      await world.table.client.send(new BatchWriteCommand({ RequestItems }))
    }
  }
  await Promise.all(Array.from({ length: 4 }, writer))
}

async function worldOf(records: number, due: number): Promise<World> {
  const world = await makeWorld(1)
  // Not at the full hour, which has work of its own.
  world.now += 5 * minute
  const { now } = world
  const long = now - 600 * minute
  const past = { createdAt: long, requestedAt: long, unsettledAt: long, readyAt: long, lastSeenAt: now }
  const ending = { cause: 'idle', detail: null, at: long } as const
  // Told to stop a minute ago, and their tasks are gone.
  await fill(world, 'due', due, () => ({ ...past, state: 'stopping', ending, dueAt: now - minute }))
  // As many at work as a load balancer has slots.
  await fill(world, 'busy', 100, () => ({ ...past, state: 'ready', lastActiveAt: now, dueAt: now + 10 * minute }))
  await fill(world, 'over', records - due - 100, () => ({
    ...past,
    state: 'stopped',
    ending,
    dueAt: Number.MAX_SAFE_INTEGER,
  }))
  return world
}

const dynamo = /^(GetItem|Query|PutItem|UpdateItem|DeleteItem|Scan|BatchGetItem)$/

async function tickOf(world: World): Promise<{ store: number; all: number; ended: number; left: number }> {
  const process = startProcess(world)
  const { dueEnded, dueLeft } = await process.tick()
  return {
    store: process.calls.filter((name) => dynamo.test(name)).length,
    all: process.calls.length,
    ended: dueEnded,
    left: dueLeft,
  }
}

describe('a tick', () => {
  test('with 200 due among 1,000 and among 10,000 records asks the same', async () => {
    const few = await worldOf(1_000, 200)
    const many = await worldOf(10_000, 200)
    const [small, large] = [await tickOf(few), await tickOf(many)]
    expect(small).toMatchObject({ ended: 200, left: 0 })
    expect(large).toEqual(small)
    // Each of them: read it, look at its route and tasks, receipt, over.
    expect(large.store / 200).toBeLessThan(8)
    const ended = (await many.sessions.listLive()).length
    expect(ended).toBe(100)
    // The next one has nothing to end: who lives costs no call each.
    expect((await tickOf(many)).all).toBeLessThanOrEqual(4)
    few.close()
    many.close()
  }, 240_000)

  test('of an idle deployment asks three questions: tasks, leases, live sessions; each hour some more', async () => {
    const world = await makeWorld(3)
    world.now += 5 * minute
    const process = startProcess(world)
    expect(await process.tick()).toMatchObject({ liveSessions: 0, oldestMs: 0, dueEnded: 0 })
    expect([...process.calls].sort()).toEqual(['ListTasks', 'Query', 'Query'])
    world.now += 55 * minute
    const hourly = startProcess(world)
    await hourly.tick()
    const count = (name: string) => hourly.calls.filter((one) => one === name).length
    expect(count('DescribeTargetHealth')).toBe(3)
    // Each slot, leases, catalogue, and what the vault's bucket keeps of cells.
    expect(hourly.calls.length).toBeLessThanOrEqual(3 + 3 + 6)
    expect(world.logged.filter(({ event }) => event === 'tick')[0]?.fields).toEqual({
      liveSessions: 0,
      oldestMs: 0,
      dueEnded: 0,
      dueLeft: 0,
      tasksWithoutSession: 0,
      routesWithoutSession: 0,
    })
    world.close()
  })
})
