/**
 * The page that outlives its viewer, in a real browser with real cellxgene; the lobby and the companion are ours, launcher,
 * gate and app are small stand-ins (test/lobby/world.ts). The whole chain is walked by test/e2e.
 */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { createWorld, type World } from '../lobby/world.ts'
import { searchGene } from '../support/cellxgene-page.ts'
import { launchChromium } from '../support/chromium.ts'
import { tempDir } from '../support/temp-dir.ts'
import { testPython, testSample } from '../support/tools.ts'

// A viewer takes 2 s to start on a quiet machine and a minute on an overloaded one.
vi.setConfig({ testTimeout: 480_000 })
let world: World
let browser: Browser
let page: Page
const kept = tempDir('cxod-kept-')
const trouble: string[] = []
const loads: string[] = []
/** What the page asked for in vain. */
const missing: string[] = []

beforeAll(async () => {
  world = await createWorld({ python: testPython(), data: testSample(), kept, startDelayMs: 500 })
  browser = await launchChromium()
  page = await browser.newPage({ viewport: { width: 1280, height: 800 } })
  page.setDefaultTimeout(150_000)
  page.on('pageerror', (error) => trouble.push(error.message))
  page.on('console', (message) => {
    if (/Content Security Policy|Refused to/.test(message.text())) trouble.push(message.text())
  })
  page.on('response', (response) => response.status() === 404 && missing.push(response.url()))
  page.on('framenavigated', (frame) => loads.push(new URL(frame.url()).pathname))
})

afterAll(async () => {
  await browser?.close()
  await world?.close()
})

const bar = () => page.locator('#cxod-bar')

async function createCategory(name: string): Promise<void> {
  await page.click('text=Create new category')
  await page.fill('[data-testid="new-category-name"]', name)
  await page.click('[data-testid="submit-category"]')
  await page.waitForSelector(`[data-testid="category-${name}"]`)
}

/** Every save that the gate took or refused so far. */
const saves = () => world.saves.map(({ base, status }) => `${base}: ${status}`)
const untilSaves = (expected: string[]) => expect.poll(saves, { timeout: 150_000 }).toEqual(expected)

it('opens without a viewer: signs in through the app, says what it waits for, and draws when the viewer comes', async () => {
  const release = world.hold()
  await page.goto(`${world.viewOrigin}/v/pbmc/`)
  expect(new URL(page.url()).search).toBe('')
  await page.getByRole('heading', { name: 'Your viewer is on its way' }).waitFor()
  // What is behind the waiting view can't be reached by keyboard.
  expect(await page.locator('#root[inert]').count()).toBe(1)
  await page.locator('[data-cxod="stages"] [aria-current="step"]', { hasText: 'Load' }).waitFor()
  // cellxgene's script says "CELL×GENE | Annotate" for every dataset.
  await expect.poll(() => page.title(), { timeout: 60_000 }).toBe('PBMC 68k – cellxgene')
  release()
  await page.waitForSelector('[data-testid="layout-graph"]', { state: 'attached' })
  await page.locator('#cxod-wait').waitFor({ state: 'detached' })
  expect(await bar().isVisible()).toBe(false)
  expect(world.launcher.launches).toEqual([{ datasetId: 'pbmc', options: { by: 'page' } }])
  const images = '[...document.images].filter((image) => image.naturalWidth > 0).length'
  await expect.poll(() => page.evaluate(images)).toBeGreaterThan(0)
  expect(missing).toEqual([])
})

it('saves a category against what was loaded, and reports that somebody is there', async () => {
  await createCategory('first')
  await untilSaves(['none: 200'])
  await expect.poll(() => world.active).toBeGreaterThan(0)
})

it('takes a category made while the viewer is dead, and saves it with the next viewer, without a reload', async () => {
  await page.evaluate('window.stillTheSamePage = true')
  const release = world.hold()
  world.killViewer()
  await createCategory('second')
  await bar().getByText('Your changes wait and are saved then').waitFor()
  release()
  await untilSaves(['none: 200', '1: 200'])
  await page.locator('#autosave', { hasText: 'All saved' }).waitFor()
  await bar().waitFor({ state: 'hidden' })
  const labels = readFileSync(join(kept, 'labels.csv'), 'utf8')
  expect(labels).toContain(',first,second')
  expect(world.launcher.launches).toHaveLength(2)
})

it('answers what cellxgene asks for while the viewer is dead, when the next one comes', async () => {
  world.killViewer()
  await searchGene(page, 'CD3D')
  await page.locator('[data-testid="histogram-CD3D"], [data-testid^="histogram-CD3D"]').first().waitFor()
})

it('never overwrites another tab’s labels in silence', async () => {
  world.versions.labels++
  await createCategory('third')
  await bar()
    .getByText(/You saved other labels/)
    .waitFor()
  expect(saves().at(-1)).toBe('2: 412')
  await bar().getByRole('button', { name: 'Keep mine' }).click()
  await untilSaves(['none: 200', '1: 200', '2: 412', '3: 200'])
})

it('keeps unsaved work through a sign-out, asks before it is closed, and goes on after signing in again in another tab', async () => {
  world.logins.clear()
  world.killViewer()
  await createCategory('fourth')
  await bar().getByText('You are signed out').waitFor()

  const asked = page.waitForEvent('dialog')
  await page.evaluate('setTimeout(() => location.reload(), 0)')
  const dialog = await asked
  expect(dialog.type()).toBe('beforeunload')
  await dialog.dismiss()

  const opened = page.context().waitForEvent('page')
  await bar().getByRole('button', { name: 'Sign in again' }).click()
  const tab = await opened
  await tab.getByRole('heading', { name: 'You are signed in again' }).waitFor()
  await tab.close()
  await untilSaves(['none: 200', '1: 200', '2: 412', '3: 200', '4: 200'])
})

it('did all that on one page, loaded once, with nothing refused by its policy', async () => {
  expect(await page.evaluate('window.stillTheSamePage')).toBe(true)
  expect(loads.filter((path) => path === '/v/pbmc/')).toHaveLength(1)
  expect(trouble).toEqual([])
})
