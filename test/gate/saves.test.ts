/** What is acknowledged is in the vault, under the version that the answer names; nothing is overwritten in silence. */
import { readdirSync, statSync } from 'node:fs'
import { deflateSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { deferred } from '../../functions/gate/timing.ts'
import type { StandInViewerOptions } from '../support/stand-in-viewer.ts'
import { holdSaves, json, type Reply, send, startWorld, until, type World } from './world.ts'

const labelsVersion = 'x-cxod-labels-version'
const geneSetsVersion = 'x-cxod-genesets-version'
const contents = (world: World) => world.api.vault.labels.map(({ content }) => content)
const puts = (world: World) => world.api.calls.filter((call) => call === 'PUT /gate/vault/labels').length

function expectMismatch(reply: Reply, version: string | null): void {
  expect(reply.status).toBe(412)
  expect(reply.headers['content-type']).toBe('application/problem+json')
  const problem = json(reply) as { code: string; latest: { version: string; savedAt: number; savedBy: string } | null }
  expect(problem.code).toBe('base-mismatch')
  expect(problem.latest?.version ?? null).toBe(version)
  if (version) expect(Object.keys(problem.latest ?? {}).sort()).toEqual(['savedAt', 'savedBy', 'version'])
}

describe('a save', () => {
  test('is in the vault when it is answered, with the version it made', async () => {
    const world = await startWorld()
    const first = await world.saveLabels('one', null)
    expect([first.status, json(first), first.headers[labelsVersion]]).toEqual([200, { status: 'OK' }, '1'])
    expect(contents(world)).toEqual(['one'])
    const second = await world.saveLabels('two', '1')
    expect([second.status, second.headers[labelsVersion]]).toEqual([200, '2'])
    expect(world.api.vault.labels.map(({ base }) => base)).toEqual([null, '1'])
    const sets = await world.saveGeneSets('{"genesets":[]}', null)
    expect([sets.status, sets.headers[geneSetsVersion], sets.headers[labelsVersion]]).toEqual([200, '1', undefined])
    await until(() => !readdirSync(world.config.taskDir).some((name) => name.startsWith('save-')))
  })

  test('is not answered before the vault has it', async () => {
    const world = await startWorld()
    const held = holdSaves(world)
    let answered = false
    const saving = world.saveLabels('one', null).finally(() => {
      answered = true
    })
    await held.reached
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(answered).toBe(false)
    held.go()
    expect((await saving).status).toBe(200)
  })

  test('without a base is refused: it could overwrite another tab’s', async () => {
    const world = await startWorld()
    for (const base of [undefined, '', 'null', '1; DROP', '-1']) {
      const headers = base === undefined ? {} : { 'x-cxod-base': base }
      const body = deflateSync('one')
      const reply = await world.ask('api/v0.2/annotations/obs', { method: 'PUT', body, headers })
      expect([reply.status, json(reply).code]).toEqual([400, 'bad-request'])
    }
    expect(contents(world)).toEqual([])
  })

  test('on another base is refused, says who saved what, and changes nothing', async () => {
    const world = await startWorld()
    await world.saveLabels('tab one', null)
    expectMismatch(await world.saveLabels('tab two', null), '1')
    expectMismatch(await world.saveLabels('tab two', '7'), '1')
    expect(contents(world)).toEqual(['tab one'])
    expect(world.viewer.content.labels).toBe('tab one')
    // The user's choice: mine, on top of what is there.
    expect((await world.saveLabels('tab two', '1')).status).toBe(200)
  })

  test('of two tabs at once on one base: exactly one is kept', async () => {
    const world = await startWorld()
    await world.saveLabels('zero', null)
    const replies = await Promise.all(['a', 'b', 'c', 'd'].map((text) => world.saveLabels(text, '1')))
    expect(replies.map(({ status }) => status).sort()).toEqual([200, 412, 412, 412])
    expect(world.api.vault.labels.length).toBe(2)
  })

  test('of labels does not wait for one of gene sets', async () => {
    const world = await startWorld()
    const go = deferred<void>()
    world.api.beforePut = (kind) => (kind === 'genesets' ? go.promise : undefined)
    const sets = world.saveGeneSets('{"genesets":[]}', null)
    expect((await world.saveLabels('one', null)).status).toBe(200)
    go.resolve()
    expect((await sets).status).toBe(200)
  })

  test('repeated because its answer was lost is acknowledged, with the version it made', async () => {
    const world = await startWorld()
    await world.saveLabels('one', null)
    const again = await world.saveLabels('one', null)
    expect([again.status, json(again), again.headers[labelsVersion]]).toEqual([200, { status: 'OK' }, '1'])
    expect(contents(world)).toEqual(['one'])
  })

  test('repeated to the next gate is acknowledged as well', async () => {
    const hash = '7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed' // of `one`, as gene sets send it
    const world = await startWorld({ prepare: (api) => api.put('genesets', 'one', hash) })
    const again = await world.saveGeneSets('one', null)
    expect([again.status, again.headers[geneSetsVersion]]).toEqual([200, '1'])
    expect(world.api.vault.genesets.length).toBe(1)
    expectMismatch(await world.saveGeneSets('two', null), '1')
  })

  test('whose vault answer was lost on the way is found again, not saved twice', async () => {
    const world = await startWorld()
    world.api.lose.push('PUT /gate/vault/labels')
    const reply = await world.saveLabels('one', null)
    expect([reply.status, reply.headers[labelsVersion]]).toEqual([200, '1'])
    expect(contents(world)).toEqual(['one'])
    expect(world.viewer.content.labels).toBe('one')
  })

  test('waits for an API that is away for a moment', async () => {
    const world = await startWorld()
    world.api.down = true
    const saving = world.saveLabels('one', null)
    await new Promise((resolve) => setTimeout(resolve, 100))
    world.api.down = false
    expect((await saving).status).toBe(200)
  })

  test('fails visibly when the API stays away, and nobody remembers it', async () => {
    const world = await startWorld({ tuning: { vaultRetryMs: 60 } })
    world.api.down = true
    const reply = await world.saveLabels('one', null)
    expect([reply.status, json(reply).code]).toEqual([503, 'unavailable'])
    expect(reply.headers['retry-after']).toBeTruthy()
    expect(world.viewer.content.labels).toBe(null)
    world.api.down = false
    expect((await world.saveLabels('one', null)).status).toBe(200)
  })

  test('refused by the vault for good says why', async () => {
    const world = await startWorld()
    world.api.refuse = { status: 413, code: 'too-large', detail: 'The quota is spent.' }
    const reply = await world.saveLabels('one', null)
    expect([reply.status, json(reply).detail, puts(world)]).toEqual([413, 'The quota is spent.', 1])
    expect(world.viewer.content.labels).toBe(null)
  })

  test('of a session that is over is held for the next one, and the gate leaves', async () => {
    const world = await startWorld()
    world.api.refuse = { status: 409, code: 'session-over', detail: 'over' }
    const reply = await world.saveLabels('one', null)
    expect([reply.status, reply.headers['x-cxod-viewer']]).toEqual([202, 'none'])
    expect((await world.left).cause).toBe('told')
  })

  test('that meets a restore is refused, and the viewer then answers from the restored version', async () => {
    const world = await startWorld({ work: { limits: slowBeats } })
    await world.saveLabels('one', null)
    world.api.put('labels', 'restored', undefined, 'Bob') // no beat has told the gate
    const reply = await world.saveLabels('two', '1')
    expectMismatch(reply, '2')
    expect((json(reply).latest as { savedBy: string }).savedBy).toBe('Bob')
    await until(() => world.viewer.content.labels === 'restored')
    const read = await world.ask('api/v0.2/annotations/obs')
    expect([read.headers[labelsVersion], read.body.toString()]).toEqual(['2', 'restored'])
  })

  test('on a version that the gate has not heard of is taken, after the viewer has read it', async () => {
    const world = await startWorld({ work: { limits: slowBeats } })
    await world.saveLabels('one', null)
    world.api.put('labels', 'uploaded')
    expect((await world.saveLabels('three', '2')).headers[labelsVersion]).toBe('3')
    expect(world.viewer.reloads).toEqual(['labels'])
  })

  test('that the viewer refuses gets the viewer’s answer', async () => {
    const world = await startWorld()
    const body = deflateSync('x')
    const reply = await world.ask('api/v0.2/annotations/obs?status=400', {
      method: 'PUT',
      body,
      headers: { 'x-cxod-base': 'none' },
    })
    expect([reply.status, puts(world)]).toEqual([400, 0])
  })

  test('that the viewer claims to have taken, but did not hand over, is not acknowledged', async () => {
    const world = await startWorld({ viewer: { forgetful: true } })
    const reply = await world.saveLabels('one', null)
    expect([reply.status, json(reply).code]).toEqual([503, 'unavailable'])
  })

  test.each([
    ['answers 500', 500],
    ['breaks off', 'reset'],
  ] as [string, StandInViewerOptions['afterDurable']][])(
    'that is kept counts, although the viewer then %s; and the viewer reads it again',
    async (_name, afterDurable) => {
      const world = await startWorld({ viewer: { afterDurable } })
      const reply = await world.saveLabels('one', null)
      expect([reply.status, reply.headers[labelsVersion]]).toEqual([200, '1'])
      const read = await world.ask('api/v0.2/annotations/obs')
      expect([read.headers[labelsVersion], read.body.toString()]).toEqual(['1', 'one'])
      expect((await world.saveLabels('one', null)).status).toBe(200)
      expect(contents(world)).toEqual(['one'])
    },
  )

  test('that has begun is finished although its browser went away', async () => {
    const world = await startWorld()
    const held = holdSaves(world)
    const gone = new AbortController()
    const saving = world.saveLabels('one', null, { signal: gone.signal })
    await held.reached
    gone.abort()
    await expect(saving).rejects.toThrow()
    held.go()
    await until(() => world.viewer.content.labels === 'one')
    const again = await world.saveLabels('one', null)
    expect([again.status, again.headers[labelsVersion]]).toEqual([200, '1'])
  })

  test('that still waits when its browser goes away is dropped: a newer one comes', async () => {
    const world = await startWorld()
    const held = holdSaves(world)
    const first = world.saveLabels('one', null)
    await held.reached
    const gone = new AbortController()
    const second = world.saveLabels('two', '1', { signal: gone.signal })
    await new Promise((resolve) => setTimeout(resolve, 50))
    gone.abort()
    await expect(second).rejects.toThrow()
    // What comes after it is answered after it was heard of.
    expect((await world.ask('-/health')).status).toBe(200)
    const third = world.saveLabels('three', '1')
    await new Promise((resolve) => setTimeout(resolve, 20))
    held.go()
    expect([(await first).status, (await third).status]).toEqual([200, 200])
    expect(contents(world)).toEqual(['one', 'three'])
  })

  test('over the bounds is refused before the viewer sees it, compressed or not', async () => {
    const world = await startWorld({ tuning: { saveBytes: 10_000, saveInflatedBytes: 20_000 } })
    const before = world.viewer.requests.length
    const noise = Buffer.from(Array.from({ length: 15_000 }, (_, at) => (at * 7919 + (at >> 3) * 31 + at * at) % 251))
    const tooLarge = [
      await world.ask('api/v0.2/annotations/obs', { method: 'PUT', body: noise, headers: { 'x-cxod-base': 'none' } }),
      await world.saveLabels('x'.repeat(20_001), null),
      await world.saveGeneSets('x'.repeat(10_001), null),
    ]
    expect(tooLarge.map((reply) => [reply.status, json(reply).code])).toEqual(tooLarge.map(() => [413, 'too-large']))
    expect(world.viewer.requests.length).toBe(before)
    expect((await world.saveLabels('x'.repeat(20_000), null)).status).toBe(200)
  })

  test('that is no zlib stream is refused: the viewer would answer 500', async () => {
    const world = await startWorld()
    const whole = deflateSync('some labels that are long enough to be cut')
    for (const body of [Buffer.from('plain'), whole.subarray(0, 20), Buffer.alloc(0)]) {
      const headers = { 'x-cxod-base': 'none' }
      const reply = await world.ask('api/v0.2/annotations/obs', { method: 'PUT', body, headers })
      expect([reply.status, json(reply).code]).toEqual([400, 'bad-request'])
    }
  })
})

test('the task’s socket belongs to the viewer alone, and takes nothing but a save that is under way', async () => {
  const world = await startWorld()
  expect(statSync(world.config.taskSocket).mode & 0o777).toBe(0o600)
  for (const headers of [{}, { 'x-save-id': 'guess' }]) {
    const reply = await send(world.config.taskSocket, '/vault/labels', { method: 'PUT', body: 'forged', headers })
    expect(reply.status).toBe(409)
  }
  // And while one is under way: nothing but that one.
  const body = deflateSync('mine')
  const slow = world.ask('api/v0.2/annotations/obs?delay=150', {
    method: 'PUT',
    body,
    headers: { 'x-cxod-base': 'none' },
  })
  await until(() => world.viewer.requests.some(({ method }) => method === 'PUT'))
  const forged = { method: 'PUT', body: 'forged', headers: { 'x-save-id': 'guess' } }
  expect((await send(world.config.taskSocket, '/vault/labels', forged)).status).toBe(409)
  expect((await slow).status).toBe(200)
  expect((await send(world.config.taskSocket, '/vault/other', {})).status).toBe(404)
  expect((await send(world.config.taskSocket, '/failed', { method: 'POST', body: 'no json' })).status).toBe(400)
  expect(contents(world)).toEqual(['mine'])
})

const slowBeats = { diffexpCells: 1000, apiSilenceMs: 60_000, beatMs: 60_000 }
