/** Status, wake, keep and stop: what a page is told, when it is told, and who may change anything. */
import { decodeJwt } from 'jose'
import { beforeEach, describe, expect, it } from 'vitest'
import type { LobbyStatus } from '../../functions/api/contract/lobby.ts'
import { lobbyStatus } from '../../functions/api/contract/lobby.ts'
import { LauncherError } from '../../functions/core/errors.ts'
import { defaultLimits } from '../../functions/core/limits.ts'
import type { EndCause } from '../../functions/core/session.ts'
import { aDataset } from './fake-launcher.ts'
import { ada, appOrigin, bob, type LobbyTest, lobbyTest, type TestBrowser, viewOrigin } from './setup.ts'

let lobby: LobbyTest
let browser: TestBrowser
beforeEach(async () => {
  lobby = await lobbyTest()
  browser = await lobby.signedIn()
})

const change = (to: Parameters<LobbyTest['launcher']['change']>[2]) => lobby.launcher.change(ada.id, 'pbmc', to)
const status = async (query = ''): Promise<LobbyStatus> =>
  lobbyStatus.parse(await (await browser.get(`/v/pbmc/-/status${query}`)).json())

describe('status', () => {
  it('none, starting with its stage, ready with route and cookie', async () => {
    expect(await status()).toMatchObject({ state: 'none', route: null, sessionId: null })
    change({ state: 'requested' })
    expect(await status()).toMatchObject({ state: 'starting', stage: 'starting', route: null })
    change({ state: 'starting', progress: { stage: 'downloading', doneBytes: 5, totalBytes: 9, at: 0 } })
    expect(await status()).toMatchObject({ state: 'starting', stage: 'downloading', doneBytes: 5, totalBytes: 9 })
    expect(browser.cookies.has('cxod-route')).toBe(false)

    const session = change({ state: 'ready', readyAt: lobby.clock.ms, lastActiveAt: lobby.clock.ms })
    expect(await status()).toMatchObject({
      state: 'ready',
      stage: null,
      route: session.routePath,
      sleepInMs: defaultLimits.idleMs,
      endsInMs: defaultLimits.lifetimeMs,
    })
    const cookie = browser.cookies.get('cxod-route')
    expect(cookie?.attributes).toMatch(new RegExp(`; Path=${session.routePath}; HttpOnly; SameSite=Lax; Max-Age=600$`))
    const { iat = 0, exp = 0, ...claims } = decodeJwt(cookie?.value ?? '')
    expect(claims).toEqual({ aud: 'route', sub: ada.id, ses: session.id, ds: 'pbmc' })
    expect(exp - iat).toBe(600)
  })

  it.each([
    ['user', null, 'asleep'],
    ['idle', 1, 'asleep'],
    ['lifetime', 1, 'asleep'],
    ['shutdown', 1, 'asleep'],
    ['task-lost', 1, 'lost'],
    ['task-lost', null, 'lost'],
    ['start-timeout', null, 'lost'],
    ['not-started', null, 'lost'],
    ['refused', null, 'failed'],
    ['load-failed', null, 'failed'],
    ['out-of-memory', 1, 'failed'],
  ] as [EndCause, number | null, string][])('after %s (ready at %s): %s', async (cause, readyAt, expected) => {
    change({ state: 'stopped', readyAt, ending: { cause, detail: null, at: lobby.clock.ms } })
    expect((await status()).state).toBe(expected)
  })

  it('is told also while the vault can’t be read: without it a page would say that there is no connection', async () => {
    lobby.launcher.carried = async () => {
      throw new LauncherError('unavailable', 'The folder that keeps annotations can’t be read now.')
    }
    change({ state: 'ready', readyAt: lobby.clock.ms, lastActiveAt: lobby.clock.ms })
    expect(await status()).toMatchObject({ state: 'ready', carried: null })
  })

  it('a second failed start in a row needs a person; long ago it does not', async () => {
    const ending = { cause: 'start-timeout', detail: null, at: lobby.clock.ms } as const
    change({ state: 'failed', failedStarts: 1, ending })
    expect((await status()).state).toBe('failed')
    change({ state: 'failed', failedStarts: 1, ending: { ...ending, cause: 'not-started' } })
    expect((await status()).state).toBe('lost')
    change({ state: 'failed', failedStarts: 1, ending })
    lobby.clock.ms += defaultLimits.failureWindowMs
    expect((await status()).state).toBe('asleep')
  })

  it('out of memory offers the next size, and says when there is none', async () => {
    const ending = { cause: 'out-of-memory', detail: 'killed at 1024 MiB', at: lobby.clock.ms } as const
    change({ state: 'failed', readyAt: 1, ending })
    expect((await status()).problem).toMatchObject({
      code: 'out-of-memory',
      largerMiB: 2048,
      detail: expect.stringContaining('killed at'),
    })
    change({ size: { memoryMiB: 122_880, vcpu: 16 } })
    expect((await status()).problem).toMatchObject({ largerMiB: null, detail: expect.stringContaining('largest') })
  })

  it('never offers a viewer of an older version of the file', async () => {
    change({ state: 'ready', readyAt: lobby.clock.ms, datasetVersion: 'v0' })
    expect(await status()).toMatchObject({ state: 'stopping', route: null })
    expect(browser.cookies.has('cxod-route')).toBe(false)
  })

  it('says why a dataset can’t be opened', async () => {
    const problem = { code: 'x', cause: 'It has no embedding.', remedy: 'Add one.' }
    lobby.launcher.datasets.set('pbmc', aDataset({ state: 'refused', problem }))
    expect(await status()).toMatchObject({ state: 'unusable', problem: { detail: 'It has no embedding. Add one.' } })
  })

  it('refuses a page of another owner or another dataset version', async () => {
    const owner = await browser.get('/v/pbmc/-/status', { 'x-cxod-owner': bob.id })
    expect(owner.status).toBe(409)
    expect(await owner.json()).toMatchObject({ code: 'owner-changed', detail: expect.stringContaining('ada') })
    const version = await browser.get('/v/pbmc/-/status', { 'x-cxod-owner': ada.id, 'x-cxod-dataset-version': 'v0' })
    expect(await version.json()).toMatchObject({ code: 'dataset-changed' })
  })

  it('refuses when the right has gone', async () => {
    lobby.launcher.datasets.set('pbmc', aDataset({ group: 'liver-lab' }))
    expect((await browser.get('/v/pbmc/-/status')).status).toBe(403)
  })
})

describe('the long poll', () => {
  it('answers at once when the page has not seen the newest', async () => {
    expect((await status('?wait=25&seen=old')).state).toBe('none')
  })

  it('waits for a change', async () => {
    const { seen } = await status()
    const answer = status(`?wait=25&seen=${seen}`)
    change({ state: 'starting' })
    expect((await answer).state).toBe('starting')
  })

  it('finds a change of the dataset, which nobody announces', async () => {
    const { seen } = await status()
    const answer = status(`?wait=25&seen=${seen}`)
    lobby.launcher.datasets.set('pbmc', aDataset({ state: 'removed' }))
    expect((await answer).state).toBe('unusable')
  })

  it('is not woken by use: a clock that ticks is no news', async () => {
    change({ state: 'ready', readyAt: lobby.clock.ms })
    const { seen } = await status()
    change({ lastActiveAt: lobby.clock.ms + 5 })
    expect((await status()).seen).toBe(seen)
  })

  it('ends after its time', async () => {
    const { seen } = await status()
    const answer = status(`?wait=25&seen=${seen}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
    lobby.clock.ms += 25_000
    expect((await answer).seen).toBe(seen)
  })

  it('gives no route to somebody who was signed out while it waited', async () => {
    change({ state: 'starting' })
    const { seen } = await status()
    const answer = browser.get(`/v/pbmc/-/status?wait=25&seen=${seen}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
    lobby.logins.clear()
    change({ state: 'ready', readyAt: lobby.clock.ms })
    expect((await answer).status).toBe(401)
    expect(browser.cookies.has('cxod-route')).toBe(false)
  })
})

describe('wake, keep and stop', () => {
  it('wake launches, once, and answers with the status', async () => {
    const answer = await browser.post('/v/pbmc/-/wake', { by: 'page' })
    expect(await answer.json()).toMatchObject({ state: 'starting' })
    await browser.post('/v/pbmc/-/wake', { by: 'click', larger: true })
    expect(lobby.launcher.launches).toEqual([{ datasetId: 'pbmc', options: { by: 'page' } }])
  })

  it('a refused launch is told as a problem', async () => {
    const launch = async () => {
      throw new LauncherError('needs-click', 'It failed before, so it is not started again by itself.')
    }
    const refusing = await lobbyTest({ launcher: { ...lobby.launcher, launch } })
    const answer = await (await refusing.signedIn()).post('/v/pbmc/-/wake', { by: 'page' })
    expect(answer.status).toBe(409)
    expect(answer.headers.get('content-type')).toBe('application/problem+json')
    expect(await answer.json()).toMatchObject({ code: 'needs-click' })
  })

  it('keep counts as use; stop stops', async () => {
    change({ state: 'ready', readyAt: lobby.clock.ms, lastActiveAt: lobby.clock.ms - 60_000 })
    expect(await (await browser.post('/v/pbmc/-/keep', {})).json()).toMatchObject({ sleepInMs: defaultLimits.idleMs })
    expect(await (await browser.post('/v/pbmc/-/stop', {})).json()).toMatchObject({ state: 'stopping' })
  })

  it.each(['wake', 'keep', 'stop'])('a GET to %s does nothing', async (call) => {
    expect((await browser.get(`/v/pbmc/-/${call}`)).status).toBe(404)
    expect(lobby.launcher.launches).toEqual([])
  })

  it.each([
    ['of another site', { origin: 'https://evil.example' }],
    ['of the app', { origin: appOrigin }],
    ['of a sandboxed frame', { origin: 'null' }],
    ['of the view origin’s name with another port', { origin: 'http://127.0.0.1:9999' }],
    ['without an origin', { origin: '' }],
    ['of a form', { 'content-type': 'text/plain' }],
  ])('a POST %s is refused', async (_what, headers) => {
    const answer = await browser.post('/v/pbmc/-/wake', { by: 'click' }, headers)
    expect([400, 403]).toContain(answer.status)
    expect(lobby.launcher.launches).toEqual([])
  })

  it('a POST with our origin is taken: the refusals are for the headers', async () => {
    expect((await browser.post('/v/pbmc/-/wake', { by: 'click' }, { origin: viewOrigin })).status).toBe(200)
  })

  it.each([[{}], [{ by: 'cron' }], [{ by: 'click', larger: 'yes' }], ['x'], [null]])(
    'a wake with body %j is refused',
    async (body) => {
      const answer = await browser.post('/v/pbmc/-/wake', body)
      expect(answer.status).toBe(400)
      expect(lobby.launcher.launches).toEqual([])
    },
  )

  it('an oversize body is refused', async () => {
    const answer = await browser.post(
      '/v/pbmc/-/wake',
      { by: 'click', x: 'y'.repeat(5000) },
      { 'content-length': '5030' },
    )
    expect(answer.status).toBe(413)
  })

  it('nobody wakes without a page cookie, or what they may not open', async () => {
    expect((await lobby.browser().post('/v/pbmc/-/wake', { by: 'click' })).status).toBe(401)
    lobby.launcher.datasets.set('pbmc', aDataset({ group: 'liver-lab' }))
    expect((await browser.post('/v/pbmc/-/wake', { by: 'click' })).status).toBe(403)
    expect(lobby.launcher.launches).toEqual([])
  })
})
