/** `POST -/merge/<kind>`: who may have something kept beside, what the launcher is handed, and that nobody holds the places of all. */
import { beforeEach, describe, expect, it } from 'vitest'
import { mergeAnswer } from '../../functions/api/contract/lobby.ts'
import { LauncherError } from '../../functions/core/errors.ts'
import { mergeBytes } from '../../functions/lobby/merge.ts'
import { ada, bob, gail, type LobbyTest, lobbyTest, type TestBrowser, viewOrigin } from './setup.ts'

type Handed = Parameters<LobbyTest['launcher']['keepBeside']>
const report = { labelledCells: 1, matchedCells: 1, unmatchedCells: 0, unmatchedSample: [], renamed: [] }
let lobby: LobbyTest
let handed: Handed[]
beforeEach(async () => {
  lobby = await lobbyTest()
  handed = []
  lobby.launcher.keepBeside = async (...given) => {
    handed.push(given)
    return { version: '7', report }
  }
})

const bytes = new Uint8Array([0x78, 0x9c, 0, 255, 10, 13])
function send(browser: TestBrowser, over: Record<string, string | null> = {}, body: BodyInit = bytes, kind = 'labels') {
  const page = over.page ?? 'pbmc'
  const headers = new Headers({ cookie: browser.cookies.header(`/v/${page}/-/merge/${kind}`) })
  const usual = {
    origin: viewOrigin,
    'content-type': 'application/octet-stream',
    'x-cxod-owner': ada.id,
    'x-cxod-dataset-version': 'v0',
    'x-cxod-base': '3',
  }
  for (const [name, value] of Object.entries({ ...usual, ...over }))
    if (value !== null && name !== 'page') headers.set(name, value)
  const init = { method: 'POST', headers, body, duplex: 'half' }
  return lobby.app.request(`${viewOrigin}/v/${page}/-/merge/${kind}`, init)
}
const codeOf = async (answer: Response) => [answer.status, ((await answer.json()) as { code: string }).code]

describe('a held save', () => {
  it('is handed over byte for byte, with the old version and the base of its page', async () => {
    const browser = await lobby.signedIn()
    const answer = await send(browser)
    expect(answer.status).toBe(200)
    expect(mergeAnswer.parse(await answer.json())).toEqual({ version: '7', report })
    expect(handed).toEqual([
      [expect.objectContaining({ id: ada.id }), 'pbmc', 'labels', { datasetVersion: 'v0', base: '3', body: bytes }],
    ])
    const json = { 'content-type': 'application/json', 'x-cxod-base': 'none' }
    await send(browser, json, '{"genesets":[]}', 'genesets')
    expect(handed[1]?.[3]).toMatchObject({ base: null })
  })

  it('that is too large to come by itself is given a place, and named', async () => {
    const browser = await lobby.signedIn()
    const wishes: unknown[] = []
    lobby.launcher.offerUpload = async (who, wish) => {
      wishes.push([who.id, wish])
      return { status: 'url', url: 'https://bucket.test/x', headers: { a: 'b' }, ref: 'the-ref' }
    }
    const asked = { 'content-type': 'application/json' }
    const wish = { sizeBytes: 9 * 2 ** 20, sha256: 'a'.repeat(64) }
    const offer = (body: object, over: Record<string, string | null> = {}, kind = 'labels/upload') =>
      send(browser, { ...asked, ...over }, JSON.stringify(body), kind)
    expect(await (await offer(wish)).json()).toEqual({
      ...{ status: 'url', url: 'https://bucket.test/x', headers: { a: 'b' }, ref: 'the-ref' },
    })
    expect(wishes).toEqual([[ada.id, wish]])
    expect(await codeOf(await offer({ ...wish, sizeBytes: mergeBytes + 1 }))).toEqual([413, 'too-large'])
    expect(await codeOf(await offer({ ...wish, sha256: '../x' }))).toEqual([400, 'bad-request'])
    expect(await codeOf(await offer(wish, { origin: 'http://evil.test' }))).toEqual([403, 'not-allowed'])
    expect(await codeOf(await offer(wish, { 'x-cxod-owner': bob.id }))).toEqual([409, 'owner-changed'])
    expect(await codeOf(await offer(wish, {}, 'others/upload'))).toEqual([404, 'not-found'])
    expect(wishes).toHaveLength(1)
    expect((await send(browser, { 'x-upload-ref': 'the-ref' }, '')).status).toBe(200)
    expect(handed.map(([, , , { body }]) => body)).toEqual([{ ref: 'the-ref', mostBytes: mergeBytes }])
  })

  it('of a guest comes from the guest’s own page', async () => {
    const browser = await lobby.signedIn(gail)
    const page = 'pbmc~linklinklink'
    expect((await send(browser, { page, 'x-cxod-owner': gail.id })).status).toBe(200)
    expect(handed[0]?.[0]).toMatchObject({ id: gail.id })
  })

  it('is refused to others: another site, nobody, somebody else, a form, no version, no base, another kind, too large', async () => {
    const browser = await lobby.signedIn()
    expect(await codeOf(await send(browser, { origin: 'http://evil.test' }))).toEqual([403, 'not-allowed'])
    expect(await codeOf(await send(browser, { origin: null }))).toEqual([403, 'not-allowed'])
    expect(await codeOf(await send(lobby.browser()))).toEqual([401, 'not-signed-in'])
    expect(await codeOf(await send(browser, { 'x-cxod-owner': bob.id }))).toEqual([409, 'owner-changed'])
    expect(await codeOf(await send(browser, { 'content-type': 'text/plain' }))).toEqual([400, 'bad-request'])
    expect(await codeOf(await send(browser, { 'x-cxod-dataset-version': null }))).toEqual([400, 'bad-request'])
    for (const base of [null, '', '-1', 'latest'])
      expect(await codeOf(await send(browser, { 'x-cxod-base': base }))).toEqual([400, 'bad-request'])
    expect(await codeOf(await send(browser, {}, bytes, 'others'))).toEqual([404, 'not-found'])
    handed = []
    const large = await send(browser, { 'content-length': String(mergeBytes + 1) })
    expect(await codeOf(large)).toEqual([413, 'too-large'])
    lobby.logins.delete('login-ada')
    expect(await codeOf(await send(browser))).toEqual([401, 'not-signed-in'])
    expect(handed).toEqual([])
  })

  it('of somebody who may not is not even read', async () => {
    let pulled = 0
    const endless = () =>
      new ReadableStream<Uint8Array>(
        {
          pull(controller) {
            pulled++
            controller.enqueue(new Uint8Array(2 ** 20))
          },
        },
        { highWaterMark: 0 },
      )
    expect((await send(lobby.browser(), {}, endless())).status).toBe(401)
    expect((await send(await lobby.signedIn(), { origin: 'http://evil.test' }, endless())).status).toBe(403)
    expect(pulled).toBe(0)
    expect((await send(await lobby.signedIn(), {}, endless())).status).toBe(413)
    expect(pulled).toBeLessThan(mergeBytes / 2 ** 20 + 5)
  })

  it('that the launcher refuses says why, in its words', async () => {
    lobby.launcher.keepBeside = async () => {
      throw new LauncherError('dataset-changed', 'which cells the old one had is not known', { final: true })
    }
    const answer = await send(await lobby.signedIn())
    expect(await answer.json()).toMatchObject({ status: 409, code: 'dataset-changed', final: true })
  })

  it('on its way slowly holds one place, of its own; the others get through', async () => {
    const [slow, quick] = [await lobby.signedIn(ada), await lobby.signedIn(bob)]
    let finish = () => {}
    const dripping = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(bytes)
        finish = () => controller.close()
      },
    })
    const first = send(slow, {}, dripping)
    const asBob = { 'x-cxod-owner': bob.id }
    await expect.poll(async () => (await send(slow)).status).toBe(503)
    for (let n = 0; n < 5; n++) expect((await send(quick, asBob)).status).toBe(200)
    finish()
    const both = await Promise.all([first, send(quick, asBob)])
    expect(both.map(({ status }) => status)).toEqual([200, 200])
  })
})
