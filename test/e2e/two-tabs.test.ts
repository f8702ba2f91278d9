/** Two tabs of one person that save over each other, in a real browser on real cellxgene: each way out of it, once. */
import path from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { allSaved, categories, createCategory, drawn } from '../support/cellxgene-page.ts'
import { launchChromium } from '../support/chromium.ts'
import { type LauncherProcess, makeData, startLauncher } from '../support/launcher-process.ts'
import { tempDir } from '../support/temp-dir.ts'

const dir = tempDir()
let launcher: LauncherProcess
let browser: Browser
let one: Page
let two: Page

const bar = (page: Page) => page.locator('#cxod-bar')
const press = (page: Page, name: string) => bar(page).getByRole('button', { name }).click()
const has = (page: Page, category: string) => page.locator(`[data-testid="category-${category}"]`)
const api = '/api/datasets/pbmc/annotations/labels'

type Version = { version: string; base: string | null; origin: string; savedBy: string }
async function versions(): Promise<Version[]> {
  const answer = await one.request.get(`${launcher.appUrl}${api}/versions`)
  return ((await answer.json()) as { items: Version[] }).items
}
async function columns(version?: string): Promise<string[]> {
  const of = version ?? (await versions())[0]?.version
  const csv = await (await one.request.get(`${launcher.appUrl}${api}/versions/${of}`)).text()
  return (csv.split('\n')[0] ?? '').split(',').slice(1)
}
const open = async (page: Page) => {
  await page.goto(`${launcher.viewUrl}/v/pbmc/`)
  await drawn(page)
}

beforeAll(async () => {
  const dataDir = makeData(path.join(dir, 'data'), ['public/pbmc.h5ad'])
  launcher = await startLauncher({ dataDir, stateDir: path.join(dir, 'state') })
  browser = await launchChromium()
  const context = await browser.newContext({ viewport: { width: 1400, height: 900 } })
  context.setDefaultTimeout(150_000)
  ;[one, two] = [await context.newPage(), await context.newPage()]
  await one.goto(launcher.signInUrl)
  await one.waitForURL(`${launcher.appUrl}/`)
  await open(one)
  await open(two)
})
afterAll(async () => {
  await browser?.close()
  await launcher?.stop()
})

describe('two tabs that save over each other', () => {
  it('are told who saved what, and keep both', async () => {
    await createCategory(one, 'first')
    await allSaved(one)
    await createCategory(two, 'second')
    await bar(two)
      .getByText(/You saved other .*labels.*in another tab/)
      .waitFor()
    // Nothing was overwritten meanwhile.
    expect(await columns()).toEqual(['first'])
    const loaded = two.waitForEvent('load')
    await press(two, 'Keep both')
    await loaded
    await drawn(two)
    await has(two, 'first').waitFor()
    await has(two, 'second').waitFor()
    expect((await columns()).sort()).toEqual(['first', 'second'])
    expect((await versions())[0]?.origin).toMatch(/^merge:/)
  })

  it('keep mine: theirs stays in the history', async () => {
    // The first tab has not seen the merge.
    await createCategory(one, 'mine')
    await bar(one)
      .getByText(/You saved other .*labels/)
      .waitFor()
    const before = (await versions())[0]?.version
    await press(one, 'Keep mine')
    await allSaved(one)
    expect((await columns()).sort()).toEqual(['first', 'mine'])
    expect((await columns(before)).sort()).toEqual(['first', 'second'])
  })

  it('take theirs: asked once more, and the page is loaded from it', async () => {
    await createCategory(two, 'dropped')
    await bar(two)
      .getByText(/You saved other .*labels/)
      .waitFor()
    await press(two, 'Take the other')
    await bar(two)
      .getByText(/is gone, unless you download it first/)
      .waitFor()
    two.once('dialog', (dialog) => void dialog.accept())
    const loaded = two.waitForEvent('load')
    await press(two, 'Take the other')
    await loaded
    await drawn(two)
    await has(two, 'mine').waitFor()
    expect(await categories(two)).not.toContain('dropped')
    expect((await columns()).sort()).toEqual(['first', 'mine'])
  })

  it('a restore while a viewer is awake is not overwritten either', async () => {
    const all = await versions()
    const restore = await one.request.post(`${launcher.appUrl}${api}/restore`, {
      data: { version: all.at(-1)?.version, base: all[0]?.version },
      headers: { origin: launcher.appUrl },
    })
    expect(restore.status()).toBe(201)
    await createCategory(one, 'late')
    await bar(one)
      .getByText(/You saved other .*labels/)
      .waitFor()
    expect(await columns()).toEqual(['first'])
    const loaded = one.waitForEvent('load')
    await press(one, 'Keep both')
    await loaded
    await drawn(one)
    expect((await columns()).sort()).toEqual(['first', 'late', 'mine'])
  })

  it('has every state in the history, each on top of the one before', async () => {
    const all = (await versions()).reverse()
    for (const [at, { version, base }] of all.entries())
      expect([version, base]).toEqual([String(at + 1), at === 0 ? null : String(at)])
  })
})
