/** Who counts as being there, and the small rules of the page's words and headers. */
import { describe, expect, it, vi } from 'vitest'
import { createActivity, reportEveryMs } from '../../../web/companion/activity.ts'
import { loadedBy, savedBy } from '../../../web/companion/base.ts'
import { ownHeaders } from '../../../web/companion/env.ts'
import { toldWords } from '../../../web/companion/told.ts'
import { ago, bytes, clockTime, listed, memory, ordinal } from '../../../web/companion/words.ts'
import { config } from './scripted.ts'

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

it('tells what became of labels in plain words', () => {
  const report = {
    labelledCells: 600,
    matchedCells: 588,
    unmatchedCells: 12,
    unmatchedSample: ['AAA-1', 'AAC-1', 'AAG-1', 'AAT-1'],
    renamed: [{ from: 'louvain', to: 'louvain (label)' }],
  }
  expect(toldWords({ kind: 'labels', how: 'carried', report })).toBe(
    'The file was replaced. Your labels were brought over by cell name: 588 of 600 labelled cells are in the new file. The labels of 12 cells (AAA-1, AAC-1, AAG-1, …) are kept for when they come back. “louvain” was renamed “louvain (label)”, because the name was taken.',
  )
  const all = { ...report, labelledCells: 1200, matchedCells: 1200, unmatchedCells: 0, renamed: [] }
  expect(toldWords({ kind: 'labels', how: 'carried', report: all })).toContain('all 1,200 labelled cells are in')
  expect(toldWords({ kind: 'genesets', how: 'merged', report: { ...all, renamed: report.renamed } })).toBe(
    'Your gene sets were added to what was there. “louvain” was renamed “louvain (label)”, because the name was taken.',
  )
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
  expect([1, 2, 3, 4, 11, 12, 13, 21, 22, 103, 111].map(ordinal).join(' ')).toBe(
    '1st 2nd 3rd 4th 11th 12th 13th 21st 22nd 103rd 111th',
  )
  expect([listed([]), listed(['a']), listed(['a', 'b']), listed(['a', 'b', 'c'])]).toEqual([
    '',
    'a',
    'a and b',
    'a, b and c',
  ])
  expect([memory(512), memory(2048)]).toEqual(['512 MB', '2 GB'])
})

it('sends an owner’s id as it is, unless a header can’t carry it', () => {
  expect(ownHeaders(config)['x-cxod-owner']).toBe('local:ada')
  expect(ownHeaders({ ...config, owner: { id: 'idp:жук', name: 'жук' } })['x-cxod-owner']).toBe(
    encodeURIComponent('idp:жук'),
  )
})
