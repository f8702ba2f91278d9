/** One pair of emulators for all tests of a file: each start of them costs seconds. */
import { afterAll } from 'vitest'
import { type Emulators, makeWorld as makeWorldOn, startEmulators, type World } from './world.ts'

let emulators: Promise<Emulators> | null = null
afterAll(async () => {
  const started = await emulators?.catch(() => null)
  await Promise.all([started?.moto.stop(), started?.tables.stop()])
})

/** An account of its own; the emulators start at first need. */
export async function makeWorld(slotCount: number): Promise<World> {
  emulators ??= startEmulators()
  return makeWorldOn(await emulators, slotCount)
}
