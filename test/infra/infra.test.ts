/** The plan of a deploy keeps its promises; and each promise is broken once, to see that the question would notice. */
import { beforeAll, describe, expect, it } from 'vitest'
import { type Graph, planned } from './graph.ts'
import { promises } from './promises.ts'

let production: Graph
beforeAll(async () => {
  production = await planned('production')
}, 300_000)

describe('the infrastructure of production', () => {
  it.each(promises.map((promise) => [promise.name, promise] as const))('%s', (_, { problems, broken }) => {
    expect(problems(production)).toEqual([])
    const copy = structuredClone(production)
    broken(copy)
    expect(problems(copy), 'the question does not notice').not.toEqual([])
  })
})

describe('another stage', () => {
  it('has as many slots as it is told, and leaves nothing behind', async () => {
    const { resources } = await planned('try', { CXOD_SLOTS: '3' })
    expect(resources.filter(({ type }) => type.startsWith('aws:lb/targetGroup:'))).toHaveLength(3)
    expect(resources.filter(({ protect }) => protect)).toEqual([])
  })

  it('refuses a number of slots that no load balancer has', async () => {
    await expect(planned('try', { CXOD_SLOTS: '101' })).rejects.toThrow(/CXOD_SLOTS=101 can't be used/)
  })
})
