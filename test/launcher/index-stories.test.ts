/**
 * The index over a real folder: each story is played once straight, and once for every write at which the launcher could
 * die; both must end in the same catalogue.
 */
import { describe, expect, test } from 'vitest'
import { stories } from './index-stories.ts'
import { Crash, day, makeWorld } from './index-world.ts'

describe.each(Object.entries(stories))('%s', (_, story) => {
  test('ends as it should, and nothing is done twice', async () => {
    const world = makeWorld()
    for (const step of story.steps) {
      step(world)
      await world.settle()
    }
    expect(world.catalogue()).toEqual(story.end)
    if (story.changed) expect(world.changed).toEqual(story.changed)

    const [before, hashed] = [structuredClone([...world.records]), world.hashed.length]
    world.start()
    await world.settle()
    world.now += day
    await world.settle()
    expect([...world.records]).toEqual(before)
    expect(world.hashed.length).toBe(hashed)
  })

  test('ends the same when the launcher dies at any write', async () => {
    let deaths = 0
    for (let atWrite = 0; ; atWrite++) {
      const world = makeWorld()
      world.writesLeft = atWrite
      let died = false
      for (const step of story.steps) {
        step(world)
        // The loop that retries failed checks by itself must not hide the death: all writes fail until the new start.
        await world.settle().catch((error: unknown) => {
          if (!(error instanceof Crash) && !String(error).includes('never settles')) throw error
        })
        if (world.writesLeft > 0) continue
        died = true
        world.writesLeft = Number.POSITIVE_INFINITY
        world.start()
        await world.settle()
      }
      expect(world.catalogue(), `died before write ${atWrite}`).toEqual(story.end)
      if (!died) break
      deaths++
    }
    expect(deaths).toBeGreaterThan(0)
  })
})
