/** Guests at the lobby: pages of their own beside everybody else's, words that lead somewhere, and their annotations as files. */
import { decodeJwt } from 'jose'
import { beforeEach, describe, expect, it } from 'vitest'
import { lobbyStatus } from '../../functions/api/contract/lobby.ts'
import { LauncherError } from '../../functions/core/errors.ts'
import type { VaultVersion } from '../../functions/core/ports.ts'
import type { Guest } from '../../functions/core/principal.ts'
import { aDataset } from './fake-launcher.ts'
import { ada, appOrigin, bob, gail, type LobbyTest, lobbyTest, type TestBrowser } from './setup.ts'

const page = '/v/pbmc~linklinklink/'
const otherPage = '/v/pbmc~otherotherot/'
const over = new LauncherError('link-over', 'This link was taken back. Ask Ada for another one.')
let lobby: LobbyTest
beforeEach(async () => {
  lobby = await lobbyTest()
})
const codeOf = async (answer: Response) => [answer.status, ((await answer.json()) as { code: string }).code]
const endGail = (words: LauncherError | null) => {
  lobby.logins.delete(gail.loginId)
  if (words !== null) lobby.overLinks.set(gail.linkId, words)
}

describe('a guest’s page and a user’s page of one dataset, in one browser', () => {
  let browser: TestBrowser
  beforeEach(async () => {
    browser = await lobby.signedIn(ada)
    await lobby.signedIn(gail, undefined, browser)
  })
  const owner = async (path: string) => lobbyStatus.parse(await (await browser.get(`${path}-/status`)).json()).owner.id

  it('are each their own, with cookies that never meet', async () => {
    expect(await owner('/v/pbmc/')).toBe(ada.id)
    expect(await owner(page)).toBe(gail.id)
    expect(browser.cookies.header('/v/pbmc/')).not.toContain(browser.cookies.get('cxod-page', page)?.value)
    expect(browser.cookies.header(page)).not.toContain(browser.cookies.get('cxod-page', '/v/pbmc/')?.value)
  })

  it('tell their companions apart: owner, home, guest and mode', async () => {
    const config = async (path: string) =>
      JSON.parse(/id="cxod-config">(.*?)<\/script>/.exec(await (await browser.get(path)).text())?.[1] ?? '')
    expect(await config(page)).toMatchObject({ owner: { id: gail.id }, home: page, guest: true, mode: 'annotate' })
    expect(await config('/v/pbmc/')).toMatchObject({ owner: { id: ada.id }, home: '/v/pbmc/', guest: false })
  })

  it('have sessions and routes of their own', async () => {
    for (const who of [ada, gail])
      lobby.launcher.change(who.id, 'pbmc', {
        id: `session-of-${who.name}`,
        state: 'ready',
        readyAt: lobby.clock.ms,
        routePath: `/s/${who.name}/`,
      })
    for (const [path, who] of [
      ['/v/pbmc/', ada],
      [page, gail],
    ] as const) {
      await browser.get(`${path}-/status`)
      const { iat, exp, ...claims } = decodeJwt(browser.cookies.get('cxod-route', `/s/${who.name}/`)?.value ?? '')
      expect(claims).toEqual({ aud: 'route', sub: who.id, ses: `session-of-${who.name}`, ds: 'pbmc' })
    }
  })

  it('end apart', async () => {
    endGail(over)
    expect(await codeOf(await browser.get(`${page}-/status`))).toEqual([403, 'link-over'])
    expect(await owner('/v/pbmc/')).toBe(ada.id)
    lobby.logins.delete('login-ada')
    expect(await codeOf(await browser.get('/v/pbmc/-/status'))).toEqual([401, 'not-signed-in'])
  })
})

describe('nobody sits on another’s page', () => {
  it.each([
    ['a user on a guest’s', ada, 'pbmc~linklinklink'],
    ['a guest on a user’s', gail, 'pbmc'],
    ['a guest on another link’s', gail, 'pbmc~otherotherot'],
    ['a guest on another dataset’s', gail, 'liver~linklinklink'],
  ] as const)('%s, although the ticket says so', async (_what, who, pageId) => {
    const browser = lobby.browser()
    await browser.get(`/v/${pageId}/`)
    const ticket = await lobby.ticket(browser, { who, pageId })
    const entered = await browser.get(`/v/${pageId}/-/enter?ticket=${ticket}`)
    expect(entered.status).toBe(403)
    expect(browser.cookies.has('cxod-page')).toBe(false)
  })

  it('a ticket for one page is none for another of the same dataset', async () => {
    const browser = lobby.browser()
    for (const path of [page, '/v/pbmc/']) await browser.get(path)
    // Even with the nonce of the page that it is used on.
    const moved = await lobby.ticket(browser, { who: ada, pageId: 'pbmc~linklinklink', nonceOf: 'pbmc' })
    expect((await browser.get(`/v/pbmc/-/enter?ticket=${moved}`)).status).toBe(403)
    const ticket = await lobby.ticket(browser, { who: gail })
    expect((await browser.get(`/v/pbmc/-/enter?ticket=${ticket}`)).status).toBe(403)
    expect((await browser.get(`${page}-/enter?ticket=${ticket}`)).status).toBe(303)
  })

  it.each(['/v/pbmc/', otherPage])('a guest’s cookie under %s is nobody’s', async (path) => {
    const browser = await lobby.signedIn(gail)
    const value = browser.cookies.get('cxod-page')?.value ?? ''
    browser.cookies.set('cxod-page', { value, path, attributes: '' })
    expect(await codeOf(await browser.get(`${path}-/status`))).toEqual([401, 'not-signed-in'])
    expect((await browser.get(path)).status).toBe(302)
  })

  it('and a login that changed hands behind the cookie is nobody’s either', async () => {
    const browser = await lobby.signedIn(gail)
    const moved: Guest = { ...gail, linkId: 'otherotherot' }
    lobby.logins.set(gail.loginId, moved)
    expect(await codeOf(await browser.get(`${page}-/status`))).toEqual([401, 'not-signed-in'])
    lobby.logins.set(gail.loginId, { ...gail, datasetId: 'liver' })
    expect((await browser.get(`${page}-/status`)).status).toBe(401)
    lobby.logins.set(gail.loginId, gail)
    expect((await browser.get(`${page}-/status`)).status).toBe(200)
  })
})

describe('the address', () => {
  it.each([
    ['/v/pbmc%7Elinklinklink/', page],
    ['/v/pbmc%7elinklinklink/-/status?wait=1', `${page}-/status?wait=1`],
    ['/v/pbmc%7Elinklinklink', page.slice(0, -1)],
    ['/v/%70bmc/', '/v/pbmc/'],
  ])('%s is sent to the spelling that its cookies are bound to', async (path, clean) => {
    const answer = await (await lobby.signedIn(gail)).get(path)
    expect([answer.status, answer.headers.get('location')]).toEqual([308, clean])
  })

  it.each([
    '/v/pbmc~/',
    '/v/pbmc~short/',
    '/v/pbmc~LINKLINKLINK/',
    '/v/~linklinklink/',
    '/v/pbmc~a~b/',
    '/v/pbmc~link1inklink/',
  ])('%s is nobody’s page', async (path) => {
    for (const at of [path, `${path}-/status`, `${path}-/enter?ticket=x`, `${path}api/v0.2/schema`])
      expect((await lobby.browser().get(at)).status).toBe(404)
  })

  it('has cellxgene’s files below it, like every page', async () => {
    expect((await lobby.browser().get(`${page}static/main-1.js`)).status).toBe(200)
  })
})

describe('what a guest is told', () => {
  let browser: TestBrowser
  beforeEach(async () => {
    browser = await lobby.signedIn(gail)
  })
  /** The way on is never the launcher's own pages, which are closed to a guest. */
  async function guestsWords(answer: Response, status: number): Promise<string> {
    expect(answer.status).toBe(status)
    const html = await answer.text()
    expect(html).not.toContain(`href="${appOrigin}`)
    expect(html).not.toMatch(/All datasets|Sign in|My annotations/)
    return html
  }

  it('where there is nothing', async () => {
    expect(await guestsWords(await browser.get(`${page}nothing`), 404)).toContain('Open your launch link again')
    expect(await guestsWords(await browser.get(`${page}-/nothing`), 404)).toContain('ask whoever sent it')
  })

  it('when the exchange of a ticket fails, whatever the reason', async () => {
    const ticket = await lobby.ticket(browser, { who: gail })
    const enter = (which: string, by = browser) => by.get(`${page}-/enter?ticket=${which}`)
    expect(await guestsWords(await enter('nonsense'), 403)).toContain('open your launch link again')
    await enter(ticket)
    expect(await guestsWords(await enter(ticket), 403)).toContain('used already')
    expect(await guestsWords(await enter(ticket, lobby.browser()), 403)).toContain('did not ask')
    browser.cookies.delete('cxod-page')
    expect(await guestsWords(await browser.get(page), 403)).toContain('did not keep')
    const late = await lobby.ticket(browser, { who: gail })
    endGail(null)
    expect(await guestsWords(await enter(late), 403)).toContain('Open your launch link again')
    const later = await lobby.ticket(browser, { who: gail })
    endGail(over)
    expect(await guestsWords(await enter(later), 403)).toContain(over.message)
  })

  it('when the file was removed, with nothing kept and with something', async () => {
    lobby.launcher.datasets.set('pbmc', aDataset({ state: 'removed' }))
    expect(await guestsWords(await browser.get(page), 409)).not.toContain('<p class="cxod-buttons">')
    keeps('labels', 'index,mine\na,T\n')
    const html = await guestsWords(await browser.get(page), 409)
    expect(html).toContain(`href="${page}-/annotations/labels.csv"`)
    expect(html).not.toContain('genesets.csv')
    const status = lobbyStatus.parse(await (await browser.get(`${page}-/status`)).json())
    expect(status.problem?.detail).not.toContain('My annotations')
  })

  it('when the dataset is not known any more', async () => {
    lobby.launcher.datasets.delete('pbmc')
    await guestsWords(await browser.get(page), 404)
  })

  it('when the link is over: who can give another, to the open page and to its calls', async () => {
    endGail(over)
    for (const call of [
      await browser.get(`${page}-/status`),
      await browser.get(`${page}-/status?wait=25&seen=x`),
      await browser.post(`${page}-/wake`, { by: 'page' }),
      await browser.post(`${page}-/keep`, {}),
    ]) {
      expect(call.status).toBe(403)
      expect(await call.json()).toMatchObject({ code: 'link-over', detail: over.message })
    }
    expect(lobby.launcher.launches).toEqual([])
    // The page itself asks the app, which knows whether this browser may come back.
    expect((await browser.get(page)).headers.get('location')).toContain(`${appOrigin}/open/pbmc~linklinklink?nonce=`)
  })

  it('when only the login is over and the link stands: to open it again', async () => {
    endGail(null)
    const call = await browser.get(`${page}-/status`)
    expect(call.status).toBe(401)
    expect(await call.json()).toMatchObject({
      code: 'not-signed-in',
      detail: expect.stringContaining('Open your launch link again'),
    })
    expect(browser.cookies.has('cxod-route')).toBe(false)
  })

  it('but to somebody who did not come by it, not even that a link is over', async () => {
    endGail(over)
    for (const stranger of [lobby.browser(), await lobby.signedIn(bob)]) {
      const call = await stranger.get(`${page}-/status`)
      expect(call.status).toBe(401)
      expect(await call.text()).not.toContain('Ada')
    }
  })

  it('ends a poll that was waiting when the link was taken back', async () => {
    lobby.launcher.change(gail.id, 'pbmc', { state: 'ready', readyAt: lobby.clock.ms })
    const { seen } = lobbyStatus.parse(await (await browser.get(`${page}-/status`)).json())
    browser.cookies.delete('cxod-route')
    const waiting = browser.get(`${page}-/status?wait=25&seen=${seen}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
    endGail(over)
    expect(await codeOf(await waiting)).toEqual([403, 'link-over'])
    expect(browser.cookies.has('cxod-route')).toBe(false)
  })
})

describe('a guest who came to look', () => {
  it('is told so, and is shown no way to make gene sets that nobody keeps', async () => {
    const looking: Guest = { ...gail, mode: 'view' }
    lobby.logins.set(gail.loginId, looking)
    const browser = await lobby.signedIn(looking)
    const html = await (await browser.get(page)).text()
    expect(html).toContain('"mode":"view"')
    expect(html).toContain('[data-testid="open-create-geneset-dialog"] { display: none }')
    expect(lobbyStatus.parse(await (await browser.get(`${page}-/status`)).json())).toMatchObject({
      guest: true,
      mode: 'view',
    })
    lobby.logins.set(gail.loginId, gail)
    expect(await (await browser.get(page)).text()).not.toContain('open-create-geneset-dialog')
  })
})

/** What the one in this file keeps; by owner, as the real one. */
function keeps(kind: 'labels' | 'genesets', text: string, owner = gail.id): void {
  const { history, readVersion } = lobby.launcher
  lobby.launcher.history = async (who, datasetId, of) =>
    who.id === owner && of === kind ? [{ version: '3' } as VaultVersion] : history(who, datasetId, of)
  lobby.launcher.readVersion = async (who, datasetId, of, version) =>
    who.id === owner && of === kind && version === '3'
      ? new TextEncoder().encode(text)
      : readVersion(who, datasetId, of, version)
}
