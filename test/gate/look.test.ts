/** `POST -/look`: a page that kept something beside has its viewer read it before it loads again; who may ask, and what a vault that says nothing means. */
import { describe, expect, test } from 'vitest'
import { deferred } from '../../functions/gate/timing.ts'
import { startWorld, type World } from './world.ts'

const labelsVersion = 'x-cxod-labels-version'
const geneSetsVersion = 'x-cxod-genesets-version'
/** No beat for as long as the test lasts: what is seen came by the look. */
const noBeats = { work: { limits: { diffexpCells: 1000, apiSilenceMs: 600_000, beatMs: 600_000 } } }
const look = (world: World, more: Parameters<World['ask']>[1] = {}) => world.ask('-/look', { method: 'POST', ...more })

describe('a look', () => {
  test('brings what was saved behind the viewer’s back, and says both versions', async () => {
    const world = await startWorld(noBeats)
    await world.saveLabels('one', null)
    world.api.put('labels', 'kept beside')
    world.api.put('genesets', 'sets')
    expect((await world.ask('api/v0.2/annotations/obs')).body.toString()).toBe('one')
    const looked = await look(world)
    expect([looked.status, looked.headers[labelsVersion], looked.headers[geneSetsVersion]]).toEqual([204, '2', '1'])
    const read = await world.ask('api/v0.2/annotations/obs')
    expect([read.headers[labelsVersion], read.body.toString()]).toEqual(['2', 'kept beside'])
    await look(world)
    expect(world.viewer.reloads).toEqual(['labels', 'genesets'])
    // The open page still stands on what it had: its save replaces nothing in silence.
    const refused = await world.saveLabels('over it', '1')
    expect([refused.status, JSON.parse(refused.body.toString()).latest.version]).toEqual([412, '2'])
    expect(world.viewer.content.labels).toBe('kept beside')
  })

  test('waits for a save under way, and does not take it back', async () => {
    const world = await startWorld(noBeats)
    const reached = deferred<void>()
    const go = deferred<void>()
    world.api.beforePut = () => {
      reached.resolve()
      return go.promise
    }
    const saving = world.saveLabels('mine', null)
    await reached.promise
    const looking = look(world)
    world.api.beforePut = () => {}
    go.resolve()
    expect((await saving).status).toBe(200)
    expect((await looking).headers[labelsVersion]).toBe('1')
    expect(world.viewer.content.labels).toBe('mine')
  })

  test.each([
    ['not reachable', { status: 503, code: 'unavailable', detail: 'down' }],
    ['refusing', { status: 400, code: 'bad-request', detail: 'no' }],
    ['of another session by now', { status: 409, code: 'session-over', detail: 'over' }],
  ])('at a vault that is %s changes nothing: silence is no "nothing is kept"', async (_, refuse) => {
    const world = await startWorld(noBeats)
    await world.saveLabels('one', null)
    world.api.refuse = refuse
    const looked = await look(world)
    expect(looked.status).toBe(503)
    expect(world.viewer.reloads).toEqual([])
    expect(world.viewer.content.labels).toBe('one')
  })

  test('is for the page of this session, and for nobody else', async () => {
    const world = await startWorld(noBeats)
    expect((await look(world, { cookie: null })).status).toBe(401)
    expect((await look(world, { owner: 'local:bob' })).status).toBe(409)
    expect((await look(world, { datasetVersion: 'v-0' })).status).toBe(409)
    expect((await world.ask('-/look')).status).toBe(405)
  })
})
