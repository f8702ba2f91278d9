/** A collaborator without an account, in a real browser on real cellxgene: by a launch link to labels that their maker reads. */
import { readFileSync } from 'node:fs'
import path from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  allSaved,
  categories,
  countOf,
  createCategory,
  drawn,
  labelSelection,
  selectOnly,
} from '../support/cellxgene-page.ts'
import { launchChromium } from '../support/chromium.ts'
import { type LauncherProcess, makeData, startLauncher } from '../support/launcher-process.ts'
import { tempDir } from '../support/temp-dir.ts'

const dir = tempDir()
let launcher: LauncherProcess
let browser: Browser
let admin: Page

beforeAll(async () => {
  const dataDir = makeData(path.join(dir, 'data'), ['lab/pbmc.h5ad'])
  launcher = await startLauncher({ dataDir, stateDir: path.join(dir, 'state') })
  browser = await launchChromium()
  const context = await browser.newContext({ viewport: { width: 1400, height: 900 } })
  context.setDefaultTimeout(150_000)
  admin = await context.newPage()
  await admin.goto(launcher.signInUrl)
  await admin.waitForURL(`${launcher.appUrl}/`)
})
afterAll(async () => {
  await browser?.close()
  await launcher?.stop()
})

async function makeLink(fields: { mode: 'view' | 'annotate'; note: string }): Promise<{ page: string; url: string }> {
  await admin.goto(`${launcher.appUrl}/datasets/pbmc/links`)
  await admin.check(`input[name="mode"][value="${fields.mode}"]`)
  await admin.fill('#note', fields.note)
  await admin.click('button:has-text("Make a link")')
  const url = await admin.inputValue('#url')
  return { page: admin.url(), url }
}

async function enter(page: Page, url: string, name: string): Promise<void> {
  await page.goto(url)
  await page.fill('#name', name)
  await page.click('button:has-text("Open the dataset")')
  await page.click('a:has-text("Open the dataset")')
}

/** As who made the link downloads them. */
async function labelsOfGuest(): Promise<{ name: string; text: string }> {
  const [download] = await Promise.all([admin.waitForEvent('download'), admin.click('a:has-text("Download labels")')])
  return { name: download.suggestedFilename(), text: readFileSync(await download.path(), 'utf8') }
}

const viewers = () => launcher.processes().flatMap(({ role, pid }) => (role === 'viewer' ? [pid] : []))

describe('a guest by a launch link', () => {
  it('works in a viewer of their own, survives its crash, and disturbs nobody who is signed in beside', async () => {
    const link = await makeLink({ mode: 'annotate', note: 'for next door' })
    // In the very browser of somebody who is signed in: both pages, one beside the other.
    const context = admin.context()
    const guest = await context.newPage()
    expect(launcher.processes()).toEqual([])
    await enter(guest, link.url, 'Ann Lee')
    await guest.waitForURL(/\/v\/pbmc~[a-z2-7]{12}\/$/)
    await drawn(guest)
    await createCategory(guest, 'mine')
    await selectOnly(guest, 'bulk_labels', 'Dendritic')
    await labelSelection(guest, 'mine', 'interesting')
    await allSaved(guest)
    const cells = await countOf(guest, 'bulk_labels', 'Dendritic')

    await admin.goto(`${launcher.viewUrl}/v/pbmc/`)
    expect(await categories(admin)).not.toContain('mine')
    await createCategory(admin, 'admins')
    await allSaved(admin)

    for (const { role, pid } of launcher.processes()) if (role === 'viewer') process.kill(pid, 'SIGKILL')
    await createCategory(guest, 'meanwhile')
    await allSaved(guest)
    await guest.reload()
    const all = await categories(guest)
    expect(all).toEqual(expect.arrayContaining(['mine', 'meanwhile']))
    expect(all).not.toContain('admins')
    expect(await countOf(guest, 'mine', 'interesting')).toBe(cells)

    const file = await guest.request.get(`${guest.url()}-/annotations/labels.csv`)
    expect((await file.text()).split('\n')[0]).toBe('index,mine,meanwhile')

    // Who made the link sees who came and what they keep.
    await admin.goto(link.page)
    expect(await admin.textContent('main')).toContain('Ann Lee')
    const before = await labelsOfGuest()
    expect(before.name).toMatch(/^ann-lee-[0-9a-f]{12}-labels-v\d+\.csv$/)
    const [heading = '', ...rows] = before.text.trim().split('\n')
    expect(heading).toBe('index,mine,meanwhile')
    expect(rows.filter((row) => row.includes(',interesting,'))).toHaveLength(cells)

    await admin.click('summary:has-text("Revoke")')
    await admin.click('button:has-text("Revoke it now")')
    await admin.locator('summary:has-text("Revoke")').waitFor({ state: 'detached' })
    // The page hears of it at the latest when somebody uses it: what is made now stays in it and goes nowhere.
    await createCategory(guest, 'too-late')
    await guest.waitForSelector('text=/This link was taken back\\. Ask admin for another one/', { timeout: 60_000 })
    // It may have heard of it before there was anything unsaved.
    await guest.locator('#cxod-bar', { hasText: 'What is not saved yet stays in this page.' }).waitFor()
    expect((await guest.request.get(`${guest.url()}-/annotations/labels.csv`)).status()).toBe(403)
    expect(await labelsOfGuest()).toEqual(before)
    await guest.close()
    expect((await admin.request.get(`${launcher.viewUrl}/v/pbmc/-/status`)).status()).toBe(200)
  })

  it('for looking only makes nothing, and a forged save is refused', async () => {
    const link = await makeLink({ mode: 'view', note: 'to look' })
    const context = await browser.newContext({ viewport: { width: 1400, height: 900 } })
    const guest = await context.newPage()
    await enter(guest, link.url, 'Looker')
    await drawn(guest)
    for (const offer of ['open-annotation-dialog', 'open-create-geneset-dialog'])
      expect(await guest.locator(`[data-testid="${offer}"]`).filter({ visible: true }).count()).toBe(0)
    await guest.click('[data-testid="colorby-louvain"]')
    const status = (await (await guest.request.get(`${guest.url()}-/status`)).json()) as {
      route: string
      owner: { id: string }
      dataset: { version: string }
    }
    const api = `${launcher.viewUrl}${status.route}api/v0.2`
    const headers = { 'x-cxod-owner': status.owner.id, 'x-cxod-dataset-version': status.dataset.version }
    for (const path of ['annotations/obs', 'genesets']) {
      const forged = await guest.request.put(`${api}/${path}`, {
        headers: { ...headers, 'x-cxod-base': 'none', 'content-type': 'application/octet-stream' },
        data: Buffer.from('x'),
      })
      expect(forged.status()).toBe(403)
      expect(((await forged.json()) as { code: string }).code).toBe('read-only')
    }
    // Comparing is looking.
    const cells = (from: number, to: number) => ({ filter: { obs: { index: [[from, to]] } } })
    const compared = await guest.request.post(`${api}/diffexp/obs`, {
      headers,
      data: { mode: 'topN', count: 5, set1: cells(0, 100), set2: cells(100, 200) },
    })
    expect(compared.status()).toBe(200)
    expect(((await compared.json()) as { positive: unknown[] }).positive).toHaveLength(5)
    await context.close()
  })

  it('is nobody without the link: the page says so and nothing starts', async () => {
    const before = viewers()
    const context = await browser.newContext()
    const page = await context.newPage()
    await page.goto(`${launcher.viewUrl}/v/pbmc~abcdefgh2345/`)
    expect(await page.textContent('h1')).toBe('Open your link again')
    await page.goto(`${launcher.appUrl}/l/abcdefgh2345#ann.wrong`)
    await page.waitForSelector('text=/not known here/')
    // Those that ran may have ended meanwhile.
    expect(before).toEqual(expect.arrayContaining(viewers()))
    await context.close()
  })
})
