/**
 * A Lambda that dies between any two of its calls to AWS. Each step is run once to record its calls. A process takes nothing
 * with it when it dies but what it has read, so deaths between the same two changes leave the same; of each such stretch the
 * last moment is played (`CXOD_EVERY_DEATH=1`: each moment). The reaper's ticks, each a process of its own, must leave nothing.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { User } from '../../functions/core/principal.ts'
import { type Step, steps } from './death-steps.ts'
import { makeWorld } from './emulators.ts'
import { heal, nothingLeft } from './heal.ts'
import { mutating, startProcess } from './process.ts'
import { person, type World } from './world.ts'

/** One for steps of many people side by side, one for those that act on everything there is. */
let crowd: World
let single: World
const crowdSlots = 24
beforeAll(async () => {
  single = await makeWorld(1)
  crowd = await makeWorld(crowdSlots)
}, 180_000)
afterAll(async () => {
  crowd?.close()
  single?.close()
})

const everyDeath = process.env.CXOD_EVERY_DEATH === '1'
type Death = { n: number; how: 'die-before' | 'die-after'; who: User }

/** @returns every death there is in this step, from a run in which nobody dies */
async function deathsOf(step: Step): Promise<Death[]> {
  const who = person(`${step.name}: nobody dies`)
  await step.prepare(single, who)
  single.now += step.laterMs ?? 0
  const alive = startProcess(single)
  await step.act(alive, single, who)
  await settled(step, single)
  expect(await nothingLeft(single, [who])).toEqual([])
  const { calls } = alive
  const moments = calls.flatMap((name, i) => {
    const next = calls[i + 1]
    const last = next === undefined || mutating.test(next)
    return last || everyDeath
      ? [{ n: i + 1, how: 'die-after', who: person(`${step.name}: after ${i + 1}, ${name}`) } as const]
      : []
  })
  return [{ n: 1, how: 'die-before', who: person(`${step.name}: before 1`) }, ...moments]
}

async function die(step: Step, world: World, { n, how, who }: Death): Promise<boolean> {
  const process = startProcess(world, (call) => (call.n === n ? how : 'go'))
  return (await process.run(step.act(process, world, who))) === 'died'
}

async function together(step: Step, deaths: readonly Death[]): Promise<number> {
  expect(deaths.length).toBeLessThanOrEqual(crowdSlots)
  await Promise.all(deaths.map(({ who }) => step.prepare(crowd, who)))
  crowd.now += step.laterMs ?? 0
  const died = await Promise.all(deaths.map((death) => die(step, crowd, death)))
  await settled(step, crowd)
  const people = deaths.map(({ who }) => who)
  expect(await nothingLeft(crowd, people)).toEqual([])
  return died.filter(Boolean).length
}

async function oneByOne(step: Step, deaths: readonly Death[]): Promise<number> {
  let died = 0
  for (const death of deaths) {
    await step.prepare(single, death.who)
    single.now += step.laterMs ?? 0
    if (await die(step, single, death)) died++
    await settled(step, single)
    expect(await nothingLeft(single, [death.who]), death.who.name).toEqual([])
  }
  return died
}

/** Once its first call had its effect, some steps end a viewer soon, whoever dies. */
const settled = (step: Step, world: World) =>
  heal(world, (live) => {
    const names = live.map(({ ownerName }) => ownerName)
    if (step.endsSoon) expect(names.filter((name) => !name.endsWith('before 1'))).toEqual([])
  })

describe('a Lambda dies before and after each of its calls', () => {
  test.each(steps)(
    '$name',
    async (step) => {
      const deaths = await deathsOf(step)
      const died = await (step.alone ? oneByOne : together)(step, deaths)
      // Calls that run side by side come in another order now and then, and a step may find some of its work done.
      expect(died).toBeGreaterThanOrEqual(deaths.length * 0.8)
    },
    240_000,
  )
})
