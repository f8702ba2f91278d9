/** What the page says: each case has its own words, and the most pressing comes first. */
import { describe, expect, it, vi } from 'vitest'
import { createActivity, reportEveryMs } from '../../../web/companion/activity.ts'
import { barView } from '../../../web/companion/bar.ts'
import { loadedBy, savedBy } from '../../../web/companion/base.ts'
import { ownHeaders } from '../../../web/companion/env.ts'
import type { Model } from '../../../web/companion/model.ts'
import { waitingView } from '../../../web/companion/waiting.ts'
import { ago, bytes, clockTime, memory } from '../../../web/companion/words.ts'
import { aStatus, config } from './scripted.ts'

const model = (over: Partial<Model> = {}): Model => ({
  userName: 'ada',
  status: aStatus({ state: 'ready' }),
  trouble: null,
  refusal: null,
  here: true,
  waiting: 0,
  saves: [],
  sleepsIn: { ms: 600_000, ends: false },
  warnMs: 120_000,
  lostCall: false,
  ...over,
})
const labels = (labels: string[] | undefined) => labels ?? []
const buttons = (view: { buttons: { label: string }[] } | null) => labels(view?.buttons.map(({ label }) => label))
const saving = { kind: 'labels', save: { state: 'saving' } } as const
const trouble = (kind: 'offline' | 'signed-out' | 'owner-changed' | 'dataset-changed' | 'refused') => ({
  kind,
  code: kind,
  title: 'T',
  detail: 'D.',
})

describe('the bar', () => {
  it('is silent when all is well, also while a save is on its way', () => {
    expect(barView(model())).toBeNull()
    expect(barView(model({ saves: [saving], waiting: 0 }))).toBeNull()
  })

  it('counts down in the last part of the idle time, and the ticking is not read out', () => {
    const view = barView(model({ sleepsIn: { ms: 61_000, ends: false } }))
    expect(view).toMatchObject({ ticking: '1:01' })
    expect(view?.text).not.toMatch(/\d/)
    expect(buttons(view)).toEqual(['Keep it running'])
    expect(buttons(barView(model({ sleepsIn: { ms: 61_000, ends: true } })))).toEqual([])
  })

  it('says that changes wait, whatever it is that they wait for', () => {
    for (const state of ['starting', 'asleep', 'lost', 'stopping', 'failed'] as const)
      expect(barView(model({ status: aStatus({ state }), waiting: 1, saves: [saving] }))?.text).toContain(
        'Your changes wait',
      )
  })

  it('offers to wake only where it is not done by itself', () => {
    const asleep = { status: aStatus({ state: 'asleep' }) }
    expect(buttons(barView(model({ ...asleep })))).toEqual([])
    expect(buttons(barView(model({ ...asleep, waiting: 1 })))).toEqual([])
    expect(buttons(barView(model({ ...asleep, waiting: 1, here: false })))).toEqual(['Wake it'])
  })

  it('names who saved what and when, and offers both', () => {
    const newer = { version: '8', savedBy: 'bob', agoMs: 180_000 }
    const view = barView(model({ saves: [{ kind: 'genesets', save: { state: 'conflict', newer } }] }))
    expect(view?.text).toContain('bob saved other gene sets 3 minutes ago')
    expect(buttons(view)).toEqual(['Keep mine', 'Take theirs'])
    const own = barView(
      model({ saves: [{ kind: 'labels', save: { state: 'conflict', newer: { ...newer, savedBy: 'ada' } } }] }),
    )
    expect(own?.text).toContain('You saved other labels')
  })

  it('offers the next larger size after an out-of-memory', () => {
    const problem = { code: 'out-of-memory', title: 'The viewer ran out of memory', detail: 'D', largerMiB: 4096 }
    const view = barView(model({ status: aStatus({ state: 'failed', problem }), waiting: 1 }))
    expect(view?.text).toContain('ran out of memory')
    expect(buttons(view)).toEqual(['Start with 4 GB', 'Try again'])
  })

  it.each([
    ['offline', []],
    ['signed-out', ['Sign in again']],
    ['owner-changed', ['Sign in as ada', 'Load the page anew']],
    ['dataset-changed', ['Load the new version']],
    ['refused', ['Try again']],
  ] as const)('%s goes before everything else and says what becomes of unsaved work', (kind, expected) => {
    const view = barView(
      model({ trouble: trouble(kind), saves: [saving], waiting: 1, status: aStatus({ state: 'asleep' }) }),
    )
    expect(buttons(view)).toEqual(expected)
    expect(view?.text).toMatch(/not saved|changes wait/)
  })

  it('tells of a call that was given up', () => {
    expect(buttons(barView(model({ lostCall: true })))).toEqual(['OK'])
  })
})

describe('the waiting view', () => {
  const view = (over: Partial<Model>) => waitingView(model(over))

  it('goes through the stages as they are', () => {
    const starting = (stage: 'starting' | 'downloading' | 'loading') =>
      view({ status: aStatus({ state: 'starting', stage, doneBytes: 250e6, totalBytes: 1000e6 }) })
    expect(view({ status: null })).toMatchObject({ stage: null, progress: undefined })
    expect(starting('starting')).toMatchObject({ stage: 0, progress: undefined })
    expect(starting('downloading')).toMatchObject({
      stage: 1,
      progress: 0.25,
      text: 'Downloading the file: 250 MB of 1.0 GB.',
    })
    expect(starting('loading')).toMatchObject({ stage: 2, progress: undefined })
    expect(view({})).toMatchObject({ stage: 3, heading: 'Almost there' })
  })

  it('starts by itself only with somebody there; else there is a button', () => {
    const asleep = { status: aStatus({ state: 'asleep' }) }
    expect(buttons(view(asleep))).toEqual([])
    expect(buttons(view({ ...asleep, here: false }))).toEqual(['Wake it'])
  })

  it('gives cause, remedy and buttons when it fails', () => {
    const problem = {
      code: 'out-of-memory',
      title: 'The viewer ran out of memory',
      detail: 'More is needed.',
      largerMiB: 2048,
    }
    const failed = view({ status: aStatus({ state: 'failed', problem }) })
    expect(failed).toMatchObject({ heading: problem.title, text: problem.detail, problem: true, progress: null })
    expect(buttons(failed)).toEqual(['Start with 2 GB', 'Try again'])
    expect(buttons(view({ status: aStatus({ state: 'unusable' }) }))).toEqual(['Load the page again'])
  })

  it('a refused wake is told in its own words; one that needs a click, by what failed before', () => {
    const refusal = { code: 'too-many-sessions', title: 'Too many viewers', detail: 'Stop one.' }
    expect(view({ refusal, status: aStatus() })).toMatchObject({ heading: 'Too many viewers', text: 'Stop one.' })
    const problem = { code: 'start-timeout', title: 'It took too long', detail: 'D', largerMiB: null }
    const needsClick = { ...refusal, code: 'needs-click' }
    expect(view({ refusal: needsClick, status: aStatus({ problem }) }).heading).toBe('It took too long')
  })

  it.each(['offline', 'signed-out', 'owner-changed', 'dataset-changed', 'refused'] as const)(
    'has words for %s',
    (kind) => {
      expect(view({ trouble: trouble(kind) }).heading).not.toBe('Almost there')
    },
  )
})

describe('activity', () => {
  function setup() {
    const world = { now: 1_000_000, visible: true, heard: true, back: vi.fn(), reports: 0 }
    const activity = createActivity({
      now: () => world.now,
      visible: () => world.visible,
      everyMs: 20_000,
      back: world.back,
      report: async () => {
        world.reports++
        return world.heard
      },
    })
    return { world, activity }
  }

  it('is reported at most every 20 s, however much somebody moves', async () => {
    const { world, activity } = setup()
    for (let ms = 0; ms < 60_000; ms += 100) {
      world.now += 100
      activity.used()
      await Promise.resolve()
    }
    expect(world.reports).toBe(3)
  })

  it('that nobody heard is told again with the next movement', async () => {
    const { world, activity } = setup()
    world.heard = false
    activity.used()
    await new Promise((resolve) => setImmediate(resolve))
    activity.used()
    expect(world.reports).toBe(2)
  })

  it('in a hidden tab is none', () => {
    const { world, activity } = setup()
    world.visible = false
    activity.used()
    expect(world.reports).toBe(0)
    expect(activity.here()).toBe(false)
  })

  it('somebody is there for five minutes, and back with a movement', () => {
    const { world, activity } = setup()
    expect(activity.here()).toBe(true)
    world.now += 5 * 60_000
    expect(activity.here()).toBe(false)
    activity.used()
    expect(world.back).toHaveBeenCalledTimes(1)
    expect(activity.here()).toBe(true)
    activity.used()
    expect(world.back).toHaveBeenCalledTimes(1)
  })

  it('a tab restored in the background has nobody there', () => {
    const activity = createActivity({
      now: () => 5,
      visible: () => false,
      everyMs: 1,
      back: () => {},
      report: async () => true,
    })
    expect(activity.here()).toBe(false)
  })

  it('is reported more often where viewers sleep soon', () => {
    expect(reportEveryMs(30 * 60_000)).toBe(20_000)
    expect(reportEveryMs(12_000)).toBe(3_000)
  })
})

it('knows which calls load and which save', () => {
  expect(savedBy('PUT', 'annotations/obs')).toBe('labels')
  expect(savedBy('PUT', 'genesets')).toBe('genesets')
  expect(savedBy('GET', 'annotations/obs')).toBeNull()
  expect(savedBy('PUT', 'data/var')).toBeNull()
  expect(savedBy('PUT', 'toString')).toBeNull()
  expect(loadedBy('GET', 'schema')).toBe('labels')
  expect(loadedBy('GET', 'genesets')).toBe('genesets')
  expect(loadedBy('GET', 'annotations/obs')).toBeNull()
})

it('speaks of amounts and times as people do', () => {
  expect([bytes(1_772_368), bytes(790e6), bytes(25e9)]).toEqual(['1.8 MB', '790 MB', '25.0 GB'])
  expect([clockTime(120_000), clockTime(61_001), clockTime(1), clockTime(0)]).toEqual(['2:00', '1:02', '0:01', '0:00'])
  expect([ago(null), ago(20_000), ago(60_000), ago(3_600_000), ago(50 * 3_600_000)]).toEqual([
    'meanwhile',
    'less than a minute ago',
    'a minute ago',
    'an hour ago',
    '2 days ago',
  ])
  expect([memory(512), memory(2048)]).toEqual(['512 MB', '2 GB'])
})

it('sends an owner’s id as it is, unless a header can’t carry it', () => {
  expect(ownHeaders(config)['x-cxod-owner']).toBe('local:ada')
  expect(ownHeaders({ ...config, owner: { id: 'idp:жук', name: 'жук' } })['x-cxod-owner']).toBe(
    encodeURIComponent('idp:жук'),
  )
})
