/**
 * Every page in a real browser, real cellxgene among them: the strict policies let all of it work (a violation or a
 * complaint of the browser fails), and no answer of either host goes out without its headers.
 */
import path from 'node:path'
import type { Browser, BrowserContext, Page, Response } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { allSaved, createCategory, drawn, labelSelection, searchGene, selectOnly } from '../support/cellxgene-page.ts'
import { launchChromium } from '../support/chromium.ts'
import { type LauncherProcess, makeData, startLauncher } from '../support/launcher-process.ts'
import { recordSecret } from '../support/suite-record.ts'
import { tempDir } from '../support/temp-dir.ts'

const dir = tempDir()
let launcher: LauncherProcess
let browser: Browser
const complaints: string[] = []
/** First answer of each kind of address, with its headers. */
const answers = new Map<string, { url: string; status: number; headers: Record<string, string> }>()
/** Those that are being looked at. */
const kept: Promise<void>[] = []
const visited: { url: string; policy: string; html: string }[] = []

beforeAll(async () => {
  const dataDir = makeData(path.join(dir, 'data'), ['public/pbmc.h5ad', 'lab/broken.h5ad'])
  launcher = await startLauncher({ dataDir, stateDir: path.join(dir, 'state') })
  browser = await launchChromium()
})
afterAll(async () => {
  await browser?.close()
  await launcher?.stop()
})

/** A browser whose every complaint counts, but for those about an answer that was meant to be a refusal. */
async function watched(): Promise<BrowserContext> {
  const context = await browser.newContext({ viewport: { width: 1400, height: 900 } })
  context.setDefaultTimeout(150_000)
  await context.exposeFunction('tellViolation', (what: string) => void complaints.push(what))
  await context.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', (event) => {
      const tell: unknown = Reflect.get(window, 'tellViolation')
      if (typeof tell === 'function')
        tell(`${location.pathname}: ${event.effectiveDirective} blocked ${event.blockedURI}`)
    })
  })
  context.on('console', (message) => {
    const text = message.text()
    if (message.type() === 'error' && !/status of 4\d\d/.test(text))
      complaints.push(`${message.page()?.url()}: ${text}`)
    if (/content security policy|permissions-policy|unrecognized feature/i.test(text)) complaints.push(text)
  })
  context.on('weberror', ({ error }) => void complaints.push(String(error())))
  context.on('response', (response) => void kept.push(keep(response)))
  return context
}

async function keep(response: Response): Promise<void> {
  const url = response.url()
  if (!url.startsWith(launcher.appUrl) && !url.startsWith(launcher.viewUrl)) return
  const kind = `${response.status()} ${new URL(url).origin}${new URL(url).pathname.replace(/[a-z2-7]{12,}/g, '*')}`
  if (answers.has(kind)) return
  // Of a page that is gone they can't be had any more; then the next answer of this kind is looked at.
  const headers = await response.allHeaders().catch(() => null)
  if (headers !== null) answers.set(kind, { url, status: response.status(), headers })
}

async function visit(page: Page, url: string): Promise<void> {
  const response = await page.goto(url)
  if (response === null) throw new Error(`no answer: ${url}`)
  const policy = response.headers()['content-security-policy'] ?? ''
  visited.push({ url, policy, html: await response.text().catch(() => '') })
}

/** Every page that can be reached by links, from `start` on. */
async function crawl(page: Page, start: string): Promise<string[]> {
  const found = [start]
  for (let at = 0; at < found.length; at += 1) {
    const url = found[at] ?? ''
    await visit(page, url)
    const links = await page.$$eval('a[href]', (all) => all.map((a) => (a instanceof HTMLAnchorElement ? a.href : '')))
    for (const link of links.map((text) => text.replace(/#.*$/, '')))
      if (
        link.startsWith(`${launcher.appUrl}/`) &&
        !/\/(api|open|assets)\/|\.json$/.test(link) &&
        !found.includes(link)
      )
        found.push(link)
  }
  return found.map((url) => url.slice(launcher.appUrl.length))
}

describe('in a real browser', () => {
  it('no page of the launcher, of its guests or of cellxgene breaks its own policy', async () => {
    const context = await watched()
    const page = await context.newPage()
    await visit(page, `${launcher.appUrl}/sign-in`)
    await visit(page, launcher.signInUrl)
    await page.waitForURL(`${launcher.appUrl}/`)
    // The file that is there already is looked at in the first seconds.
    await page.waitForSelector('text=pbmc')
    await page.goto(`${launcher.appUrl}/datasets/pbmc`)
    await page.waitForSelector('button:has-text("Open")')

    await page.goto(`${launcher.appUrl}/datasets/pbmc/links`)
    await page.fill('#note', 'for the walk')
    await page.click('button:has-text("Make a link")')
    const link = await page.inputValue('#url')

    await page.goto(`${launcher.appUrl}/datasets/pbmc`)
    await page.click('button:has-text("Open")')
    await page.waitForURL(`${launcher.viewUrl}/v/pbmc/`)
    await drawn(page)
    visited.push(await shown(page))
    await createCategory(page, 'Zq-category-7')
    await selectOnly(page, 'bulk_labels', 'Dendritic')
    await labelSelection(page, 'Zq-category-7', 'Zq-label-7')
    await page.click('[data-testid="colorby-louvain"]')
    recordSecret('gene', 'CD79A')
    await searchGene(page, 'CD79A')
    await page.waitForSelector('[data-testid="histogram-CD79A"]')
    await allSaved(page)

    const guest = await (await watched()).newPage()
    await visit(guest, link)
    await guest.fill('#name', 'Ann')
    await guest.click('button:has-text("Open the dataset")')
    await guest.click('a:has-text("Open the dataset")')
    await drawn(guest)
    visited.push(await shown(guest))
    await Promise.all(kept)
    await guest.context().close()

    // Now that there is something to show everywhere.
    const pages = await crawl(page, `${launcher.appUrl}/`)
    for (const expected of [
      '/',
      '/sessions',
      '/annotations',
      '/account',
      '/datasets/pbmc',
      '/datasets/pbmc/links',
      '/annotations/pbmc',
    ])
      expect(pages).toContain(expected)
    expect(pages.some((address) => /^\/links\/[a-z2-7]{12}$/.test(address))).toBe(true)
    for (const address of [
      '/nothing',
      '/datasets/nothing',
      '/open/nothing',
      '/l/aaaaaaaaaaaa',
      '/open/pbmc~aaaaaaaaaaaa',
      '/sign-in/link',
    ])
      await visit(page, `${launcher.appUrl}${address}`)
    for (const address of [
      '/nothing',
      '/v/nothing/',
      '/v/pbmc/nothing',
      '/v/pbmc/-/enter?ticket=x',
      '/v/pbmc/-/sign-in',
    ])
      await visit(page, `${launcher.viewUrl}${address}`)
    expect(complaints).toEqual([])
    // And had there been one, it would have been heard of.
    await page.goto(`${launcher.appUrl}/`)
    await page.evaluate(() =>
      document.body.insertAdjacentHTML('beforeend', '<b style="color: red" onclick="x()">x</b>'),
    )
    await expect.poll(() => complaints.join()).toContain('style-src-attr')
    await Promise.all(kept)
    await context.close()
  })
})

async function shown(page: Page): Promise<(typeof visited)[number]> {
  const headers = (await page.request.get(page.url())).headers()
  return { url: page.url(), policy: headers['content-security-policy'] ?? '', html: '' }
}

describe('what went out', () => {
  it('has a policy that names every source, on every page; only cellxgene’s own may evaluate and style inline', () => {
    expect(visited.length).toBeGreaterThan(20)
    for (const { url, policy } of visited) {
      const said = { url, policy }
      expect(said).toMatchObject({ policy: expect.stringMatching(/^default-src 'none'/) })
      expect(said).toMatchObject({
        policy: expect.stringMatching(
          /base-uri 'none'.*frame-ancestors 'none'|frame-ancestors 'none'.*base-uri 'none'/,
        ),
      })
      expect(policy).not.toMatch(/script-src[^;]*'unsafe-inline'|\*|https?:\/\/(?!127\.0\.0\.1)/)
      if (url.startsWith(launcher.appUrl)) expect(policy).not.toContain('unsafe')
    }
  })

  it('has no script, handler or style of its own in the pages of the launcher', () => {
    for (const { url, html } of visited.filter((one) => one.url.startsWith(launcher.appUrl) && one.html !== '')) {
      const found = html.match(/<script(?![^>]*\bsrc=)[^>]*>|\son\w+=|\sstyle=|<style|javascript:/gi)
      expect({ url, found }).toEqual({ url, found: null })
    }
  })

  it('carries nosniff, a policy, no embedding by other sites and no referrer to them, whatever it is', () => {
    const kinds = [...answers.values()].filter(({ status }) => status !== 202)
    expect(kinds.length).toBeGreaterThan(40)
    for (const { url, status, headers } of kinds) {
      const found = { url, status, ...headers }
      expect(found).toMatchObject({
        'x-content-type-options': 'nosniff',
        'content-security-policy': expect.stringContaining("default-src 'none'"),
        'cross-origin-resource-policy': 'same-origin',
      })
      // What a gate answers is no page: it is read by the one that asked.
      if (new URL(url).pathname.startsWith('/s/')) expect(headers['content-security-policy']).toContain('sandbox')
      else
        expect(found).toMatchObject({
          'referrer-policy': expect.stringMatching(/^(same-origin|no-referrer)$/),
          'cross-origin-opener-policy': 'same-origin',
          'permissions-policy': expect.stringContaining('camera=()'),
        })
      const kept = /\/static\/|\/assets\//.test(url) && status < 300
      expect([url, headers['cache-control']]).toEqual([url, expect.stringContaining(kept ? 'immutable' : 'no-store')])
    }
  })
})
