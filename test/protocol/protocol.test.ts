/** The exhaustive exploration of the session protocol: real steps, real transition table, every interleaving and crash within bounds. */
import { describe, expect, it } from 'vitest'
import { defaultLimits } from '../../functions/core/limits.ts'
import { type Bounds, explore, type Place } from './explore.ts'

const scenes: Record<string, Bounds> = {
  'two launches and a stop': { calls: { launch: 2, stop: 1 }, jumps: 1 },
  'a launch, a knock and a stop': { calls: { launch: 1, stop: 1, knock: 1, reap: 1 }, jumps: 1 },
  'a start that is reaped': { calls: { launch: 1, knock: 1, loaded: 1, reap: 1 }, jumps: 2 },
  'a task that dies': { calls: { launch: 1, knock: 1, loaded: 1, taskDies: 1 }, jumps: 1 },
  'a task that dies after its word': { calls: { launch: 1, knock: 1, taskDies: 1, bye: 1 }, jumps: 1 },
  'a start one of whose calls fails, and another click': { calls: { launch: 2 }, jumps: 0, troubles: 1 },
  'a start two of whose calls fail, and the reaper': { calls: { launch: 1, reap: 1 }, jumps: 1, troubles: 2 },
  'use and sleep': { calls: { launch: 1, knock: 1, loaded: 1, beat: 1, reap: 1 }, jumps: 2 },
}

/** Room for one: the second waits, and gets the place, or leaves before. */
const line: [Place, string, Bounds][] = [
  ...(['one machine', 'cloud'] as const).map((place): [Place, string, Bounds] => [
    place,
    'a place that frees, and somebody who lets people in',
    { calls: { launch: 1, launchBob: 1, stop: 1, promote: 1 }, jumps: 0 },
  ]),
  [
    'one machine',
    'who waits leaves while they are let in',
    { calls: { launch: 1, launchBob: 1, stopBob: 1, promote: 1 }, jumps: 0 },
  ],
  [
    'cloud',
    'a launch that dies before it has a place',
    { calls: { launch: 1, launchBob: 1, promote: 1, reap: 1 }, jumps: 1 },
  ],
]

const histories = (findings: { path: string[]; leak: string }[]) =>
  findings.slice(0, 3).map(({ path, leak }) => `${leak}: ${path.join(', ')}`)

describe.each(['several processes, final', 'cloud'] as const)(
  'no session ends holding anything or stays live for nobody: %s',
  (place) => {
    it.each(Object.entries(scenes))('%s', { timeout: 120_000 }, async (_name, bounds) => {
      const { states, findings } = await explore(defaultLimits, place, bounds)
      expect(states).toBeGreaterThan(200)
      expect(histories(findings)).toEqual([])
    })
  },
)

describe('nobody in line is lost, half started or overtaken', () => {
  it.each(line)('%s: %s', { timeout: 120_000 }, async (place, _name, bounds) => {
    const { states, findings } = await explore({ ...defaultLimits, liveSessions: 1 }, place, bounds)
    expect(states).toBeGreaterThan(200)
    expect(histories(findings)).toEqual([])
  })
})

describe('the exploration can find a leak', () => {
  it('when calls outlive the grace and bound rules', { timeout: 120_000 }, async () => {
    const bounds: Bounds = { calls: { launch: 1, stop: 1, knock: 1 }, jumps: 2 }
    const { findings } = await explore(defaultLimits, 'cloud', bounds, { callLifetimeMs: 3_600_000 })
    expect(findings.map(({ leak }) => leak).join()).toMatch(/held by nobody/)
  })
  it('when a platform says that it started nothing, and does not know', { timeout: 120_000 }, async () => {
    const bounds: Bounds = { calls: { launch: 2 }, jumps: 0, troubles: 1 }
    const { findings } = await explore(defaultLimits, 'cloud', bounds, { claimsNothingStarted: true })
    expect(findings.map(({ leak }) => leak).join()).toMatch(/held by nobody/)
    expect(findings.map(({ leak }) => leak).join()).toMatch(/two tasks/)
  })
  it('when a platform says that its stops are final and they are not', { timeout: 120_000 }, async () => {
    const bounds: Bounds = { calls: { launch: 1, stop: 1 }, jumps: 1 }
    const { findings } = await explore(defaultLimits, 'cloud', bounds, { claimsFinal: true })
    expect(findings.map(({ leak }) => leak).join()).toMatch(/held by nobody/)
  })
})
