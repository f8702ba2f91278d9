/** The exhaustive exploration of the session protocol: real steps, real transition table, every interleaving and crash within bounds. */
import { describe, expect, it } from 'vitest'
import { defaultLimits } from '../../functions/core/limits.ts'
import { type Bounds, explore } from './explore.ts'

const scenes: Record<string, Bounds> = {
  'two launches and a stop': { calls: { launch: 2, stop: 1 }, jumps: 1 },
  'a launch, a knock and a stop': { calls: { launch: 1, stop: 1, knock: 1, reap: 1 }, jumps: 1 },
  'a start that is reaped': { calls: { launch: 1, knock: 1, loaded: 1, reap: 1 }, jumps: 2 },
  'a task that dies': { calls: { launch: 1, knock: 1, loaded: 1, taskDies: 1, bye: 1 }, jumps: 1 },
  'use and sleep': { calls: { launch: 1, knock: 1, loaded: 1, beat: 1, reap: 1 }, jumps: 2 },
}

/** Room for one: the second waits, and gets the place, or leaves before. */
const line: Record<string, Bounds> = {
  'a place that frees, and somebody who lets people in': {
    calls: { launch: 1, launchBob: 1, stop: 1, promote: 1 },
    jumps: 0,
  },
  'a launch that dies before it has a place': { calls: { launch: 1, launchBob: 1, promote: 1, reap: 1 }, jumps: 1 },
}

const histories = (findings: { path: string[]; leak: string }[]) =>
  findings.slice(0, 3).map(({ path, leak }) => `${leak}: ${path.join(', ')}`)

describe.each([
  ['one machine (stop is final)', true],
  ['a cloud (a late call may still start something)', false],
])('no session ends holding anything or stays live for nobody, on %s', (_, final) => {
  it.each(Object.entries(scenes))('%s', { timeout: 120_000 }, async (_name, bounds) => {
    const { states, findings } = await explore(defaultLimits, final, bounds)
    expect(states).toBeGreaterThan(200)
    expect(histories(findings)).toEqual([])
  })
})

describe.each([
  ['one machine', true],
  ['a cloud', false],
])('nobody in line is lost or half started, on %s', (_, final) => {
  it.each(Object.entries(line))('%s', { timeout: 120_000 }, async (_name, bounds) => {
    const { states, findings } = await explore({ ...defaultLimits, liveSessions: 1 }, final, bounds)
    expect(states).toBeGreaterThan(200)
    expect(histories(findings)).toEqual([])
  })
})

describe('the exploration can find a leak', () => {
  it('when calls outlive the grace and bound rules', { timeout: 120_000 }, async () => {
    const bounds: Bounds = { calls: { launch: 1, stop: 1, knock: 1 }, jumps: 2 }
    const { findings } = await explore(defaultLimits, false, bounds, { callLifetimeMs: 3_600_000 })
    expect(findings.map(({ leak }) => leak).join()).toMatch(/held by nobody/)
  })
  it('when a platform says that its stops are final and they are not', { timeout: 120_000 }, async () => {
    const bounds: Bounds = { calls: { launch: 1, stop: 1 }, jumps: 1 }
    const { findings } = await explore(defaultLimits, false, bounds, { claimsFinal: true })
    expect(findings.map(({ leak }) => leak).join()).toMatch(/held by nobody/)
  })
})
