/** The drill’s short form: the riskiest kills once, a vault that is gone, a jumping clock, and some seconds of random kills. */
import { expect, it } from 'vitest'
import { drill, tableOf } from './drill.ts'

it('loses nothing, leaves nothing running and nobody stuck', { timeout: 600_000 }, async () => {
  const only = ['save', 'stop', 'vault-gone', 'clock', 'annotators']
  const verdicts = await drill({ seed: 1, rounds: 1, minutes: 0.3, only, say: () => {} })
  process.stdout.write(`${tableOf(verdicts)}\n`)
  for (const { scene, problems, lost, orphans, stuck } of verdicts)
    expect({ scene, problems, lost, orphans, stuck }).toEqual({ scene, problems: [], lost: [], orphans: [], stuck: [] })
  expect(verdicts.every(({ acknowledged }) => acknowledged > 0)).toBe(true)
})
