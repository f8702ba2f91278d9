/** The pages in a real browser: the strict policy lets them work, one click is a sign-in, the keyboard is enough. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createApp } from '../../functions/api/app.ts'
import { createAuth } from '../../functions/auth/auth.ts'
import { openTestApp } from '../support/app.ts'
import { launchChromium } from '../support/chromium.ts'
import { aPrincipal, aUser, testAuth } from '../support/people.ts'
import { gateOf } from '../support/ports.ts'
import { tempDir } from '../support/temp-dir.ts'

const bed = await openTestApp(tempDir())
type Listener = ReturnType<typeof getRequestListener>
let listener: Listener | undefined
const server = createServer((request, response) => {
  if (request.headers.host?.startsWith('127.0.0.1')) response.end('<title>a viewer</title>')
  else void listener?.(request, response)
})
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
const port = (server.address() as AddressInfo).port
const [appOrigin, viewOrigin] = [`http://localhost:${port}`, `http://127.0.0.1:${port}`]
// The origin is part of what is tested, and known only now.
const made = await testAuth(bed.store.table, bed.clock, { appOrigin })
const auth = createAuth(made)
const app = createApp({ ...bed.deps, auth, appOrigin, viewOrigin })
listener = getRequestListener(app.fetch)
const browser = await launchChromium()
afterAll(async () => {
  await browser.close()
  server.close()
  server.closeAllConnections()
  await bed.store.close()
})

/** A browser of its own, whose complaints (a blocked script, an error in one of ours) fail the test. */
async function open(): Promise<{ page: Page; complaints: string[] }> {
  const context = await browser.newContext()
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('console', (message) => {
    if (message.type() === 'error' && !/status of 4\d\d/.test(message.text())) complaints.push(message.text())
  })
  page.on('pageerror', (error) => complaints.push(String(error)))
  return { page, complaints }
}

beforeAll(async () => {
  await bed.users.put(
    aUser({ name: 'ada', passwordHash: await auth.passwords.hash('correct horse'), createdAt: bed.clock.now() }),
  )
})

describe('in a browser', () => {
  it('signs the administrator in with one click on the link, once', async () => {
    const { page, complaints } = await open()
    const { url } = auth.adminLinks.create()
    await page.goto(url)
    await page.waitForURL(`${appOrigin}/`)
    expect(await page.textContent('.you')).toContain('admin')
    expect(complaints).toEqual([])
    const second = await open()
    await second.page.goto(url)
    await second.page.waitForSelector('[role=alert]')
    expect(await second.page.textContent('[role=alert]')).toContain('has been used')
    // The secret stays in no address bar and no history entry.
    expect(second.page.url()).toBe(`${appOrigin}/sign-in/link`)
  })

  it('goes from the sign-in to a viewer’s page by keyboard alone', async () => {
    const { page, complaints } = await open()
    await page.goto(`${appOrigin}/datasets/pbmc`)
    // The name has the focus by itself, a moment after the page has loaded.
    await page.waitForFunction('document.activeElement?.tagName === "INPUT"')
    await page.keyboard.type('ada')
    await page.keyboard.press('Tab')
    await page.keyboard.type('correct horse')
    await page.keyboard.press('Enter')
    await page.waitForURL(`${appOrigin}/datasets/pbmc`)
    const focused = () => page.evaluate('document.activeElement?.textContent?.trim() ?? ""')
    await page.keyboard.press('Tab')
    expect(await focused()).toBe('Skip to the content')
    let words: unknown = ''
    for (let n = 0; n < 20 && words !== 'Open'; n++) {
      await page.keyboard.press('Tab')
      words = await focused()
    }
    await page.keyboard.press('Enter')
    // The redirect leaves the app origin: the policy's form-action must allow exactly that.
    await page.waitForURL(`${viewOrigin}/v/pbmc/`)
    expect(await page.title()).toBe('a viewer')
    expect(complaints).toEqual([])
  })

  it('shows a session’s change by itself, and times where the reader is', async () => {
    const { page, complaints } = await open()
    await page.goto(`${appOrigin}/sign-in`)
    await page.fill('#name', 'ada')
    await page.fill('#password', 'correct horse')
    await page.keyboard.press('Enter')
    await page.waitForURL(`${appOrigin}/`)
    const who = (await bed.browser({ name: 'ada', createdAt: bed.clock.now() })).who
    const session = await bed.deps.launcher.launch(who, 'pbmc', { by: 'click' })
    await page.goto(`${appOrigin}/sessions`)
    expect(await page.textContent('.badge')).toBe('Starting')
    await bed.deps.launcher.knock(gateOf(session))
    await bed.deps.launcher.loaded(gateOf(session))
    await page.waitForSelector('.badge.good')
    expect(await page.textContent('.badge')).toBe('Running')
    // The page was loaded again, and its script has yet to run.
    await page.waitForSelector('time[title$="UTC"]', { state: 'attached' })
    expect(await page.textContent('time')).not.toMatch(/UTC/)
    expect(complaints).toEqual([])
  })

  it('has no page wider than a phone, and is readable in the dark', async () => {
    const context = await browser.newContext({ viewport: { width: 360, height: 700 }, colorScheme: 'dark' })
    const page = await context.newPage()
    const user = await bed.users.get('ada')
    const value = user && (await auth.logins.open(user))
    await context.addCookies([{ name: 'cxod-login', value: value ?? '', url: appOrigin }])
    const wish = {
      mode: 'annotate',
      expiresInMs: 3_600_000,
      note: 'x'.repeat(100),
      guestNames: ['Ann', 'Bob'],
    } as const
    const link = await bed.deps.launcher.makeLink(aPrincipal({ name: 'ada' }), 'pbmc', { ...wish, maxGuests: null })
    const ofLinks = ['/datasets/pbmc/links', `/links/${link.id}`, `/l/${link.id}`, `/open/pbmc~${link.id}`]
    const paths = ['/', '/datasets/pbmc', '/sessions', '/annotations', '/account', '/nothing', ...ofLinks]
    for (const path of paths) {
      await page.goto(appOrigin + path)
      expect([path, await page.evaluate('document.documentElement.scrollWidth')]).toEqual([path, 360])
    }
    expect(await page.evaluate('getComputedStyle(document.body).backgroundColor')).toBe('rgb(18, 24, 31)')
  })
})
