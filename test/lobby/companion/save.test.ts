/** Saves: with their base, held for the user's choice, given up, refused, and through trouble. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { aStatus, json, pass, scripted, stopTime, watch } from './scripted.ts'

beforeEach(() => {
  stopTime()
})
afterEach(() => {
  vi.useRealTimers()
})

const none = () => new Response(null, { status: 202, headers: { 'x-cxod-viewer': 'none' } })
const problem = (status: number, code: string, more: object = {}) =>
  json({ code, title: code, detail: 'why', ...more }, status)

describe('a save', () => {
  const put = (rest = 'annotations/obs', body = 'all labels') => [rest, { method: 'PUT', body }] as const

  function loaded() {
    const all = scripted()
    all.world.status = aStatus({ state: 'ready' })
    const save = ([rest, init]: ReturnType<typeof put> = put()) => watch(all.fetch(all.api + rest, init))
    return { ...all, save }
  }

  it('carries the version from which the page was loaded, moved by its own saves alone', async () => {
    const { world, fetch, api, save } = loaded()
    world.onRoute = ({ path, method }) =>
      json({}, 200, { 'x-cxod-labels-version': method === 'PUT' ? '4' : path.includes('schema') ? '3' : '9' })
    watch(fetch(`${api}schema`))
    await pass(500)
    // Another tab's save shows in this answer; taking its version for ours would overwrite that tab in silence.
    watch(fetch(`${api}annotations/obs?annotation-name=mine`))
    await pass(500)
    save()
    await pass(500)
    save()
    await pass(500)
    expect(
      world.routed.filter(({ method }) => method === 'PUT').map(({ headers }) => headers.get('x-cxod-base')),
    ).toEqual(['3', '4'])
  })

  it('says none when there was nothing, and keeps the two kinds apart', async () => {
    const { world, fetch, api, save } = loaded()
    world.onRoute = ({ path }) =>
      json(
        {},
        200,
        path.includes('genesets') ? { 'x-cxod-genesets-version': '5' } : { 'x-cxod-labels-version': 'none' },
      )
    watch(fetch(`${api}schema`))
    watch(fetch(`${api}genesets`))
    await pass(500)
    save()
    save(put('genesets'))
    await pass(500)
    expect(world.routed.slice(2).map(({ headers }) => headers.get('x-cxod-base'))).toEqual(['none', '5'])
  })

  it('met by another version waits for the user; “keep mine” replaces that version', async () => {
    const { world, save, saves } = loaded()
    const latest = { version: '8', savedBy: 'bob', savedAt: 1_000_000 }
    world.onRoute = ({ headers }) =>
      headers.get('x-cxod-base') === '8'
        ? json({}, 200, { 'x-cxod-labels-version': '9' })
        : json({ code: 'base-mismatch', latest }, 412, { date: new Date(1_120_000).toUTCString() })
    const answer = save()
    await pass(60_000)
    expect(answer.value).toBeNull()
    expect(world.routed).toHaveLength(1)
    // Two minutes by the servers' clock, whatever the browser's says.
    expect(saves.list()).toEqual([
      { kind: 'labels', save: { state: 'conflict', newer: { version: '8', savedBy: 'bob', agoMs: 120_000 } } },
    ])
    saves.goOn('labels')
    await pass(500)
    expect(answer.value?.status).toBe(200)
    expect(saves.list()).toEqual([])
    save()
    await pass(500)
    expect(world.routed.at(-1)?.headers.get('x-cxod-base')).toBe('9')
  })

  it('under which two viewers died waits for a person instead of failing', async () => {
    const { world, save, saves } = loaded()
    let viewers = 1
    world.onRoute = () => {
      if (viewers === 4) return json({})
      world.status = aStatus({ state: 'lost', sessionId: `v${viewers}` })
      return none()
    }
    world.onWake = () => world.becomes(aStatus({ state: 'ready', sessionId: `v${++viewers}` }))
    const answer = save()
    await pass(600_000)
    expect(world.routed).toHaveLength(2)
    expect(saves.list()).toEqual([{ kind: 'labels', save: { state: 'gave-up' } }])
    viewers = 3
    saves.goOn('labels')
    await pass(60_000)
    expect(answer.value?.status).toBe(200)
  })

  it('that is refused fails visibly, and the next one waits, longer each time, unless the user says now', async () => {
    const { world, save, saves } = loaded()
    world.onRoute = () => problem(413, 'too-large')
    save()
    await pass(500)
    expect(saves.list()[0]?.save).toMatchObject({ state: 'refused', problem: { code: 'too-large' } })
    const second = save()
    await pass(4000)
    expect(second.value).toBeNull()
    await pass(2000)
    expect(second.value?.status).toBe(413)
    const third = save()
    await pass(6000)
    expect(third.value).toBeNull()
    world.onRoute = () => json({})
    saves.goOn('labels')
    await pass(500)
    expect(third.value?.status).toBe(200)
    expect(saves.list()).toEqual([])
  })

  it.each([
    ['owner-changed', 409],
    ['link-over', 403],
    ['not-signed-in', 401],
  ])('is held while %s, and goes on when that is over', async (code, status) => {
    const { world, save, saves, link } = loaded()
    await pass(100)
    world.onRoute = () => problem(status, code)
    world.onStatus = () => problem(status, code)
    const answer = save()
    await pass(120_000)
    expect(answer.value).toBeNull()
    expect(world.routed).toHaveLength(1)
    expect(link.trouble()?.code).toBe(code)
    expect(saves.list()).toHaveLength(1)
    world.onStatus = null
    world.onRoute = () => json({})
    await pass(6000)
    expect(answer.value?.status).toBe(200)
    expect(link.trouble()).toBeNull()
  })
})
