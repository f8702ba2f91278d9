/** What a page gives as files, and that looking at an address starts nothing: link previews and uptime checkers do. */
import { beforeEach, describe, expect, it } from 'vitest'
import { LauncherError } from '../../functions/core/errors.ts'
import type { VaultVersion } from '../../functions/core/ports.ts'
import { aDataset } from './fake-launcher.ts'
import { ada, bob, gail, type LobbyTest, lobbyTest } from './setup.ts'

const page = '/v/pbmc~linklinklink/'
const over = new LauncherError('link-over', 'This link was taken back. Ask Ada for another one.')
let lobby: LobbyTest
beforeEach(async () => {
  lobby = await lobbyTest()
})
const endGail = (words: LauncherError | null) => {
  lobby.logins.delete(gail.loginId)
  if (words !== null) lobby.overLinks.set(gail.linkId, words)
}

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

describe('annotations as files', () => {
  it('the newest version, to whom it belongs, whatever has become of viewer and file', async () => {
    keeps('labels', 'index,mine\na,T\n')
    const browser = await lobby.signedIn(gail)
    const states = ['usable', 'removed', 'refused', 'checking'] as const
    for (const state of states) {
      lobby.launcher.datasets.set('pbmc', aDataset({ state }))
      const file = await browser.get(`${page}-/annotations/labels.csv`)
      expect([file.status, await file.text()]).toEqual([200, 'index,mine\na,T\n'])
      expect(file.headers.get('content-type')).toBe('text/csv; charset=utf-8')
      expect(file.headers.get('content-disposition')).toBe('attachment; filename="pbmc-labels-v3.csv"')
      expect(file.headers.get('x-content-type-options')).toBe('nosniff')
      expect(file.headers.get('cache-control')).toBe('no-store')
      expect(file.headers.get('content-security-policy')).toContain('sandbox')
    }
    const head = await browser.head(`${page}-/annotations/labels.csv`)
    expect([head.status, await head.text()]).toEqual([200, ''])
    expect(lobby.launcher.launches).toEqual([])
  })

  it('gene sets, and a user’s own from a user’s page', async () => {
    keeps('genesets', 'gene_set_name\n', ada.id)
    const browser = await lobby.signedIn(ada)
    const file = await browser.get('/v/pbmc/-/annotations/genesets.csv')
    expect(file.headers.get('content-disposition')).toBe('attachment; filename="pbmc-genesets-v3.csv"')
  })

  it('nothing kept: a page that says so', async () => {
    const file = await (await lobby.signedIn(gail)).get(`${page}-/annotations/labels.csv`)
    expect(file.status).toBe(404)
    expect(await file.text()).toContain('Nothing is kept yet')
    expect(file.headers.get('content-disposition')).toBeNull()
  })

  it('to nobody else, and nothing else', async () => {
    keeps('labels', 'private')
    const answers = [
      await lobby.browser().get(`${page}-/annotations/labels.csv`),
      await (await lobby.signedIn(bob)).get('/v/pbmc/-/annotations/labels.csv'),
      await (await lobby.signedIn(bob)).get(`${page}-/annotations/labels.csv`),
    ]
    const browser = await lobby.signedIn(gail)
    for (const file of ['labels', 'LABELS.csv', '..%2Flabels.csv', '__proto__', 'constructor', 'history.csv'])
      answers.push(await browser.get(`${page}-/annotations/${file}`))
    endGail(over)
    answers.push(await browser.get(`${page}-/annotations/labels.csv`))
    for (const answer of answers) {
      expect([403, 404]).toContain(answer.status)
      const html = await answer.text()
      expect(html).toContain('<!doctype html>')
      expect(html).not.toContain('private')
    }
  })
})

describe('looking at an address starts nothing', () => {
  const paths = [
    '',
    '-/status',
    '-/sign-in',
    '-/signed-in',
    '-/enter?ticket=x',
    '-/annotations/labels.csv',
    'api/v0.2/schema',
    '-/wake',
  ]

  it.each(['/v/pbmc/', page])(
    '%s: a preview, an uptime checker, a prefetch, by GET and HEAD, known or not',
    async (path) => {
      for (const browser of [lobby.browser(), await lobby.signedIn(path === page ? gail : ada)])
        for (const rest of paths) {
          expect(
            (await browser.get(path + rest, { 'sec-purpose': 'prefetch', purpose: 'prefetch' })).status,
          ).toBeLessThan(500)
          const head = await browser.head(path + rest)
          expect(head.status).toBeLessThan(500)
          expect(await head.text()).toBe('')
        }
      expect(lobby.launcher.launches).toEqual([])
    },
  )

  it('a HEAD says what a GET would', async () => {
    const browser = await lobby.signedIn(gail)
    for (const rest of ['', '-/status', 'nothing', 'static/main-1.js']) {
      const [get, head] = [await browser.get(page + rest), await browser.head(page + rest)]
      expect([head.status, head.headers.get('content-type')]).toEqual([get.status, get.headers.get('content-type')])
    }
  })

  it('a HEAD on the way does not use up the ticket', async () => {
    const browser = lobby.browser()
    await browser.get(page)
    const to = `${page}-/enter?ticket=${await lobby.ticket(browser, { who: gail })}`
    const head = await browser.head(to)
    expect([head.status, head.headers.get('allow')]).toEqual([405, 'GET'])
    expect((await browser.get(to)).status).toBe(303)
  })

  it('a page drawn ahead of its user is called off, since its script would wake the viewer', async () => {
    const browser = await lobby.signedIn(gail)
    const ahead = await browser.get(page, { 'sec-purpose': 'prefetch;prerender' })
    expect([ahead.status, await ahead.text()]).toEqual([503, ''])
    expect((await browser.get(page, { 'sec-purpose': 'prefetch' })).status).toBe(200)
  })
})
