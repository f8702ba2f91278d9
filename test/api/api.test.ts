/** The public API, every answer held to its OpenAPI document, on the real launcher, store and vault. */
import { afterAll, describe, expect, it } from 'vitest'
import { callApi, openApiOf, openTestApp } from '../support/app.ts'
import { type Conform, conformTo } from '../support/conform.ts'
import { appOrigin, viewOrigin } from '../support/people.ts'
import { aDataset, gateOf } from '../support/ports.ts'
import { tempDir } from '../support/temp-dir.ts'

const bed = await openTestApp(tempDir(), {
  datasets: [
    aDataset(),
    aDataset({ id: 'tumour', path: 'onco/tumour.h5ad', group: 'onco' }),
    aDataset({
      id: 'broken',
      state: 'refused',
      index: null,
      problem: { code: 'no-embedding', cause: 'No embedding.', remedy: 'Add one.' },
    }),
    ...['b', 'c', 'd'].map((id) => aDataset({ id, path: `public/${id}.h5ad` })),
  ],
})
afterAll(() => bed.store.close())
const document = await openApiOf(bed)
const conform: Conform = conformTo(document)

const call = (...args: Tail<typeof callApi>) => callApi(conform, ...args)
type Tail<F> = F extends (first: Conform, ...rest: infer R) => unknown ? R : never

describe('who asks', () => {
  it('answers 401 with a problem document to nobody, on every route', async () => {
    for (const [path, verbs] of Object.entries(document.paths))
      for (const verb of Object.keys(verbs)) {
        const real = path.replace(
          /\{(\w+)\}/g,
          (_all, name: string) => ({ kind: 'labels', version: '1' })[name] ?? 'pbmc',
        )
        const answer = await bed.app.request(`${appOrigin}${real}`, { method: verb.toUpperCase() })
        await conform.check(verb, real, answer)
        expect([path, answer.status, answer.headers.get('www-authenticate')]).toEqual([
          path,
          401,
          expect.stringContaining('Bearer'),
        ])
      }
  })

  it('tells me who I am, and gives my scripts a token that is me', async () => {
    const ada = await bed.browser({ name: 'me-ada', groups: ['onco'], email: 'ada@example.org' })
    const me = { id: 'local:me-ada', name: 'me-ada', email: 'ada@example.org', groups: ['onco'], admin: false }
    expect((await call(ada, 'GET', '/api/me')).json).toEqual(me)
    const { status, json } = await call(ada, 'POST', '/api/token')
    expect([status, json.tokenType]).toEqual([201, 'Bearer'])
    const headers = { authorization: `Bearer ${String(json.token)}` }
    const byToken = await bed.app.request(`${appOrigin}/api/me`, { headers })
    expect(await byToken.json()).toEqual(me)
    const again = await bed.app.request(`${appOrigin}/api/token`, { method: 'POST', headers })
    expect((await conform.check('POST', '/api/token', again)).status).toBe(403)
    // A program sends no Origin, and a browser never sends a bearer token by itself.
    const launch = await bed.app.request(`${appOrigin}/api/sessions`, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json' },
      body: JSON.stringify({ datasetId: 'pbmc' }),
    })
    expect(launch.status).toBe(201)
  })

  it('does not change anything for another site’s page, whatever the browser sends along', async () => {
    const ada = await bed.browser({ name: 'csrf-ada' })
    for (const origin of ['https://evil.example.org', viewOrigin, 'null', 'http://localhost:9999', '']) {
      const answer = await call(ada, 'POST', '/api/sessions', { datasetId: 'pbmc' }, { origin })
      expect([origin, answer.status, answer.code]).toEqual([origin, 403, 'not-allowed'])
    }
    const without = await bed.app.request(`${appOrigin}/api/sessions`, {
      method: 'POST',
      headers: { cookie: ada.cookie, 'content-type': 'application/json' },
      body: '{"datasetId":"pbmc"}',
    })
    expect(without.status).toBe(403)
    expect((await call(ada, 'GET', '/api/sessions')).json.items).toEqual([])
    expect((await call(ada, 'GET', '/api/me', undefined, { origin: 'https://evil.example.org' })).status).toBe(200)
  })
})

describe('datasets', () => {
  it('lists what I may open, with what is known of it, and nothing of others', async () => {
    const eve = await bed.browser({ name: 'data-eve' })
    const { json } = await call(eve, 'GET', '/api/datasets')
    expect(json.items.map(({ id }) => id)).toEqual(expect.arrayContaining(['pbmc', 'broken']))
    expect(json.items.map(({ id }) => id)).not.toContain('tumour')
    expect(json.items.find(({ id }) => id === 'broken')).toMatchObject({
      state: 'refused',
      cells: null,
      problem: { remedy: 'Add one.' },
    })
    expect(json.items.find(({ id }) => id === 'pbmc')).toMatchObject({ cells: 700, viewUrl: `${viewOrigin}/v/pbmc/` })
    const ada = await bed.browser({ name: 'data-ada', groups: ['onco'] })
    expect((await call(ada, 'GET', '/api/datasets/tumour')).json).toMatchObject({ id: 'tumour', group: 'onco' })
  })

  it('tells apart what is not there and what is not mine', async () => {
    const eve = await bed.browser({ name: 'data-eve' })
    expect(await call(eve, 'GET', '/api/datasets/tumour')).toMatchObject({ status: 403, code: 'not-allowed' })
    expect(await call(eve, 'GET', '/api/datasets/nothing')).toMatchObject({ status: 404, code: 'not-found' })
    expect(await call(eve, 'GET', '/api/datasets/%2e%2e')).toMatchObject({ status: 404 })
  })
})

describe('sessions', () => {
  it('launches once: 201, then 200 with the same', async () => {
    const ada = await bed.browser({ name: 'launch-ada' })
    const first = await call(ada, 'POST', '/api/sessions', { datasetId: 'pbmc' })
    const second = await call(ada, 'POST', '/api/sessions', { datasetId: 'pbmc' })
    expect([first.status, second.status]).toEqual([201, 200])
    expect(second.json.id).toBe(first.json.id)
    expect(first.headers.get('location')).toBe(`/api/sessions/${String(first.json.id)}`)
    expect(first.json).toMatchObject({
      state: 'starting',
      datasetId: 'pbmc',
      stage: 'starting',
      sleepsAt: null,
      ending: null,
    })
    // Another's session is not there.
    const eve = await bed.browser({ name: 'launch-eve' })
    expect((await call(eve, 'GET', `/api/sessions/${String(first.json.id)}`)).status).toBe(404)
    expect((await call(eve, 'POST', `/api/sessions/${String(first.json.id)}/stop`)).status).toBe(404)
    expect((await call(eve, 'POST', `/api/sessions/${String(first.json.id)}/keep`)).status).toBe(404)
  })

  it('starts nothing without a right, for a file that can’t be opened, or over the cap', async () => {
    const eve = await bed.browser({ name: 'refused-eve' })
    const before = bed.tasks.started.length
    expect(await call(eve, 'POST', '/api/sessions', { datasetId: 'tumour' })).toMatchObject({
      status: 403,
      code: 'not-allowed',
    })
    expect(await call(eve, 'POST', '/api/sessions', { datasetId: 'broken' })).toMatchObject({
      status: 409,
      code: 'dataset-unusable',
    })
    expect(await call(eve, 'POST', '/api/sessions', { datasetId: 'nothing' })).toMatchObject({ status: 404 })
    expect(bed.tasks.started.length).toBe(before)
    for (const datasetId of ['b', 'c', 'd'])
      expect((await call(eve, 'POST', '/api/sessions', { datasetId })).status).toBe(201)
    expect(await call(eve, 'POST', '/api/sessions', { datasetId: 'pbmc' })).toMatchObject({
      status: 409,
      code: 'too-many-sessions',
      json: { cap: 3, scope: 'user' },
    })
  })

  it('says where a body is malformed', async () => {
    const ada = await bed.browser({ name: 'malformed-ada' })
    for (const body of [
      {},
      { datasetId: 7 },
      { datasetId: '' },
      { datasetId: 'pbmc', larger: 'yes' },
      { datasetId: 'pbmc', more: 1 },
    ]) {
      const answer = await call(ada, 'POST', '/api/sessions', body)
      expect([body, answer.status, answer.code]).toEqual([body, 400, 'bad-request'])
      expect(answer.json.detail).toMatch(/datasetId|larger|json|more/)
    }
    for (const [raw, type] of [
      ['{"datasetId":', 'application/json'],
      ['datasetId=pbmc', 'application/x-www-form-urlencoded'],
      ['{"datasetId":"pbmc"}', 'text/plain'],
    ] as const) {
      const answer = await bed.app.request(`${appOrigin}/api/sessions`, {
        method: 'POST',
        headers: { cookie: ada.cookie, origin: appOrigin, 'content-type': type },
        body: raw,
      })
      await conform.check('POST', '/api/sessions', answer)
      expect([type, answer.status]).toEqual([type, 400])
    }
    expect((await call(ada, 'GET', '/api/sessions')).json.items).toEqual([])
  })

  it('waits for a change, answers at once when there was one, and after the time when there is none', async () => {
    const ada = await bed.browser({ name: 'wait-ada' })
    const launched = (await call(ada, 'POST', '/api/sessions', { datasetId: 'pbmc' })).json
    const path = `/api/sessions/${String(launched.id)}`
    const gate = gateOf(await bed.deps.launcher.getSession(ada.who, String(launched.id)))

    let answered = false
    const waiting = call(ada, 'GET', `${path}?wait=60&seen=${String(launched.version)}`).finally(() => {
      answered = true
    })
    await new Promise((resolve) => setTimeout(resolve, 150))
    expect(answered).toBe(false)
    await bed.deps.launcher.knock(gate)
    const changed = (await waiting).json
    expect(changed.version).not.toBe(launched.version)
    // Seen is old: no waiting, or this test would run into its time limit.
    const late = await call(ada, 'GET', `${path}?wait=60&seen=${String(launched.version)}`)
    expect(late.json.version).toBe(changed.version)
    const started = performance.now()
    const same = await call(ada, 'GET', `${path}?wait=1&seen=${String(changed.version)}`)
    expect(same.json.version).toBe(changed.version)
    // Not how fast, but that it waited at all.
    expect(performance.now() - started).toBeGreaterThan(900)
    expect((await call(ada, 'GET', `${path}?wait=61`)).status).toBe(400)
    expect((await call(ada, 'GET', `${path}?wait=x`)).status).toBe(400)
  }, 50_000)

  it('shows a session through its life, keeps it, stops it, and leaves a receipt', async () => {
    const ada = await bed.browser({ name: 'life-ada' })
    const session = await bed.ready(bed.deps.launcher, ada.who as Parameters<typeof bed.ready>[1], 'pbmc')
    const path = `/api/sessions/${session.id}`
    const ready = (await call(ada, 'GET', path)).json
    expect(ready).toMatchObject({
      state: 'ready',
      memoryMiB: 1024,
      sleepsAt: expect.any(String),
      endsAt: expect.any(String),
    })
    bed.clock.advance(60_000)
    const kept = (await call(ada, 'POST', `${path}/keep`)).json
    expect(Date.parse(String(kept.sleepsAt)) - Date.parse(String(ready.sleepsAt))).toBe(60_000)
    expect((await call(ada, 'POST', `${path}/stop`)).status).toBe(200)
    expect((await call(ada, 'POST', `${path}/stop`)).status).toBe(200)
    bed.clock.advance(120_000)
    await bed.deps.launcher.reap()
    const over = (await call(ada, 'GET', '/api/sessions')).json.items
    expect(over).toEqual([
      expect.objectContaining({ id: session.id, state: 'stopped', ending: expect.objectContaining({ cause: 'user' }) }),
    ])
    expect((await call(ada, 'GET', '/api/receipts')).json.items).toEqual([
      expect.objectContaining({ sessionId: session.id, cause: 'user', memoryMiB: 1024 }),
    ])
  })

  it('lets nothing of a record out that is not described', async () => {
    const ada = await bed.browser({ name: 'life-ada' })
    const [session] = (await call(ada, 'GET', '/api/sessions')).json.items
    expect(Object.keys(session ?? {}).sort()).toEqual(
      [
        'createdAt',
        'datasetId',
        'datasetVersion',
        'doneBytes',
        'ending',
        'endsAt',
        'id',
        'lastActiveAt',
        'memoryMiB',
      ].concat(['queue', 'readyAt', 'sleepsAt', 'stage', 'state', 'totalBytes', 'vcpu', 'version', 'viewUrl']),
    )
  })
})

describe('the tests above', () => {
  it.each(['me', 'datasets', 'sessions'])('have seen every operation of %s succeed', (tag) => {
    expect(conform.unseen(tag)).toEqual([])
  })
})
