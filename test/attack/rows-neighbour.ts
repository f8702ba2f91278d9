/** A page of another site beside ours, and a page of ours whose person is gone: what a real browser does. */
import { issueRouteCookie } from '../../functions/auth/tickets.ts'
import { until } from '../support/proc.ts'
import { assert, launchRightly, type Staged, somebody } from './browser-row.ts'

export const neighbourRows: readonly Staged[] = [
  {
    name: 'a page next door sends forms to the launcher',
    does: 'same host, another port: the browser sends the cookies along; a form, a fetch, a frame around the launcher',
    async attack(world, stage) {
      const person = await somebody(world, ['lab'])
      const { context } = await stage.viewerPage(person)
      const page = await context.newPage()
      const { appUrl, viewUrl } = world.bed
      stage.attacker.serve(`<iframe src="${appUrl}/"></iframe><iframe src="${viewUrl}/v/pbmc/"></iframe>
        <form method="post" action="${appUrl}/datasets/liver/launch"><button>x</button></form>`)
      await page.goto(`${stage.attacker.nextDoor}/`)
      const read = await page.evaluate(async (app) => {
        const init = { method: 'POST', mode: 'no-cors', credentials: 'include', body: '{"datasetId":"liver"}' } as const
        await fetch(`${app}/api/sessions`, init).catch(() => {}) // its answer is kept from us, not the request
        return fetch(`${app}/api/me`, { credentials: 'include' }).then(
          (answer) => answer.text(),
          () => 'blocked',
        )
      }, appUrl)
      assert(read === 'blocked', `read ${read}`)
      const framed = () =>
        page
          .frames()
          .filter((frame) => frame !== page.mainFrame())
          .map((frame) => frame.url())
      await until(
        'both frames to show something',
        () => framed().filter((url) => url !== '' && url !== 'about:blank').length === 2,
      )
      assert(
        framed().every((url) => url.startsWith('chrome-error:')),
        `framed: ${framed()}`,
      )
      await page.click('button')
      await page.waitForURL(`${appUrl}/datasets/liver/launch`)
      const words = (await page.textContent('main')) ?? ''
      assert(words.includes('launcher’s own pages'), `said: ${words}`)
      assert((await world.bed.launcher.findSession(person.who, 'liver')) === null, 'a viewer was launched')
      await context.close()
      return '403, no read, no frame'
    },
    twin: launchRightly,
  },
  {
    name: 'a page open after sign-out saves',
    does: 'labels are made in a page whose login has ended and whose route cookie is over: refused, kept in the page, and saved once signed in again',
    async attack(world, stage) {
      const person = await somebody(world)
      const { page, context, lobbyAnswered } = await stage.viewerPage(person)
      const session = await world.bed.untilReady(person.who, 'pbmc')
      // Used once: the page knows its viewer.
      await page.evaluate(() => fetch('/v/pbmc/api/v0.2/config').then((answer) => answer.text()))
      // No answer of the lobby may be on its way: its cookie, made before the sign-out, is good for ten minutes more, and
      // would take the place of the one below. What the page asks from now on is asked when that is in place.
      let mayAsk = () => {}
      const allowedToAsk = new Promise<void>((resolve) => {
        mayAsk = resolve
      })
      await page.route('**/v/pbmc/-/**', (route) =>
        // One whose page is closed by then can't go on, and nobody waits for it.
        allowedToAsk.then(() => route.continue()).catch(() => undefined),
      )
      await lobbyAnswered()
      await world.app('/sign-out', {
        method: 'POST',
        headers: {
          origin: world.bed.appUrl,
          cookie: `cxod-login=${person.login}`,
          'content-type': 'application/x-www-form-urlencoded',
        },
      })
      const claim = { ownerId: person.who.id, sessionId: session.id, datasetId: 'pbmc' }
      const value = await issueRouteCookie(claim, { keys: world.keys, clock: { now: () => Date.now() - 700_000 } })
      await context.addCookies([
        { name: 'cxod-route', value, domain: '127.0.0.1', path: session.routePath, httpOnly: true, sameSite: 'Lax' },
      ])
      mayAsk()
      await page.evaluate(async () => {
        const body = await new Response(
          new Blob(['made while signed out']).stream().pipeThrough(new CompressionStream('deflate')),
        ).arrayBuffer()
        const save = fetch('/v/pbmc/api/v0.2/annotations/obs', { method: 'PUT', body })
        Object.assign(window, { saved: 'waits' })
        void save.then((answer) => Object.assign(window, { saved: answer.status }))
      })
      // In the bar, or on the cover of a page that has not drawn yet: the stand-in has no cells to draw.
      const shown = () =>
        ['cxod-bar', 'cxod-wait']
          .map((id) => document.getElementById(id)?.textContent ?? '')
          .find((text) => /signed out/i.test(text))
      await page.waitForFunction(shown, undefined, { timeout: 60_000 })
      const said = (await page.evaluate(shown))?.trim()
      assert((await page.evaluate(() => Reflect.get(window, 'saved'))) === 'waits', 'it was answered')
      assert((await world.bed.launcher.history(person.who, 'pbmc', 'labels')).length === 0, 'it was saved')
      // Signed in again, in the same browser: the page goes on by itself and nothing is lost.
      const again = await world.signIn(person.who.name)
      await context.addCookies([
        { name: 'cxod-login', value: again.login, url: world.bed.appUrl, httpOnly: true, sameSite: 'Lax' },
      ])
      const tab = await context.newPage()
      await tab.goto(`${world.bed.viewUrl}/v/pbmc/-/sign-in`)
      await page.bringToFront()
      await page.waitForFunction(() => Reflect.get(window, 'saved') === 200, undefined, { timeout: 60_000 })
      const kept = await world.bed.launcher.readVersion(person.who, 'pbmc', 'labels', '1')
      assert(Buffer.from(kept).toString() === 'made while signed out', 'something else was saved')
      await context.close()
      return `kept in the page (“${said?.match(/You are signed out/i)?.[0]}”), saved after signing in again`
    },
    async twin() {},
  },
]
