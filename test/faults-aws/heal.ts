/** What comes after every fault: minutes of ticks, each a process of its own, and a look at what is left. */
import { expect } from 'vitest'
import type { User } from '../../functions/core/principal.ts'
import { isLive, type Session } from '../../functions/core/session.ts'
import { startProcess } from './process.ts'
import { minute, type World } from './world.ts'

/**
 * First what was never finished, then what only sleeps.
 * @param soon judges the sessions that still live after some minutes, which all work
 */
export async function heal(world: World, soon: (live: readonly Session[]) => void = () => {}): Promise<void> {
  const tick = async (laterMs: number) => {
    world.now += laterMs
    await startProcess(world).tick()
  }
  for (let ticks = 0; ticks < 4; ticks++) await tick(minute)
  const live = await world.sessions.listLive()
  if (live.length === 0) return
  // Only a viewer that works may be there still.
  expect(await world.leaks()).toEqual([])
  const states = (of: (session: Session) => string) => live.map((one) => `${one.ownerName}: ${of(one)}`)
  expect(states(({ state }) => state)).toEqual(states(() => 'ready'))
  soon(live)
  await tick(31 * minute)
  await tick(2 * minute)
}

/** No task, target or lease without a session; no session without an end and its receipt; one task for one attempt. */
export async function nothingLeft(world: World, people: readonly User[]): Promise<string[]> {
  const wrong = await world.leaks()
  for (const { ownerName } of await world.sessions.listLive()) wrong.push(`${ownerName}: still lives`)
  const tasks = await world.allTasks()
  for (const who of people) {
    const session = await world.sessionOf(who)
    const receipts = await world.receipts.listByOwner(who.id)
    if (session === null) {
      if (receipts.length > 0) wrong.push(`${who.name}: a receipt without a session`)
      continue
    }
    if (isLive(session) || session.ending === null) wrong.push(`${who.name}: ${session.state} without an end`)
    const started = tasks.get(session.id)?.length ?? 0
    // What never had a task costs nothing.
    const nothing = session.ending?.cause === 'not-started' && started === 0
    if (receipts.length !== (nothing ? 0 : 1) || (!nothing && receipts[0]?.sessionId !== session.id))
      wrong.push(`${who.name}: ${receipts.length} receipts`)
    if (started > session.attempt) wrong.push(`${who.name}: ${started} tasks for ${session.attempt} attempts`)
  }
  return wrong
}
