/** AWS without room, Spot machines that are taken back, and events that come twice, late, early or about somebody else. */
import type { RunTaskCommandInput } from '@aws-sdk/client-ecs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { current, gateOf, ready, start } from './death-steps.ts'
import { makeWorld } from './emulators.ts'
import { heal, nothingLeft } from './heal.ts'
import { type Process, type Rule, startProcess, throttled } from './process.ts'
import { minute, person, type World } from './world.ts'

let world: World
beforeAll(async () => {
  world = await makeWorld(2)
}, 180_000)
afterAll(() => world?.close())

const refused = (name: string, message: string) => () =>
  Object.assign(new Error(message), { name, $metadata: { httpStatusCode: 400 } })

/** What RunTask asked for, and a rule that answers it: by its number and whether it asked for Spot. */
function refusing(verdict: (n: number, spot: boolean) => ReturnType<Rule>) {
  const asked: string[] = []
  const rule: Rule = ({ name, input }) => {
    if (name !== 'RunTask') return 'go'
    const { capacityProviderStrategy = [] } = input as RunTaskCommandInput
    asked.push(capacityProviderStrategy[0]?.capacityProvider ?? '')
    return verdict(asked.length, asked.at(-1) === 'FARGATE_SPOT')
  }
  return { asked, rule }
}

/** A tick one minute later, of a process under a rule; the page of whoever waits asks meanwhile. */
async function nextMinute(rule: Rule = () => 'go', over = {}): Promise<Process> {
  const process = startProcess(world, rule, over)
  for (const session of await world.sessions.listLive()) {
    world.now += minute / 4
    await process.launcher.waitInLine(session)
  }
  world.now += minute
  await process.tick()
  return process
}

describe('ECS asks for patience', () => {
  const throttles: Rule = ({ name }) => (name === 'RunTask' ? throttled() : 'go')
  const by = { by: 'click' } as const

  test('for who clicks: it is over at once, and the next click has one task; who waited in line keeps their place', async () => {
    const [who, next] = [person('throttled'), person('throttled in line')]
    await expect(startProcess(world, throttles).launcher.launch(who, 'pbmc', by)).rejects.toMatchObject({
      code: 'unavailable',
    })
    const over = await current(world, who)
    expect(over).toMatchObject({ state: 'failed', ending: { cause: 'not-started' } })
    const { launcher } = startProcess(world)
    const session = await launcher.launch(who, 'pbmc', by)
    expect(session.state).toBe('starting')
    const tasks = await world.allTasks()
    expect([over, session].map(({ id }) => tasks.get(id)?.length ?? 0)).toEqual([0, 1])

    const full = startProcess(world, throttles, { liveSessions: 1 })
    expect(await full.launcher.launch(next, 'pbmc', by)).toMatchObject({ state: 'queued', refusal: null })
    await startProcess(world, throttles).launcher.promote()
    const waits = await current(world, next)
    expect(waits).toMatchObject({ state: 'queued', attempt: 1, refusal: { times: 1 } })
    await nextMinute()
    expect(await current(world, next)).toMatchObject({ id: waits.id, state: 'starting', attempt: 1 })
    await heal(world)
    expect(await nothingLeft(world, [who, next])).toEqual([])
  })

  test('and says nothing at all: over within the minute, and its task with it', async () => {
    const who = person('never answered')
    const silent = startProcess(world, ({ name }) => (name === 'RunTask' ? 'lose' : 'go'))
    await expect(silent.launcher.launch(who, 'pbmc', by)).rejects.toMatchObject({ code: 'unavailable' })
    const session = await current(world, who)
    expect(session).toMatchObject({ state: 'stopping', ending: { cause: 'start-timeout' } })
    expect((await world.allTasks()).get(session.id)?.filter(({ running }) => running)).toEqual([])
    world.now += minute
    expect(await startProcess(world).launcher.launch(who, 'pbmc', by)).toMatchObject({ state: 'starting' })
    await heal(world)
    expect(await nothingLeft(world, [who]), 'both have run').toEqual([`${who.name}: 2 receipts`])
  })
})

describe('no room', () => {
  const nowhere: readonly [string, () => ReturnType<Rule>, RegExp][] = [
    [
      'the processor quota',
      refused('ClientException', 'You’ve reached the limit on the number of vCPUs you can run concurrently'),
      /processors/,
    ],
    [
      'no capacity in any zone',
      () => ({ answer: { tasks: [], failures: [{ reason: 'Capacity is unavailable at this time' }] } }),
      /no room .* zones/,
    ],
  ]
  test.each(nowhere)('%s on Spot: on demand at once, and it has kept its place', async (kind, refusal) => {
    const who = person(`${kind}, Spot`)
    const { asked, rule } = refusing((_, spot) => (spot ? refusal() : 'go'))
    const session = await startProcess(world, rule).launcher.launch(who, 'pbmc', { by: 'click' })
    expect(session).toMatchObject({ state: 'starting', attempt: 2 })
    expect(asked).toEqual(['FARGATE_SPOT', 'FARGATE'])
    expect((await world.allTasks()).get(session.id)?.length).toBe(1)
    await heal(world)
    expect(await nothingLeft(world, [who])).toEqual([])
  })

  test.each(nowhere)('%s at all: it waits in line and says why, until there is some', async (kind, refusal, words) => {
    const who = person(kind)
    const { asked, rule } = refusing((n) => (n <= 2 ? refusal() : 'go'))
    const session = await startProcess(world, rule).launcher.launch(who, 'pbmc', { by: 'click' })
    expect(session).toMatchObject({ state: 'queued', attempt: 3, refusal: { times: 2 } })
    expect(session.refusal?.detail).toMatch(words)
    expect(await world.leaks()).toEqual([])
    expect(await world.leases.all()).toEqual([])
    await nextMinute(rule)
    expect((await current(world, who)).state).toBe('starting')
    expect(asked).toEqual(['FARGATE_SPOT', 'FARGATE', 'FARGATE'])
    expect((await world.allTasks()).get(session.id)?.length).toBe(1)
    await heal(world)
    expect(await nothingLeft(world, [who])).toEqual([])
  })

  test('a quota of nothing: after many tries it fails, says why, and nothing was paid for', async () => {
    const who = person('no quota')
    const rule: Rule = ({ name }) =>
      name === 'RunTask' ? refused('ClientException', 'limit on the number of vCPUs')() : 'go'
    const few = { refusedTimes: 3 }
    await startProcess(world, rule, few).launcher.launch(who, 'pbmc', { by: 'click' })
    for (let ticks = 0; ticks < 4; ticks++) await nextMinute(rule, few)
    const session = await current(world, who)
    expect(session).toMatchObject({ state: 'failed', ending: { cause: 'refused' } })
    expect(session.ending?.detail).toMatch(/processors/)
    expect(await world.receipts.listByOwner(who.id)).toEqual([])
    expect(await world.leaks()).toEqual([])
  })

  test('no slot: refused before a task is paid for, and in when one is free', async () => {
    const [one, two, three] = [person('slot one'), person('slot two'), person('slot three')]
    await start(world, one)
    const works = await ready(world, two)
    // More may be live than there are slots: another deploy has taken some away.
    const wide = { liveSessions: 10 }
    const process = startProcess(world, () => 'go', wide)
    const waiting = await process.launcher.launch(three, 'pbmc', { by: 'click' })
    expect(waiting).toMatchObject({ state: 'queued', refusal: { detail: expect.stringMatching(/places/) } })
    expect(process.calls).not.toContain('RunTask')
    world.now += minute
    await startProcess(world).launcher.stop(two, works.id)
    await nextMinute(undefined, wide)
    expect((await current(world, three)).state).toBe('starting')
    await heal(world)
    expect(await nothingLeft(world, [one, two, three])).toEqual([])
  })
})

describe('tasks that end by themselves', () => {
  test('Spot takes the machine back: labels are kept, the next viewer has them, a late event does it no harm', async () => {
    const who = person('spot')
    const session = await ready(world, who)
    const { launcher } = startProcess(world)
    const saved = await launcher.vaultPut(gateOf(session), 'labels', new TextEncoder().encode('index,label\nc1,T\n'), {
      base: null,
      requestSha256: 'f'.repeat(64),
    })
    world.now += 2 * minute
    await world.kill(session, 'Your Spot Task was interrupted.')
    // moto has no Spot: what ECS says of such a task.
    const rule: Rule = ({ name }) =>
      name !== 'DescribeTasks'
        ? 'go'
        : {
            change: (output) => ({
              ...output,
              tasks: (output as { tasks: object[] }).tasks.map((task) => ({ ...task, stopCode: 'SpotInterruption' })),
            }),
          }
    await startProcess(world, rule).launcher.taskChanged(session.id)
    const over = await current(world, who)
    expect(over).toMatchObject({ state: 'failed', ending: { cause: 'task-lost' } })
    expect(over.ending?.detail).toMatch(/Spot/)

    const next = await start(world, who)
    const answer = await startProcess(world).launcher.knock(gateOf(next))
    expect(answer).toMatchObject({ status: 'work', work: { labelsVersion: saved.version } })
    await startProcess(world).launcher.taskChanged(session.id)
    expect(await current(world, who)).toMatchObject({ id: next.id, state: 'starting' })
    await heal(world)
    expect((await world.receipts.listByOwner(who.id)).map(({ sessionId }) => sessionId).sort()).toEqual(
      [session.id, next.id].sort(),
    )
  })

  test('one end told five times at once, before the gate says goodbye and after: one receipt', async () => {
    const who = person('told often')
    const session = await ready(world, who)
    world.now += 2 * minute
    await world.kill(session)
    const five = Array.from({ length: 5 }, () => startProcess(world).launcher)
    await Promise.all(five.map((launcher) => launcher.taskChanged(session.id)))
    await startProcess(world).launcher.bye(gateOf(session), { cause: 'told', detail: null })
    for (const launcher of five) await launcher.taskChanged(session.id)
    await heal(world)
    expect(await nothingLeft(world, [who])).toEqual([])
  })

  test('an event before anything is known, of a task that runs, and of nobody’s change nothing', async () => {
    const who = person('early')
    const process = startProcess(world, ({ name }) => (name === 'UpdateItem' ? 'die-before' : 'go'))
    // The task was started, and the Lambda died before it wrote that down.
    await process.run(process.launcher.launch(who, 'pbmc', { by: 'click' }))
    const early = await current(world, who)
    expect(early.state).toBe('requested')
    const { launcher } = startProcess(world)
    await launcher.taskChanged(early.id)
    await launcher.taskChanged('aaaaaaaaaaaaaaaaaaaa')
    expect(await current(world, who)).toEqual(early)
    const works = await ready(world, person('works'))
    await launcher.taskChanged(works.id)
    expect((await current(world, person('works'))).state).toBe('ready')
    await heal(world)
    expect(await nothingLeft(world, [who, person('works')])).toEqual([])
  })
})
