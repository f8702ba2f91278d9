/**
 * Calls to AWS: per launch, per session's way to its page and to its end, per minute of a deployment that does nothing and of
 * one that works. The peer is what nobody can do without: the calls that change something (one, where nothing changes).
 */
import type { GatePrincipal } from '../../functions/core/principal.ts'
import { current, gateOf, leak, ready } from '../faults-aws/death-steps.ts'
import { mutating, type Process, startProcess } from '../faults-aws/process.ts'
import { makeWorld, minute, person, startEmulators, type World } from '../faults-aws/world.ts'
import { type Bench, type Figure, figure } from './types.ts'

export const bench: Bench = async ({ say }) => {
  const emulators = await startEmulators()
  try {
    const world = await makeWorld(emulators, 20)
    // Not at the full hour, which has work of its own.
    world.now += 5 * minute
    const figures: Figure[] = []
    const count = async (name: string, act: (process: Process) => Promise<unknown>) => {
      const process = startProcess(world)
      await act(process)
      const { calls } = process
      say(`${name}: ${calls.length} (${byName(calls)})`)
      figures.push(figure(name, 'calls', calls.length, Math.max(1, calls.filter((one) => mutating.test(one)).length)))
    }
    await idle(count)
    await oneSession(world, count)
    await atWork(world, count)
    world.now += 60 * minute - (world.now % (60 * minute))
    await count('the full hour, 20 slots, nobody there', ({ tick }) => tick())
    world.close()
    return figures
  } finally {
    await Promise.all([emulators.moto.stop(), emulators.tables.stop()])
  }
}

type Count = (name: string, act: (process: Process) => Promise<unknown>) => Promise<void>

async function idle(count: Count): Promise<void> {
  await count('a minute of an idle deployment', ({ tick }) => tick())
}

async function oneSession(world: World, count: Count): Promise<void> {
  const who = person('ada')
  const gate = async (): Promise<GatePrincipal> => gateOf(await current(world, who))
  await count('launch', ({ launcher }) => launcher.launch(who, 'pbmc', { by: 'click' }))
  const mine = await gate()
  await count('its gate knocks and gets its work', ({ launcher }) => launcher.knock(mine))
  await count('its gate says loaded', ({ launcher }) => launcher.loaded(mine))
  await count('its gate’s beat, every 20 s', ({ launcher }) => launcher.beat(mine, { activeAgoMs: 0 }))
  world.now += 2 * minute
  await world.kill(await current(world, who))
  await count('its task ends by itself: an event', ({ launcher }) => launcher.taskChanged(mine.sessionId))
  const other = person('bo')
  const stopped = await ready(world, other)
  world.now += 2 * minute
  await count('stop', ({ launcher }) => launcher.stop(other, stopped.id))
}

async function atWork(world: World, count: Count): Promise<void> {
  const people = Array.from({ length: 10 }, (_, n) => person(`worker-${n}`))
  for (const who of people) await ready(world, who)
  await count('a minute with 10 viewers at work', ({ tick }) => tick())
  world.now += 40 * minute
  await count('a minute that puts 10 viewers to sleep', ({ tick }) => tick())
  await leak(world)
  await count('a minute that finds a task and a lease of nobody', ({ tick }) => tick())
}

function byName(calls: readonly string[]): string {
  const counts = new Map<string, number>()
  for (const name of calls) counts.set(name, (counts.get(name) ?? 0) + 1)
  return [...counts]
    .sort(([, a], [, b]) => b - a)
    .map(([name, times]) => `${name} ${times}`)
    .join(', ')
}
