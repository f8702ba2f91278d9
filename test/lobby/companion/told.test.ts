/** What is told once, and the line: reports of what became of labels, waiting for a place, bytes kept as they were sent. */
import { deflateSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createNotes } from '../../../web/companion/notes.ts'
import { opened, problem } from './autosave.ts'
import { aStatus, noReport, pass, scripted, stopTime, watch } from './scripted.ts'

beforeEach(() => {
  stopTime()
})
afterEach(() => {
  vi.useRealTimers()
})

describe('reports', () => {
  const storage = () => {
    const kept = new Map<string, string>()
    return {
      kept,
      get: (key: string) => kept.get(key) ?? null,
      set: (key: string, value: string) => void kept.set(key, value),
    }
  }
  const carried = { version: '5', report: noReport }

  it('of a carry-over are told until they were read, and the next one again', () => {
    const all = storage()
    const notes = createNotes(all, 'page')
    expect(notes.list(null)).toEqual([])
    expect(notes.list(carried)).toMatchObject([{ kind: 'labels', how: 'carried' }])
    notes.dismiss(carried)
    expect(notes.list(carried)).toEqual([])
    expect(createNotes(all, 'page').list(carried)).toEqual([])
    expect(createNotes(all, 'page').list({ ...carried, version: '6' })).toHaveLength(1)
    // Another page's, or another person's.
    expect(createNotes(all, 'other').list(carried)).toHaveLength(1)
  })

  it('of what this page kept are told by the page that is loaded then, once', () => {
    const all = storage()
    const before = createNotes(all, 'page')
    before.keep('labels', 'carried', { version: '6', report: noReport })
    before.keep('genesets', 'merged', { version: '2', report: noReport })
    expect(before.list(null)).toEqual([])
    const after = createNotes(all, 'page')
    // The page's own covers the labels that were brought over with it.
    expect(after.list(carried).map(({ kind, how }) => [kind, how])).toEqual([
      ['labels', 'carried'],
      ['genesets', 'merged'],
    ])
    after.dismiss(carried)
    expect(after.list(carried)).toEqual([])
  })

  it('survive a storage that holds nonsense', () => {
    const all = storage()
    all.set('page', '{"notes": 7}')
    expect(createNotes(all, 'page').list(null)).toEqual([])
  })
})

describe('in line', () => {
  const queued = (position: number) => aStatus({ state: 'queued', queue: { position, length: 9 } })

  it('the page listens and hears of every step, also in the background', async () => {
    const { world, fetch, api, link } = scripted()
    world.status = queued(3)
    watch(fetch(`${api}schema`))
    await pass(1000)
    expect(link.status()?.queue?.position).toBe(3)
    world.visible = false
    world.status = queued(2)
    await pass(500)
    expect(link.status()?.queue?.position).toBe(2)
    const asked = world.statusCalls.length
    await pass(100_000)
    // Heard of at least every half minute, or the place is lost.
    expect(world.statusCalls.length - asked).toBeGreaterThanOrEqual(3)
    expect(world.wakes).toEqual([])
    world.status = aStatus({ state: 'ready' })
    await pass(500)
    expect(world.routed).toHaveLength(1)
  })

  it('who leaves is not put back by their own page, until they click', async () => {
    const { world, fetch, api, link } = scripted()
    world.status = queued(3)
    const answer = watch(fetch(`${api}schema`))
    await pass(1000)
    world.status = aStatus({ state: 'asleep' })
    void link.leave()
    await pass(120_000)
    expect(world.stops).toBe(1)
    expect(link.left()).toBe(true)
    expect(world.wakes).toEqual([])
    world.onWake = () => world.becomes(aStatus({ state: 'ready' }))
    void link.wake('click')
    await pass(1000)
    expect(answer.value?.status).toBe(200)
    expect(link.left()).toBe(false)
  })
})

it('what is kept beside goes byte for byte as cellxgene sent it', async () => {
  const { world, fetch, api } = opened()
  await pass(100)
  const body = deflateSync(Buffer.from([0, 255, 1, 254]))
  world.onRoute = () => problem(409, 'dataset-changed')
  world.onStatus = () => problem(409, 'dataset-changed')
  watch(fetch(`${api}annotations/obs`, { method: 'PUT', body }))
  await pass(5000)
  watch(fetch(`${api}annotations/obs`, { method: 'PUT', body }))
  await pass(5000)
  expect(Buffer.from(world.merged[0]?.bytes ?? new ArrayBuffer()).equals(body)).toBe(true)
})
