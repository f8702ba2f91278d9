/** A viewer that is for looking only: everything is read and computed, nothing is saved, and no part of the task says otherwise. */
import { expect, test } from 'vitest'
import { json, startWorld } from './world.ts'

test('a save is refused in so many words before anything is forwarded, even one that anybody could have forged', async () => {
  const world = await startWorld({ work: { mode: 'view' } })
  expect(world.viewer.work).toMatchObject({ mode: 'view' })
  const before = world.viewer.requests.length
  for (const reply of [
    await world.saveLabels('forged', null),
    await world.saveLabels('forged', '1'),
    await world.saveGeneSets('{"genesets":[]}', null),
    await world.ask('api/v0.2/annotations/obs', { method: 'PUT', body: 'no base at all' }),
  ]) {
    expect([reply.status, json(reply).code]).toEqual([403, 'read-only'])
    expect(reply.headers['content-type']).toBe('application/problem+json')
  }
  expect(world.viewer.requests.length).toBe(before)
  expect(world.api.calls.filter((call) => call.startsWith('PUT'))).toEqual([])
  expect(world.api.vault).toEqual({ labels: [], genesets: [] })
})

test('differential expression and reading work as ever', async () => {
  const world = await startWorld({ work: { mode: 'view' } })
  expect((await world.ask('api/v0.2/schema')).status).toBe(200)
  expect((await world.ask('api/v0.2/annotations/obs')).status).toBe(200)
  expect((await world.ask('api/v0.2/genesets')).status).toBe(200)
  const diffexp = { method: 'POST', body: '{}', headers: { 'content-type': 'application/json' } }
  expect((await world.ask('api/v0.2/diffexp/obs', diffexp)).status).toBe(200)
})

test('a stranger hears of no mode: who may pass is asked first', async () => {
  const world = await startWorld({ work: { mode: 'view' } })
  expect((await world.saveLabels('forged', null, { cookie: null })).status).toBe(401)
  expect((await world.saveLabels('forged', null, { owner: 'guest:linklinklink:other' })).status).toBe(409)
})
