/** What a page could not save: two that saved over each other, a replaced dataset, a page for looking, what somebody else saved. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { opened, problem } from './autosave.ts'
import { aStatus, json, noReport, pass, scripted, stopTime, watch } from './scripted.ts'

beforeEach(() => {
  stopTime()
})
afterEach(() => {
  vi.useRealTimers()
})

const latest = { version: '8', savedBy: 'bob', savedAt: 0 }

describe('two that saved over each other', () => {
  function conflicted() {
    const all = opened()
    all.world.onRoute = ({ method, headers }) =>
      method === 'PUT' && headers.get('x-cxod-base') !== '8'
        ? problem(412, 'base-mismatch', { latest })
        : json({}, 200, { 'x-cxod-labels-version': method === 'PUT' ? '9' : '3' })
    return all
  }

  it('keep both: what the page shows by then, not what it sent first, goes beside what is there', async () => {
    const { world, page, start, saves, bases } = conflicted()
    await pass(100)
    start()
    await pass(5000)
    expect(saves.list()).toMatchObject([{ kind: 'labels', save: { state: 'conflict' } }])
    page.body = 'mine and more'
    await pass(60_000)
    // Nothing is sent while a person decides.
    expect(world.routed.filter(({ method }) => method === 'PUT')).toHaveLength(1)
    saves.keepBoth('labels')
    await pass(10_000)
    expect(world.merged.map(({ path, body }) => [path, body])).toEqual([['/v/pbmc/-/merge/labels', 'mine and more']])
    const { headers } = world.merged[0] ?? { headers: new Headers() }
    expect(headers.get('x-cxod-owner')).toBe('local:ada')
    expect(headers.get('x-cxod-dataset-version')).toBe('v1')
    expect(headers.get('x-cxod-base')).toBe('3')
    expect(headers.get('content-type')).toBe('application/octet-stream')
    expect(page.saved).toBe('mine and more')
    expect(saves.list()).toEqual([])
    expect(saves.keptKinds()).toEqual(['labels'])
    expect(world.kept).toMatchObject([{ kind: 'labels', answer: { version: '9' } }])
    // Until the page is loaded again it does not know of theirs, and must not replace them.
    page.body = 'mine and still more'
    await pass(10_000)
    expect(world.merged.map(({ body }) => body)).toEqual(['mine and more', 'mine and still more'])
    expect(bases.get('labels')).toBe('9')
    expect(world.routed.filter(({ method }) => method === 'PUT')).toHaveLength(1)
  })

  it('keep mine: the newest state follows by itself', async () => {
    const { world, page, start, saves } = conflicted()
    await pass(100)
    start()
    await pass(5000)
    page.body = 'mine and more'
    saves.goOn('labels')
    await pass(10_000)
    const puts = world.routed.filter(({ method }) => method === 'PUT')
    expect(puts.map(({ body, headers }) => [body, headers.get('x-cxod-base')])).toEqual([
      ['mine', '3'],
      ['mine', '8'],
      // Built on what the save before made.
      ['mine and more', '9'],
    ])
  })

  it('a file of what is not saved holds the newest state, and the choice is still there', async () => {
    const { env, page, start, saves } = conflicted()
    await pass(100)
    start()
    await pass(5000)
    page.body = 'mine and more'
    const newest = watch(saves.newest('labels', () => env.sleep(8000)))
    await pass(5000)
    expect(new TextDecoder().decode(newest.value ?? undefined)).toBe('mine and more')
    expect(saves.list()).toMatchObject([{ kind: 'labels', save: { state: 'conflict' } }])
  })
})

describe('a dataset that was replaced', () => {
  const replaced = (all: ReturnType<typeof opened>) => {
    all.world.onRoute = () => problem(409, 'dataset-changed')
    all.world.onStatus = () => problem(409, 'dataset-changed')
  }

  it('has the unsaved change kept by itself, with the version that the page was loaded from', async () => {
    const all = opened()
    const { world, page, start, saves, link } = all
    await pass(100)
    replaced(all)
    start()
    await pass(20_000)
    expect(link.moved()).toBe('changed')
    expect(world.merged.map(({ body }) => body)).toEqual(['mine'])
    expect(world.merged[0]?.headers.get('x-cxod-dataset-version')).toBe('v1')
    expect(page.saved).toBe('mine')
    expect(saves.list()).toEqual([])
  })

  it('also one that waited in a conflict', async () => {
    const all = opened()
    const { world, start, saves, link } = all
    await pass(100)
    world.onRoute = () => problem(412, 'base-mismatch', { latest })
    start()
    await pass(5000)
    expect(saves.list()[0]?.save.state).toBe('conflict')
    replaced(all)
    link.nudge()
    await pass(10_000)
    expect(world.merged).toHaveLength(1)
    expect(saves.list()).toEqual([])
  })

  it('is tried again through a lost connection, a restart and a sign-out, until it is kept', async () => {
    const all = opened()
    const { world, page, start, link } = all
    await pass(100)
    replaced(all)
    const answers = [
      () => Promise.reject(new TypeError('Failed to fetch')),
      () => new Response('<html>bad gateway</html>', { status: 502 }),
      () => problem(401, 'not-signed-in'),
      () => problem(409, 'owner-changed'),
      () => problem(429, 'too-many-attempts'),
      () => new Response('<html>the hotel’s network</html>'),
      () => json({ version: '4', report: noReport }),
    ]
    world.onMerge = () => (answers.shift() ?? (() => json({})))()
    start()
    await pass(60_000)
    expect(world.merged).toHaveLength(7)
    expect(page.saved).toBe('mine')
    // It stays the page of another file, also while nobody answers.
    world.onStatus = () => Promise.reject(new TypeError('Failed to fetch'))
    await pass(60_000)
    expect(link.trouble()?.kind).toBe('offline')
    expect(link.moved()).toBe('changed')
  })

  it('keeps on the page what the launcher refuses, and tries again only when told', async () => {
    const all = opened()
    const { env, world, page, start, saves } = all
    await pass(100)
    replaced(all)
    world.onMerge = () => problem(404, 'not-found')
    start()
    await pass(300_000)
    expect(world.merged).toHaveLength(1)
    expect(saves.list()).toMatchObject([{ kind: 'labels', save: { state: 'not-kept', problem: { detail: 'why' } } }])
    expect(page.saved).toBe('')
    const newest = watch(saves.newest('labels', () => env.sleep(8000)))
    await pass(9000)
    expect(new TextDecoder().decode(newest.value ?? undefined)).toBe('mine')
    expect(saves.list()[0]?.save.state).toBe('not-kept')
    world.onMerge = () => json({ version: '4', report: noReport })
    saves.goOn('labels')
    await pass(5000)
    expect(page.saved).toBe('mine')
  })

  it('that is removed has the unsaved change kept all the same', async () => {
    const { world, page, start, link } = opened()
    await pass(100)
    const removed = { code: 'dataset-removed', title: 'T', detail: '', largerMiB: null }
    world.onRoute = () => problem(409, 'session-over')
    world.status = aStatus({ state: 'unusable', problem: removed })
    start()
    await pass(20_000)
    expect(link.moved()).toBe('removed')
    expect(page.saved).toBe('mine')
    expect(world.merged).toHaveLength(1)
  })

  it('and put back as it was goes on as before', async () => {
    const all = opened()
    const { world, page, start, link } = all
    await pass(100)
    replaced(all)
    await pass(70_000)
    expect(link.moved()).toBe('changed')
    world.onStatus = null
    world.onRoute = ({ method }) => json({}, 200, { 'x-cxod-labels-version': method === 'PUT' ? '4' : '3' })
    await pass(10_000)
    expect(link.moved()).toBeNull()
    start()
    await pass(5000)
    expect(page.saved).toBe('mine')
    expect(world.merged).toEqual([])
  })
})

describe('a page for looking only', () => {
  it('sends no save, and says so', async () => {
    const { world, fetch, api, saves } = scripted({ mode: 'view' })
    world.status = aStatus({ state: 'ready', mode: 'view' })
    const answer = watch(fetch(`${api}genesets`, { method: 'PUT', body: '{}' }))
    await pass(1000)
    expect(answer.value?.status).toBe(403)
    expect(world.readOnly).toBe(1)
    expect(world.routed).toEqual([])
    expect(saves.list()).toEqual([])
  })

  it('takes a gate’s refusal for an answer, and has no viewer looked at for it', async () => {
    const { world, fetch, api, saves } = scripted()
    world.status = aStatus({ state: 'ready' })
    world.onRoute = () => problem(403, 'read-only')
    const answer = watch(fetch(`${api}annotations/obs`, { method: 'PUT', body: 'x' }))
    await pass(5000)
    expect(answer.value?.status).toBe(403)
    expect(saves.list()[0]?.save).toMatchObject({ state: 'refused', problem: { code: 'read-only' } })
    expect(world.wakes).toEqual([])
  })
})

describe('what somebody else saved', () => {
  it('is known from any answer that names a newer version, and forgotten with a save of our own', async () => {
    const { world, fetch, api, bases } = opened()
    await pass(100)
    expect(bases.newer('labels')).toBe(false)
    world.onRoute = ({ method }) => json({}, 200, { 'x-cxod-labels-version': method === 'PUT' ? '6' : '5' })
    watch(fetch(`${api}annotations/obs?annotation-name=mine`))
    await pass(100)
    expect(bases.newer('labels')).toBe(true)
    expect(bases.get('labels')).toBe('3')
    expect(bases.newer('genesets')).toBe(false)
    watch(fetch(`${api}annotations/obs`, { method: 'PUT', body: 'x' }))
    await pass(100)
    expect(bases.newer('labels')).toBe(false)
  })
})
