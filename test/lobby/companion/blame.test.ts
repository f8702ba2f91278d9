/** Several calls are on their way when a viewer dies: only the one that kills it is given up. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { aStatus, json, pass, scripted, stopTime, watch } from './scripted.ts'

beforeEach(() => {
  stopTime()
})
afterEach(() => {
  vi.useRealTimers()
})

/** Viewers that take a second for each call, and die of those that `kills` names, with everything that is on its way. */
function mortal(kills: (path: string) => boolean) {
  const all = scripted()
  const { world } = all
  let viewers = 1
  let dying: (() => void)[] = []
  world.status = aStatus({ state: 'ready', sessionId: 'v1' })
  world.onWake = () => world.becomes(aStatus({ state: 'ready', sessionId: `v${++viewers}` }))
  world.onRoute = ({ path }) =>
    new Promise<Response>((resolve) => {
      const gone = () => resolve(new Response(null, { status: 202, headers: { 'x-cxod-viewer': 'none' } }))
      dying.push(gone)
      setTimeout(() => {
        if (!dying.includes(gone)) return
        if (!kills(path)) {
          dying = dying.filter((one) => one !== gone)
          return resolve(json({}, 200, { 'x-cxod-labels-version': '1' }))
        }
        world.status = aStatus({ state: 'lost', sessionId: `v${viewers}` })
        for (const end of dying) end()
        dying = []
      }, 1000)
    })
  const ask = (rest: string, init?: RequestInit) => watch(all.fetch(all.api + rest, init))
  return { ...all, ask, viewers: () => viewers }
}

const put = { method: 'PUT', body: 'labels' }

describe('when a viewer dies', () => {
  it('a save that was on its way with the call that kills it goes first and alone, and is saved', async () => {
    const { world, ask, lost, saves } = mortal((path) => path.includes('data/var'))
    const gene = ask('data/var?x=1')
    const labels = ask('annotations/obs', put)
    const other = ask('layout/obs')
    await pass(60_000)
    expect(labels.value?.status).toBe(200)
    expect(other.value?.status).toBe(200)
    expect(gene.value).toBeNull()
    expect(lost.list()).toEqual(['a gene’s expression'])
    expect(saves.list()).toEqual([])
    // On the second viewer the save went before anything else was sent.
    const second = world.routed.filter(({ path }) => path.startsWith('/s/v2/')).map(({ path }) => path)
    expect(second[0]).toBe('/s/v2/api/v0.2/annotations/obs')
  })

  it('two that kill cost one viewer each, and nobody else pays', async () => {
    const { ask, lost, viewers } = mortal((path) => path.includes('data/var'))
    ask('data/var?x=1')
    ask('data/var?x=2')
    const labels = ask('annotations/obs', put)
    await pass(20_000)
    expect(labels.value?.status).toBe(200)
    expect(lost.list()).toEqual(['a gene’s expression'])
    expect(viewers()).toBe(3)
  })

  it('whatever it is asked, three viewers are all: the rest waits for a person', async () => {
    const { ask, lost, viewers } = mortal(() => true)
    for (let n = 0; n < 12; n++) ask(`data/var?x=${n}`)
    await pass(600_000)
    expect(viewers()).toBe(3)
    expect(lost.list()).toEqual(['a gene’s expression'])
    lost.answer(true)
    await pass(600_000)
    expect(viewers()).toBe(6)
  })

  it('one question, asked from several places and again, costs two viewers until somebody says to try again', async () => {
    const { ask, lost, viewers } = mortal((path) => path.includes('data/var'))
    const asked = [ask('data/var?x=1'), ask('data/var?x=1')]
    await pass(1900)
    asked.push(ask('data/var?x=1'))
    await pass(20_000)
    asked.push(ask('data/var?x=1'))
    const other = ask('layout/obs')
    await pass(20_000)
    expect(other.value?.status).toBe(200)
    // The one that died, the one that died again, and the one that answers the others.
    expect(viewers()).toBe(3)
    expect(asked.map(({ value }) => value)).toEqual([null, null, null, null])
    lost.answer(false)
    await pass(1000)
    expect(asked.map(({ value }) => value?.status)).toEqual([503, 503, 503, 503])
    // What was given up is no answer to the next time.
    ask('data/var?x=1')
    await pass(20_000)
    expect([viewers(), lost.list().length]).toEqual([4, 1])
  })

  it('differential expression, which takes minutes, goes last', async () => {
    let died = false
    const { world, ask } = mortal(() => {
      const first = !died
      died = true
      return first
    })
    const long = ask('diffexp/obs', { method: 'POST', body: '{}' })
    const short = ask('layout/obs')
    await pass(30_000)
    expect([long.value?.status, short.value?.status]).toEqual([200, 200])
    const second = world.routed.filter(({ path }) => path.startsWith('/s/v2/')).map(({ path }) => path)
    expect(second).toEqual(['/s/v2/api/v0.2/layout/obs', '/s/v2/api/v0.2/diffexp/obs'])
  })

  it('what is given up by cellxgene while it waits for its turn holds nobody up', async () => {
    const { ask } = mortal((path) => path.includes('data/var'))
    const abort = new AbortController()
    ask('data/var?x=1')
    ask('data/var?x=2', { signal: abort.signal })
    const other = ask('layout/obs')
    await pass(1500)
    abort.abort()
    await pass(30_000)
    expect(other.value?.status).toBe(200)
    const next = ask('schema')
    await pass(5000)
    expect(next.value?.status).toBe(200)
  })
})
