/** What every address of the API has in common: limits, headers, methods, and problem documents that give nothing away. */
import { afterAll, describe, expect, it } from 'vitest'
import { createApi } from '../../functions/api/api.ts'
import { LauncherError } from '../../functions/core/errors.ts'
import { openTestApp } from '../support/app.ts'
import { appOrigin } from '../support/people.ts'
import { tempDir } from '../support/temp-dir.ts'

const bed = await openTestApp(tempDir())
afterAll(() => bed.store.close())
type Json = Record<string, unknown>

describe('the edge', () => {
  it('says what can’t be there, and what else an address takes', async () => {
    const ada = await bed.browser({ name: 'edge-ada' })
    const missing = await ada.get('/api/nothing')
    expect([missing.status, missing.headers.get('content-type')]).toEqual([404, 'application/problem+json'])
    const wrong = await ada.send('DELETE', '/api/sessions')
    expect([wrong.status, wrong.headers.get('allow')]).toEqual([405, 'GET, HEAD, POST'])
    expect(await wrong.json()).toMatchObject({
      code: 'method-not-allowed',
      type: 'urn:cellxgene-on-demand:problem:method-not-allowed',
    })
    const put = await ada.send('PUT', '/api/sessions/abc/stop', {})
    expect([put.status, put.headers.get('allow')]).toEqual([405, 'POST'])
  })

  it('answers HEAD as GET without a body', async () => {
    const ada = await bed.browser({ name: 'edge-ada' })
    const head = await ada.send('HEAD', '/api/me')
    expect([head.status, await head.text()]).toEqual([200, ''])
  })

  it('refuses bodies over their limit, announced or not', async () => {
    const ada = await bed.browser({ name: 'edge-ada' })
    const big = await ada.send('POST', '/api/sessions', { datasetId: 'x'.repeat(70_000) })
    expect([big.status, await big.json()]).toEqual([
      413,
      expect.objectContaining({ code: 'too-large', limitBytes: 65_536 }),
    ])
    const stream = new ReadableStream({
      pull(controller) {
        controller.enqueue(new Uint8Array(10_000))
      },
    })
    const endless = await bed.app.request(`${appOrigin}/api/sessions`, {
      method: 'POST',
      headers: { cookie: ada.cookie, origin: appOrigin, 'content-type': 'application/json' },
      body: stream,
      duplex: 'half',
    } as RequestInit)
    expect(endless.status).toBe(413)
  })

  it('hides what broke, and logs it under the number that it shows', async () => {
    const ada = await bed.browser({ name: 'edge-ada' })
    const launcher = { ...bed.deps.launcher, listDatasets: () => Promise.reject(new Error('password=hunter2')) }
    const broken = createApi({ ...bed.deps, launcher })
    const answer = await broken.request(`${appOrigin}/api/datasets?token=secret`, { headers: { cookie: ada.cookie } })
    const problem = (await answer.json()) as Json
    expect(answer.status).toBe(500)
    expect(JSON.stringify(problem)).not.toContain('hunter2')
    const line = bed.logged.find(({ fields }) => fields.id === problem.id)
    expect(line).toMatchObject({
      level: 'error',
      event: 'unexpected',
      fields: { method: 'GET', path: '/api/datasets' },
    })
    expect(JSON.stringify(line)).not.toContain('token=secret')
    expect(JSON.stringify(line)).not.toContain(ada.cookie)
  })

  it('never lets data of an error stand in for a member of the problem document', async () => {
    const ada = await bed.browser({ name: 'edge-ada' })
    const data = { status: 200, code: 'fine', detail: 'fine', type: 'x', title: 'x', more: 1, retryAfterSeconds: 7 }
    const failing = (code: 'no-room' | 'bad-setting') => ({
      ...bed.deps.launcher,
      listDatasets: () => Promise.reject(new LauncherError(code, 'No.', data)),
    })
    const ask = (code: 'no-room' | 'bad-setting') =>
      createApi({ ...bed.deps, launcher: failing(code) }).request(`${appOrigin}/api/datasets`, {
        headers: { cookie: ada.cookie },
      })
    const room = await ask('no-room')
    expect(await room.json()).toMatchObject({ status: 503, code: 'no-room', detail: 'No.', more: 1 })
    expect([room.status, room.headers.get('retry-after')]).toEqual([503, '7'])
    // Settings are the administrator's business.
    expect(await (await ask('bad-setting')).json()).toMatchObject({ status: 500, code: 'internal' })
  })

  it('gives up on what takes too long', async () => {
    const ada = await bed.browser({ name: 'edge-ada' })
    const launcher = { ...bed.deps.launcher, listDatasets: () => new Promise<never>(() => undefined) }
    const slow = createApi({ ...bed.deps, launcher, limits: { ...bed.deps.limits, apiTimeoutMs: 30 } })
    const answer = await slow.request(`${appOrigin}/api/datasets`, { headers: { cookie: ada.cookie } })
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '5'])
  })

  it('shows its health and its public key to everybody, and no private part', async () => {
    expect(await (await bed.app.request(`${appOrigin}/healthz`)).json()).toEqual({ status: 'ok' })
    const { keys } = (await (await bed.app.request(`${appOrigin}/.well-known/jwks.json`)).json()) as { keys: Json[] }
    expect(keys.map((key) => Object.keys(key).sort())).toEqual([['alg', 'crv', 'kid', 'kty', 'use', 'x']])
  })

  it('sends the headers that keep browsers from guessing, framing and keeping', async () => {
    const answer = await bed.app.request(`${appOrigin}/api/me`)
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-store',
      'referrer-policy': 'same-origin',
    })
  })
})
