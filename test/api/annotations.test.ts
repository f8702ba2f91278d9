/** Versions of annotations over the API: look, download, restore; every answer held to the OpenAPI document. */
import { afterAll, describe, expect, it } from 'vitest'
import { createApi } from '../../functions/api/api.ts'
import { callApi, openApiOf, openTestApp } from '../support/app.ts'
import { type Conform, conformTo } from '../support/conform.ts'
import { appOrigin } from '../support/people.ts'
import { tempDir } from '../support/temp-dir.ts'

const bed = await openTestApp(tempDir())
afterAll(() => bed.store.close())
const conform: Conform = conformTo(await openApiOf(bed))
const call = (...args: Tail<typeof callApi>) => callApi(conform, ...args)
type Tail<F> = F extends (first: Conform, ...rest: infer R) => unknown ? R : never
const meta = {
  savedBy: 'x',
  origin: 'session:x',
  datasetVersion: 'v1',
  obsIndexHash: 'h1',
  requestSha256: 'a'.repeat(64),
}
const bytes = (text: string) => new TextEncoder().encode(text)

describe('annotations', () => {
  it('lists, downloads and restores versions, each for their owner', async () => {
    const ada = await bed.browser({ name: 'note-ada' })
    const ref = { ownerId: ada.who.id, datasetId: 'pbmc', kind: 'labels' as const }
    await bed.ports.vault.put(ref, bytes('index,a\nx,1\n'), { ...meta, base: null })
    await bed.ports.vault.put(ref, bytes('index,a\nx,2\n'), { ...meta, base: '1' })
    expect((await call(ada, 'GET', '/api/annotations')).json.items).toEqual([
      {
        dataset: { id: 'pbmc', title: 'PBMC', state: 'usable' },
        labels: expect.objectContaining({ version: '2' }),
        geneSets: null,
      },
    ])
    const base = '/api/datasets/pbmc/annotations/labels'
    expect((await call(ada, 'GET', `${base}/versions`)).json.items.map(({ version }) => version)).toEqual(['2', '1'])
    expect((await call(ada, 'GET', '/api/datasets/pbmc/annotations/genesets/versions')).json.items).toEqual([])

    const file = await ada.get(`${base}/versions/1`)
    await conform.check('GET', `${base}/versions/1`, file)
    expect(await file.text()).toBe('index,a\nx,1\n')
    expect(file.headers.get('content-disposition')).toBe('attachment; filename="pbmc-labels-v1.csv"')
    expect(file.headers.get('x-content-type-options')).toBe('nosniff')

    expect(await call(ada, 'POST', `${base}/restore`, { version: '1', base: '1' })).toMatchObject({
      status: 412,
      code: 'base-mismatch',
      json: { latest: { version: '2' } },
    })
    expect(await call(ada, 'POST', `${base}/restore`, { version: '1', base: '2' })).toMatchObject({
      status: 201,
      json: { version: '3', origin: 'restore:1' },
    })
    expect((await call(ada, 'POST', `${base}/restore`, { version: '9', base: '3' })).status).toBe(404)

    const eve = await bed.browser({ name: 'note-eve' })
    expect((await call(eve, 'GET', `${base}/versions/1`)).status).toBe(404)
    expect((await call(eve, 'GET', `${base}/versions`)).json.items).toEqual([])
  })

  it('takes no version or kind that could be a path', async () => {
    const ada = await bed.browser({ name: 'note-ada' })
    for (const path of [
      'labels/versions/..%2f1',
      'labels/versions/1.csv',
      'labels/versions/-1',
      'secrets/versions/1',
      '..%2f/versions',
    ])
      expect((await call(ada, 'GET', `/api/datasets/pbmc/annotations/${path}`)).status).toBe(400)
  })

  it('gives a download a name that no header and no disk chokes on', async () => {
    const launcher = { ...bed.deps.launcher, readVersion: async () => bytes('x') }
    const ada = await bed.browser({ name: 'note-ada' })
    const answer = await createApi({ ...bed.deps, launcher }).request(
      `${appOrigin}/api/datasets/${encodeURIComponent('../a"b\r\nö;c')}/annotations/labels/versions/1`,
      { headers: { cookie: ada.cookie } },
    )
    expect(answer.headers.get('content-disposition')).toMatch(/^attachment; filename="[\w.-]+-labels-v1\.csv"$/)
  })
})

describe('an upload of labels', () => {
  const path = '/api/datasets/pbmc/annotations/labels'
  const put = (who: Awaited<ReturnType<typeof bed.browser>>, body: string, headers: Record<string, string>) =>
    bed.app.request(`${appOrigin}${path}`, {
      method: 'PUT',
      headers: { cookie: who.cookie, origin: appOrigin, 'content-type': 'text/csv', ...headers },
      body,
    })

  it('says what matched, and never replaces what its sender does not know of', async () => {
    await bed.ports.cells.put('v1', { names: ['x', 'y'], columns: ['louvain'] })
    const uma = await bed.browser({ name: 'uma' })
    const first = await put(uma, 'cell,type\nx,T\nq,B\n', { 'if-none-match': '*' })
    await conform.check('PUT', path, first)
    const wish = { sizeBytes: 10, sha256: 'a'.repeat(64) }
    const elsewhere = await uma.send('POST', `${path}/upload`, wish)
    await conform.check('POST', `${path}/upload`, elsewhere)
    expect(await elsewhere.json()).toEqual({ status: 'direct' })
    expect(await first.json()).toEqual({
      version: '1',
      report: { labelledCells: 2, matchedCells: 1, unmatchedCells: 1, unmatchedSample: ['q'], renamed: [] },
    })
    const blind = await put(uma, 'cell,type\nx,B\n', { 'if-none-match': '*' })
    expect([blind.status, await blind.json()]).toMatchObject([412, { code: 'base-mismatch', latest: { version: '1' } }])
    expect((await put(uma, 'cell,type\nx,B\n', {})).status).toBe(400)
    expect((await put(uma, 'cell,type\nx,B\n', { 'if-match': '"1"' })).status).toBe(200)
    const broken = await put(uma, 'cell,type\nx,B\nx,T\n', { 'if-match': '"2"' })
    expect([broken.status, await broken.json()]).toMatchObject([400, { detail: expect.stringContaining('twice') }])
    expect((await put(uma, 'cell,type\nx,B\n', { 'if-match': '"2"', origin: 'https://evil.example' })).status).toBe(403)
  })

  it('is not even read from somebody who is not signed in, nor without end from somebody who is', async () => {
    const wes = await bed.browser({ name: 'wes' })
    const send = async (method: string, to: string, cookie: string) => {
      let pulled = 0
      const endless = new ReadableStream<Uint8Array>(
        {
          pull(controller) {
            pulled++
            controller.enqueue(new Uint8Array(2 ** 20))
          },
        },
        { highWaterMark: 0 },
      )
      const headers = { cookie, origin: appOrigin, 'content-type': 'text/csv', 'if-none-match': '*' }
      const init = { method, headers, body: endless, duplex: 'half', redirect: 'manual' } as const
      return { status: (await bed.app.request(`${appOrigin}${to}`, init)).status, pulled }
    }
    expect(await send('PUT', path, '')).toEqual({ status: 401, pulled: 0 })
    expect(await send('POST', '/annotations/pbmc/labels/upload', '')).toEqual({ status: 303, pulled: 0 })
    for (const [method, to] of [
      ['PUT', path],
      ['POST', '/annotations/pbmc/labels/upload'],
    ] as const) {
      const { status, pulled } = await send(method, to, wes.cookie)
      expect([status, pulled < 70]).toEqual([413, true])
    }
  })

  it('is a form on the page of what one keeps', async () => {
    const vera = await bed.browser({ name: 'vera' })
    const send = (fields: Record<string, string>, csv: string) => {
      const form = new FormData()
      for (const [name, value] of Object.entries(fields)) form.set(name, value)
      form.set('file', new File([csv], 'labels.csv', { type: 'text/csv' }))
      return bed.app.request(`${appOrigin}/annotations/pbmc/labels/upload`, {
        method: 'POST',
        redirect: 'manual',
        headers: { cookie: vera.cookie, origin: appOrigin },
        body: form,
      })
    }
    expect(await (await vera.get('/datasets/pbmc')).text()).toContain('/annotations/pbmc')
    expect(await (await vera.get('/annotations/pbmc')).text()).toContain('type="file"')
    const refused = await send({ base: 'none', mode: 'replace' }, 'cell,type\nq,T\n')
    expect([refused.status, await refused.text()]).toEqual([400, expect.stringContaining('None of the 1 names')])
    const kept = await send({ base: 'none', mode: 'replace' }, 'cell,louvain\nx,T\nq,B\n')
    expect(kept.status).toBe(200)
    const words = await kept.text()
    expect(words).toContain('1 of 2 labelled cells')
    expect(words).toContain('louvain (label)')
    expect((await send({ base: 'none', mode: 'replace' }, 'cell,type\nx,T\n')).status).toBe(412)
  })
})

describe('the tests above', () => {
  it('have seen every operation succeed', () => expect(conform.unseen('annotations')).toEqual([]))
})
