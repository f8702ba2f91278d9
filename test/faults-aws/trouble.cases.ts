/**
 * AWS that is slow to agree: every request throttled a few times, every kind of request throttled for ever, every answer
 * of a change lost. A step does its work or says clearly that it could not, and the reaper clears up.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { isLauncherError } from '../../functions/core/errors.ts'
import type { User } from '../../functions/core/principal.ts'
import { aLink } from '../contracts/links.contract.ts'
import { current, type Step, steps } from './death-steps.ts'
import { makeWorld } from './emulators.ts'
import { heal, nothingLeft } from './heal.ts'
import { mutating, type Rule, startProcess, throttled } from './process.ts'
import { person, type World } from './world.ts'

let world: World
beforeAll(async () => {
  world = await makeWorld(24)
}, 180_000)
afterAll(() => world?.close())

const together = steps.filter(({ alone }) => alone === undefined)
const seconds = 240_000

/** Runs the step under the rule; the calls are those of the step alone. */
async function under(step: Step, who: User, rule: Rule) {
  const process = startProcess(world, rule)
  return { outcome: await process.run(step.act(process, world, who)), calls: process.calls }
}

async function everybody(kind: string, list: readonly Step[]): Promise<{ step: Step; who: User }[]> {
  const people = list.map((step) => ({ step, who: person(`${kind}: ${step.name}`) }))
  await Promise.all(people.map(({ step, who }) => step.prepare(world, who)))
  world.now += Math.max(...list.map(({ laterMs = 0 }) => laterMs))
  return people
}

describe('every request', () => {
  test(
    'throttled twice: each step does its work all the same',
    async () => {
      const people = await everybody('twice', together)
      const rule: Rule = ({ tries }) => (tries < 2 ? throttled() : 'go')
      for (const { step, who } of people) {
        const { outcome, calls } = await under(step, who, rule)
        expect(outcome, step.name).toHaveProperty('value')
        expect(calls.length % 3, 'each was asked three times').toBe(0)
      }
      await heal(world)
      expect(
        await nothingLeft(
          world,
          people.map(({ who }) => who),
        ),
      ).toEqual([])
    },
    seconds,
  )

  test(
    'whose change was made and whose answer was lost: each step does its work once',
    async () => {
      const people = await everybody('lost', together)
      for (const { step, who } of people) {
        const { outcome } = await under(step, who, ({ name, tries }) =>
          mutating.test(name) && tries === 0 ? 'lose' : 'go',
        )
        expect(outcome, step.name).toHaveProperty('value')
        const session = await current(world, who)
        expect((await world.allTasks()).get(session.id)?.length, step.name).toBe(1)
      }
      await heal(world)
      expect(
        await nothingLeft(
          world,
          people.map(({ who }) => who),
        ),
      ).toEqual([])
    },
    seconds,
  )
})

test('the guests of a link are counted once each, although every first answer is lost', async () => {
  const calm = startProcess(world).ports.links
  const { links } = startProcess(world, ({ name, tries }) => (mutating.test(name) && tries === 0 ? 'lose' : 'go')).ports
  const link = aLink({ maxGuests: 3 })
  const come = (key: string) => links.addGuest(link, { linkId: link.id, key, name: key, createdAt: 1500 })
  await calm.create(link)
  expect(await come('ann')).toBe('added')
  expect(await calm.get(link.id)).toEqual({ ...link, guests: 1 })
  expect(await come('ann')).toBe('taken')
  // Whoever finds the name given in between gives the place back, once.
  expect((await Promise.all([come('bob'), come('bob')])).sort()).toEqual(['added', 'taken'])
  expect((await calm.get(link.id))?.guests).toBe(2)
  expect([await come('cyd'), await come('dan')]).toEqual(['added', 'full'])
  expect(await calm.get(link.id)).toEqual({ ...link, guests: 3 })
})

describe('one kind of request, for ever', () => {
  const kinds: readonly [string, (name: string) => ReturnType<Rule>][] = [
    ['throttled', () => throttled()],
    ['made, and its answer lost', (name) => (mutating.test(name) ? 'lose' : 'go')],
  ]
  test.each(kinds)(
    '%s: the step says so, and nothing is left of it',
    async (kind, verdict) => {
      const pairs: { step: Step; who: User; name: string }[] = []
      for (const step of together) {
        const who = person(`${kind} rehearsal: ${step.name}`)
        await step.prepare(world, who)
        world.now += step.laterMs ?? 0
        const { calls } = await under(step, who, () => 'go')
        // Each kind once, in the first step that makes it.
        for (const name of new Set(calls))
          if (verdict(name) !== 'go' && !pairs.some((pair) => pair.name === name))
            pairs.push({ step, who: person(`${kind} ${name}: ${step.name}`), name })
      }
      await heal(world)
      for (let at = 0; at < pairs.length; at += 20) {
        const some = pairs.slice(at, at + 20)
        await Promise.all(some.map(({ step, who }) => step.prepare(world, who)))
        const outcomes = await Promise.all(
          some.map(({ step, who, name }) => under(step, who, (call) => (call.name === name ? verdict(name) : 'go'))),
        )
        for (const [i, { outcome }] of outcomes.entries()) {
          // A step that can do without says nothing; one that can't says so in words and with a code.
          if (outcome === 'died' || 'value' in outcome) continue
          expect(isLauncherError(outcome.error) && outcome.error.code, some[i]?.who.name).toMatch(
            /^(unavailable|conflict)$/,
          )
        }
        await heal(world)
        expect(
          await nothingLeft(
            world,
            some.map(({ who }) => who),
          ),
        ).toEqual([])
      }
      expect(pairs.length).toBeGreaterThan(6)
    },
    seconds,
  )
})
