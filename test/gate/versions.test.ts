/** The version that an answer names is the one it was made from, whatever is saved, restored or reloaded meanwhile. */
import { describe, expect, test } from 'vitest'
import { deferred } from '../../functions/gate/timing.ts'
import { startWorld, until } from './world.ts'

const labelsVersion = 'x-cxod-labels-version'
const geneSetsVersion = 'x-cxod-genesets-version'

describe('the version that an answer names', () => {
  test('is the one it was made from: none, then each save’s', async () => {
    const world = await startWorld()
    for (const path of ['api/v0.2/schema', 'api/v0.2/annotations/obs?annotation-name=a'])
      expect((await world.ask(path)).headers[labelsVersion]).toBe('none')
    expect((await world.ask('api/v0.2/genesets')).headers[geneSetsVersion]).toBe('none')
    expect((await world.ask('api/v0.2/config')).headers[labelsVersion]).toBeUndefined()
    await world.saveLabels('one', null)
    expect((await world.ask('api/v0.2/schema')).headers[labelsVersion]).toBe('1')
    expect((await world.ask('api/v0.2/genesets')).headers[geneSetsVersion]).toBe('none')
  })

  test('is the kept one from the start', async () => {
    const world = await startWorld({ prepare: ({ put }) => void ['a', 'b'].map((text) => put('labels', text)) })
    const read = await world.ask('api/v0.2/annotations/obs')
    expect([read.headers[labelsVersion], read.body.toString()]).toEqual(['2', 'b'])
  })

  test('is the old one while a save waits for the vault', async () => {
    const world = await startWorld()
    await world.saveLabels('one', null)
    const reached = deferred<void>()
    const go = deferred<void>()
    world.api.beforePut = () => {
      reached.resolve()
      return go.promise
    }
    const saving = world.saveLabels('two', '1')
    await reached.promise
    const read = await world.ask('api/v0.2/annotations/obs')
    expect([read.headers[labelsVersion], read.body.toString()]).toEqual(['1', 'one'])
    go.resolve()
    expect((await saving).status).toBe(200)
  })

  test('is never told of an answer that a save overtook: it is asked again', async () => {
    const kept = deferred<void>()
    const go = deferred<void>()
    const beforeRemember = () => {
      kept.resolve()
      return go.promise
    }
    const world = await startWorld({ viewer: { beforeRemember } })
    const saving = world.saveLabels('one', null)
    // One read began before the save was kept and ends after it; one begins between the vault and the viewer.
    const overtaken = world.ask('api/v0.2/annotations/obs?delay=100')
    await kept.promise
    const between = world.ask('api/v0.2/annotations/obs')
    await new Promise((resolve) => setTimeout(resolve, 150))
    go.resolve()
    expect((await saving).status).toBe(200)
    for (const read of [await overtaken, await between])
      expect([read.headers[labelsVersion], read.body.toString()]).toEqual(['1', 'one'])
  })

  test('always fits the content under a storm of saves, restores and reads', async () => {
    const world = await startWorld({ viewer: { beforeRemember: () => pauseBriefly() } })
    let over = false
    const readers = Array.from({ length: 4 }, async (_, at) => {
      let reads = 0
      // Who found nothing settled in the storm reads once when it is over.
      while (!over || reads === 0) {
        const read = await world.ask(`api/v0.2/annotations/obs?delay=${at * 2}`)
        if (read.status === 503) continue // never settled between five tries: an honest answer
        const version = read.headers[labelsVersion]
        const kept = world.api.vault.labels.find((one) => one.version === version)
        expect(read.body.toString()).toBe(kept?.content ?? '')
        reads += 1
      }
      return reads
    })
    for (let at = 0; at < 25; at += 1) {
      if (at % 5 === 4) world.api.put('labels', `restored ${at}`)
      const base = world.api.vault.labels.at(-1)?.version ?? null
      const reply = await world.saveLabels(`save ${at}`, base)
      expect([200, 412]).toContain(reply.status)
      await pauseBriefly()
    }
    over = true
    for (const reads of await Promise.all(readers)) expect(reads).toBeGreaterThan(0)
  })
})

describe('a change in the vault that a beat brings', () => {
  test('makes the viewer read it again, once', async () => {
    const world = await startWorld()
    await world.saveLabels('one', null)
    world.api.put('labels', 'restored')
    await until(() => world.viewer.content.labels === 'restored')
    const beats = world.api.beats.length
    await until(() => world.api.beats.length > beats + 3)
    expect(world.viewer.reloads).toEqual(['labels'])
    world.api.put('genesets', 'sets')
    await until(() => world.viewer.content.genesets === 'sets')
    expect((await world.ask('api/v0.2/annotations/obs')).headers[labelsVersion]).toBe('2')
    expect((await world.ask('api/v0.2/genesets')).headers[geneSetsVersion]).toBe('1')
  })

  test('is not believed when a save has overtaken it: the beat’s answer is older than what the gate knows', async () => {
    const world = await startWorld()
    const asked = deferred<void>()
    const go = deferred<void>()
    world.api.beforeAnswer = (call) => {
      if (!call.endsWith('/gate/beat')) return
      asked.resolve() // it says "nothing is kept", and comes late
      return go.promise
    }
    await asked.promise
    expect((await world.saveLabels('one', null)).status).toBe(200)
    const beats = world.api.beats.length
    go.resolve()
    await until(() => world.api.beats.length > beats + 1)
    expect(world.viewer.reloads).toEqual([])
    expect((await world.ask('api/v0.2/schema')).headers[labelsVersion]).toBe('1')
  })

  test('is not mistaken for one when it is the gate’s own save', async () => {
    const world = await startWorld({ work: { limits: { diffexpCells: 1000, apiSilenceMs: 60_000, beatMs: 1 } } })
    for (let at = 0; at < 20; at += 1)
      expect((await world.saveLabels(`save ${at}`, at ? `${at}` : null)).status).toBe(200)
    expect(world.viewer.reloads).toEqual([])
  })
})

const pauseBriefly = () => new Promise<void>((resolve) => setTimeout(resolve, 3))
