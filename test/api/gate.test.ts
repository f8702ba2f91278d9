/** The gates' half of the API, on the real launcher, store and vault. */
import { createHash } from 'node:crypto'
import { afterAll, describe, expect, it } from 'vitest'
import { beatAnswer, gateAnswer, knockAnswer, savedVersion } from '../../functions/api/contract/gate.ts'
import type { Session } from '../../functions/core/session.ts'
import { openTestApp } from '../support/app.ts'
import { appOrigin } from '../support/people.ts'
import { aDataset } from '../support/ports.ts'
import { tempDir } from '../support/temp-dir.ts'

const bed = await openTestApp(tempDir(), { datasets: [aDataset()], web: { vaultBodyBytes: 100_000 } })
afterAll(() => bed.store.close())
const sha = (text: string) => createHash('sha256').update(text).digest('hex')

let people = 0
/** A launched session and a gate that speaks for it. */
async function aGate() {
  const browser = await bed.browser({ name: `gate-${++people}` })
  const session = await bed.deps.launcher.launch(browser.who, 'pbmc', { by: 'click' })
  return { browser, session, gate: await speaker(session) }
}

async function speaker(session: Session) {
  const authorization = `Bearer ${await bed.deps.auth.gateTokens.sign(session)}`
  return (method: string, path: string, body?: string | object, headers: Record<string, string> = {}) => {
    const raw = typeof body === 'string' || body instanceof Uint8Array || body instanceof ReadableStream
    return bed.app.request(`${appOrigin}/gate${path}`, {
      method,
      headers: {
        authorization,
        ...(raw || body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: raw ? body : JSON.stringify(body) }),
      ...(body instanceof ReadableStream ? { duplex: 'half' } : {}),
    } as RequestInit)
  }
}
type Gate = Awaited<ReturnType<typeof speaker>>
const save = (gate: Gate, text: string, headers: Record<string, string>, kind = 'labels') =>
  gate('PUT', `/vault/${kind}`, text, {
    'content-type': 'text/csv',
    'x-request-sha256': sha(`request ${text}`),
    ...headers,
  })

describe('a gate', () => {
  it('knocks, reports, is loaded, beats and says good-bye, as the contract has it', async () => {
    const { gate, session, browser } = await aGate()
    const knocked = knockAnswer.parse(await (await gate('POST', '/knock')).json())
    expect(knocked).toMatchObject({
      status: 'work',
      work: { sessionId: session.id, ownerId: browser.who.id, labelsVersion: null },
    })
    const progress = await gate('POST', '/progress', { stage: 'downloading', doneBytes: 1, totalBytes: 2 })
    expect(gateAnswer.parse(await progress.json())).toEqual({ status: 'stay' })
    expect(gateAnswer.parse(await (await gate('POST', '/loaded')).json())).toEqual({ status: 'stay' })
    expect((await bed.deps.launcher.findSession(browser.who, 'pbmc'))?.state).toBe('ready')
    expect(beatAnswer.parse(await (await gate('POST', '/beat', { activeAgoMs: 0 })).json())).toEqual({
      status: 'stay',
      labelsVersion: null,
      geneSetsVersion: null,
    })
    const bye = await gate('POST', '/bye', { cause: 'viewer-lost', detail: 'killed' })
    expect([bye.status, await bye.text()]).toEqual([204, ''])
    expect((await bed.deps.launcher.findSession(browser.who, 'pbmc'))?.state).not.toBe('ready')
  })

  it('is refused without its token, with anybody else’s, and on the people’s API', async () => {
    const { gate, browser, session } = await aGate()
    const token = await bed.deps.auth.gateTokens.sign(session)
    const { token: person } = (await (await browser.send('POST', '/api/token')).json()) as { token: string }
    for (const headers of [
      {},
      { authorization: 'Bearer x' },
      { authorization: `Bearer ${person}` },
      { cookie: browser.cookie },
    ]) {
      const answer = await bed.app.request(`${appOrigin}/gate/knock`, {
        method: 'POST',
        headers: headers as Record<string, string>,
      })
      expect([answer.status, await answer.json()]).toEqual([401, expect.objectContaining({ code: 'not-signed-in' })])
    }
    const asPerson = await bed.app.request(`${appOrigin}/api/me`, { headers: { authorization: `Bearer ${token}` } })
    expect(asPerson.status).toBe(401)
    expect((await gate('POST', '/nothing')).status).toBe(404)
    expect((await gate('GET', '/knock')).status).toBe(405)
  })

  it('is told where its report is malformed', async () => {
    const { gate } = await aGate()
    const cases = [
      ['/progress', { stage: 'resting', doneBytes: 1, totalBytes: 2 }, /stage/],
      ['/progress', { stage: 'loading', doneBytes: -1, totalBytes: 2 }, /doneBytes/],
      ['/beat', {}, /activeAgoMs/],
      ['/bye', { cause: 'told', detail: 'x'.repeat(2001) }, /detail/],
      ['/beat', '{', /body/],
    ] as const
    for (const [path, body, words] of cases) {
      const answer = await gate('POST', path, body)
      expect([path, answer.status, await answer.json()]).toEqual([
        path,
        400,
        expect.objectContaining({ code: 'bad-request', detail: expect.stringMatching(words) }),
      ])
    }
  })
})

describe('the vault, as gates reach it', () => {
  it('keeps a first version, then each that names the one it replaces, and gives them back', async () => {
    const { gate, browser } = await aGate()
    const first = await save(gate, 'index,a\n', { 'if-none-match': '*' })
    expect(first.status).toBe(200)
    expect(savedVersion.parse(await first.json())).toMatchObject({
      version: '1',
      savedBy: browser.who.name,
      requestSha256: sha('request index,a\n'),
    })
    expect(first.headers.get('etag')).toBe('"1"')
    const second = await save(gate, 'index,b\nä,ü\n', { 'if-match': '"1"' })
    expect(savedVersion.parse(await second.json()).version).toBe('2')
    const read = await gate('GET', '/vault/labels/2')
    expect([await read.text(), read.headers.get('content-type'), read.headers.get('etag')]).toEqual([
      'index,b\nä,ü\n',
      'text/csv; charset=utf-8',
      '"2"',
    ])
    expect(await (await gate('GET', '/vault/labels/1')).text()).toBe('index,a\n')
    expect((await gate('GET', '/vault/labels/9')).status).toBe(404)
    expect((await gate('GET', '/vault/genesets/1')).status).toBe(404)
    expect((await save(gate, '', { 'if-none-match': '*' }, 'genesets')).status).toBe(200)
  })

  it('answers 412 with the newest version when another one was replaced meanwhile', async () => {
    const { gate } = await aGate()
    await save(gate, 'one', { 'if-none-match': '*' })
    await save(gate, 'two', { 'if-match': '"1"' })
    const stale: Record<string, string>[] = [{ 'if-match': '"1"' }, { 'if-none-match': '*' }, { 'if-match': '"3"' }]
    for (const headers of stale) {
      const answer = await save(gate, 'three', headers)
      expect([answer.status, await answer.json()]).toEqual([
        412,
        expect.objectContaining({
          code: 'base-mismatch',
          latest: expect.objectContaining({ version: '2', savedBy: expect.any(String) }),
        }),
      ])
    }
  })

  it('keeps nothing that does not say what it replaces or what asked for it', async () => {
    const { gate } = await aGate()
    const bad: Record<string, string>[] = [
      {},
      { 'if-match': '1' },
      { 'if-match': '*' },
      { 'if-match': 'W/"1"' },
      { 'if-match': '"1", "2"' },
      { 'if-match': '"1"', 'if-none-match': '*' },
      { 'if-none-match': '"1"' },
      { 'if-none-match': '*', 'x-request-sha256': 'x' },
      { 'if-none-match': '*', 'content-encoding': 'gzip' },
    ]
    for (const headers of bad) expect([headers, (await save(gate, 'x', headers)).status]).toEqual([headers, 400])
    expect((await save(gate, 'x', { 'if-none-match': '*' }, 'secrets')).status).toBe(404)
    expect((await gate('GET', '/vault/labels/1')).status).toBe(404)
  })

  it('refuses what is too large, announced or not', async () => {
    const { gate } = await aGate()
    const big = await save(gate, 'x'.repeat(100_001), { 'if-none-match': '*' })
    expect([big.status, await big.json()]).toEqual([413, expect.objectContaining({ code: 'too-large' })])
    const endless = new ReadableStream({
      pull(controller) {
        controller.enqueue(new Uint8Array(10_000))
      },
    })
    const headers = { 'if-none-match': '*', 'x-request-sha256': sha('x') }
    expect((await gate('PUT', '/vault/labels', endless, headers)).status).toBe(413)
    expect((await save(gate, 'x'.repeat(100_000), { 'if-none-match': '*' })).status).toBe(200)
  })

  it('is closed to a gate whose session is over: a dying one can’t harm its successor', async () => {
    const { gate, browser, session } = await aGate()
    await save(gate, 'mine', { 'if-none-match': '*' })
    await bed.deps.launcher.stop(browser.who, session.id)
    bed.clock.advance(120_000)
    await bed.deps.launcher.reap()
    const next = await bed.deps.launcher.launch(browser.who, 'pbmc', { by: 'click' })
    expect(next.id).not.toBe(session.id)
    for (const answer of [await save(gate, 'late', { 'if-match': '"1"' }), await gate('GET', '/vault/labels/1')])
      expect([answer.status, await answer.json()]).toEqual([409, expect.objectContaining({ code: 'session-over' })])
    expect((await save(await speaker(next), 'next', { 'if-match': '"1"' })).status).toBe(200)
  })
})
