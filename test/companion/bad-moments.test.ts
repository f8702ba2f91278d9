/**
 * What a person sees when something stands in the way: a request that kills its viewer, somebody else's save, another file,
 * a line. In a real browser with real cellxgene; launcher and gate are stand-ins (test/lobby/world.ts).
 */
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { ada, createWorld, type World } from '../lobby/world.ts'
import { allSaved, createCategory, drawn, searchGene } from '../support/cellxgene-page.ts'
import { launchChromium } from '../support/chromium.ts'
import { tempDir } from '../support/temp-dir.ts'
import { testPython, testSample } from '../support/tools.ts'

// Up to four viewers start one after the other in a test; each takes half a minute on a machine that is busy.
vi.setConfig({ testTimeout: 480_000 })
const pictures = join(import.meta.dirname, '../../.cache/screenshots')
let world: World
let browser: Browser
let page: Page
const faults: string[] = []

beforeAll(async () => {
  mkdirSync(pictures, { recursive: true })
  world = await createWorld({ python: testPython(), data: testSample(), kept: tempDir('cxod-kept-') })
  browser = await launchChromium()
  page = await browser.newPage({ viewport: { width: 1280, height: 800 } })
  page.setDefaultTimeout(150_000)
  // The browser's own limit is 250 entries.
  await page.addInitScript('performance.setResourceTimingBufferSize(10000)')
  page.on('pageerror', (error) => faults.push(error.message))
  page.on('console', (message) => {
    if (/Content Security Policy|Refused to/.test(message.text())) faults.push(message.text())
  })
})

afterAll(async () => {
  await browser?.close()
  await world?.close()
})

const shot = (name: string) => page.screenshot({ path: join(pictures, `${name}.png`) })
const bar = () => page.locator('#cxod-bar')
const button = (name: string) => bar().getByRole('button', { name })
const heading = (name: string) => page.getByRole('heading', { name })
const waitFor = (holds: () => unknown) => expect.poll(holds, { timeout: 150_000 }).toBeTruthy()
const report = { labelledCells: 0, matchedCells: 0, unmatchedCells: 0, unmatchedSample: [], renamed: [] }

const cellNamesCame = `performance.getEntriesByType('resource')
  .some(({ name, responseStatus }) => name.includes('annotation-name=name_0') && responseStatus === 200)`

it('a viewer that failed to start twice is started by a click alone, with the reason in view', async () => {
  const ending = { cause: 'start-timeout', detail: null, at: Date.now() } as const
  world.launcher.change(ada.id, 'pbmc', { state: 'failed', datasetVersion: 'v1', failedStarts: 1, ending })
  const lookedAgain = page.waitForResponse((response) => response.url().includes('/-/status'))
  await page.goto(`${world.viewOrigin}/v/pbmc/`)
  await heading('It did not start in time').waitFor()
  await lookedAgain
  await shot('failed-twice')
  // It asks now and then whether somebody has mended it, and starts nothing.
  await page.waitForResponse((response) => response.url().includes('/-/status'))
  expect(world.launcher.launches).toEqual([])
  const launch = world.launcher.launch
  const clicked: unknown[] = []
  world.launcher.launch = async (who, id, options) => {
    clicked.push(options)
    return world.launcher.change(who.id, id, { state: 'queued', ending: null })
  }
  await page.getByRole('button', { name: 'Try again' }).click()
  await heading('You are next in line').waitFor()
  world.launcher.launch = launch
  expect(clicked).toEqual([{ by: 'click' }])
})

it('waits in line with its place in view, and leaves it only when told', async () => {
  const line = { position: 3, length: 5 }
  world.launcher.waitInLine = async ({ state }) => (state === 'queued' ? { ...line } : null)
  world.launcher.change(ada.id, 'pbmc', {})
  await heading('You are 3rd in line').waitFor()
  await shot('in-line')
  line.position = 1
  world.launcher.change(ada.id, 'pbmc', {})
  await heading('You are next in line').waitFor()

  await page.getByRole('button', { name: 'Leave the line' }).click()
  await heading('Just a moment').waitFor()
  const ending = { cause: 'user', detail: null, at: Date.now() } as const
  world.launcher.change(ada.id, 'pbmc', { state: 'stopped', ending })
  await heading('You left the line').waitFor()
  expect(world.launcher.launches).toEqual([])
  await page.getByRole('button', { name: 'Get in line again' }).click()
  await waitFor(() => world.launcher.launches.length === 1)
})

it('a request that kills every viewer while the page opens is repeated once, then waits for a person', async () => {
  world.poison = (call) => call.includes('/colors')
  await heading('The viewer stopped, twice').waitFor()
  // A third one where other calls were on their way with it: they are answered by that.
  const before = world.launcher.launches.length
  expect([2, 3]).toContain(before)
  await shot('stopped-twice')
  world.poison = null
  await page.getByRole('button', { name: 'Try again' }).click()
  await drawn(page)
  await page.locator('#cxod-wait').waitFor({ state: 'detached' })
  // The click found that one still running, or started another.
  expect([before, before + 1]).toContain(world.launcher.launches.length)
})

it('one on the open page is told in plain words, and everything else works', async () => {
  await page.evaluate('window.stillTheSamePage = true')
  const before = world.launcher.launches.length
  world.poison = (call) => call.includes('/data/var')
  await searchGene(page, 'CD3D')
  await bar().getByText('(a gene’s expression) could not be answered').waitFor()
  await shot('request-lost')
  expect(await page.locator('#cxod-alert').textContent()).toContain('could not be answered')

  await createCategory(page, 'first')
  await allSaved(page)
  await waitFor(() => world.saves.at(-1)?.status === 200)
  // However often cellxgene asked for the gene: one for its repeat, and one that answers everything else.
  expect(world.launcher.launches.length - before).toBeLessThanOrEqual(2)

  world.poison = null
  await button('Try again').click()
  await page.locator('[data-testid^="histogram-CD3D"]').first().waitFor()

  world.poison = (call) => call.includes('/data/var')
  await searchGene(page, 'NKG7')
  await button('Leave it').waitFor()
  // cellxgene asks for the gene more than once; the next call must not be lost as well after the word about this one.
  world.poison = null
  await button('Leave it').click()
  await page.getByText('Unexpected HTTP').first().waitFor()
  await bar().getByText('could not be answered').waitFor({ state: 'hidden' })
  expect(await page.evaluate('window.stillTheSamePage')).toBe(true)
})

it('labels that somebody else saved: by keyboard, with a file of mine, the way back, and both kept', async () => {
  // The page asks for the cells' names as soon as a viewer is there; those that the tests before have killed gave none.
  await waitFor(() => page.evaluate(cellNamesCame))
  world.versions.labels++
  await createCategory(page, 'second')
  await bar()
    .getByText(/You saved other labels \d+ minutes ago/)
    .waitFor()
  await shot('conflict')
  await expect.poll(() => page.locator('#cxod-alert').textContent()).toContain('You saved other labels')
  await expect.poll(() => page.locator('#cxod-bar button').first().evaluate(comesFirst)).toBe(true)

  await button('Take the other').focus()
  await page.keyboard.press('Enter')
  await button('Back').waitFor()
  await expect.poll(() => page.evaluate('document.activeElement.textContent')).toBe('Download what is not saved')
  const [file] = await Promise.all([page.waitForEvent('download'), page.keyboard.press('Enter')])
  const [header, ...rows] = readFileSync(await file.path(), 'utf8')
    .trim()
    .split('\n')
  expect(file.suggestedFilename()).toBe('pbmc-labels-not-saved.csv')
  expect(header).toBe('index,first,second')
  expect(rows).toHaveLength(700)
  expect(rows[0]).toMatch(/^[ACGT]+-\d,unassigned,unassigned$/)

  // The newest state was sent for the file, and met the same version again; the choice stays where it was.
  await button('Back').waitFor()
  await button('Back').focus()
  await page.keyboard.press('Escape')
  await button('Keep both').waitFor()
  const merges: { kind: string; base: unknown; version: unknown; bytes: number }[] = []
  world.onMerge = ({ kind, headers, body }) => {
    const { 'x-cxod-base': base, 'x-cxod-dataset-version': version } = headers
    merges.push({ kind, base, version, bytes: body.length })
    return { version: '3', report: { ...report, renamed: [{ from: 'first', to: 'first (2)' }] } }
  }
  await button('Keep both').click()
  await bar().getByText('Your labels were added to what was there. “first” was renamed “first (2)”').waitFor()
  await drawn(page)
  await shot('kept-both')
  expect(merges).toMatchObject([{ kind: 'labels', base: '1', version: 'v1' }])
  expect(merges[0]?.bytes).toBeGreaterThan(0)
  // The viewer was told to read before the page was loaded from it.
  expect(world.looks).toBe(1)
  expect(await page.evaluate('window.stillTheSamePage')).toBeUndefined()
  await button('OK').click()
  await bar().waitFor({ state: 'hidden' })
})

it('newer labels are offered as soon as the page is used, and taken without a question', async () => {
  await page.evaluate('window.stillTheSamePage = true')
  world.versions.labels++
  const moved = setInterval(() => void page.mouse.move(Math.random() * 300, 400), 500)
  await bar()
    .getByText('Newer labels were saved in another tab')
    .waitFor()
    .finally(() => clearInterval(moved))
  await shot('newer')
  await button('Load them').click()
  await waitFor(() => world.looks === 2)
  await page.waitForFunction('window.stillTheSamePage === undefined')
  await drawn(page)
  await bar().waitFor({ state: 'hidden' })
})

it('an unsaved change is kept when the file is replaced, and the page says so and waits', async () => {
  const dataset = world.launcher.datasets.get('pbmc')
  if (dataset === undefined) throw new Error('no dataset')
  await page.evaluate('window.stillTheSamePage = true')
  world.launcher.datasets.set('pbmc', { ...dataset, version: 'v2' })
  const merged: unknown[] = []
  world.onMerge = ({ headers }) => {
    merged.push(headers['x-cxod-dataset-version'])
    const renamed = [{ from: 'louvain', to: 'louvain (label)' }]
    return { version: '9', report: { ...report, labelledCells: 600, matchedCells: 588, unmatchedCells: 12, renamed } }
  }
  await createCategory(page, 'third')
  await bar().getByText('Your unsaved labels are kept, too.').waitFor()
  await allSaved(page)
  await shot('replaced')
  expect(merged).toEqual(['v1'])
  expect(await page.evaluate('window.stillTheSamePage')).toBe(true)
  world.killViewer()
  await button('Open the new file').click()
  await drawn(page)
  await bar().getByText('588 of 600 labelled cells are in the new file').waitFor()
  await shot('brought-over')
  expect(faults).toEqual([])
})

/** Does the element come before cellxgene in the page, and so in the order of the tab key? Runs in the page. */
function comesFirst(element: Element): boolean {
  const root = document.querySelector('#root')
  return root !== null && (element.compareDocumentPosition(root) & Node.DOCUMENT_POSITION_FOLLOWING) !== 0
}
