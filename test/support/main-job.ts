/** The main job as one person does it in a browser, on real cellxgene, whatever the platform: the story and what must be true after it. */
import { mkdirSync } from 'node:fs'
import path from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startTimeOf } from '../../functions/platform/local/processes.ts'
import {
  allSaved,
  categories,
  countOf,
  createCategory,
  drawn,
  drawnPixels,
  labelSelection,
  searchGene,
  selectOnly,
  unsaved,
} from './cellxgene-page.ts'
import { launchChromium } from './chromium.ts'

/** A launcher with one dataset, `pbmc`, whose viewers sleep after 30 s without use. */
export type MainJobBed = {
  appUrl: string
  viewUrl: string
  /** Of its screenshots. */
  name: string
  /** Ends on the page with the datasets. */
  signIn(page: Page): Promise<void>
  viewer(): { pid: number } | undefined
  log(): string
  /** Called again and again while something is awaited that takes its time on this platform. */
  passTime(): Promise<void>
  /** Called once a viewer was killed and its page has noticed. */
  afterCrash(): Promise<void>
  stop(): Promise<unknown>
}

/**
 * Declares the tests, in their order; the bed is stopped after the last test of the file.
 * @returns what a test after them can do: open the dataset once more, whose viewer then is awake; the page that is open
 */
export function mainJob(start: () => Promise<MainJobBed>): { open(): Promise<void>; page(): Page } {
  const pictures = path.resolve(import.meta.dirname, '../../.cache/screenshots')
  let bed: MainJobBed
  let browser: Browser
  let page: Page
  const faults: string[] = []

  beforeAll(async () => {
    mkdirSync(pictures, { recursive: true })
    bed = await start()
    browser = await launchChromium()
    page = await browser.newPage({ viewport: { width: 1400, height: 900 } })
    page.setDefaultTimeout(150_000)
    page.on('pageerror', (error) => faults.push(error.message))
  })
  afterAll(async () => {
    await browser?.close()
    await bed?.stop()
  })

  const shot = (name: string) => page.screenshot({ path: path.join(pictures, `${bed.name}${name}.png`) })
  const api = async (address: string) => {
    const response = await page.request.get(`${bed.appUrl}${address}`)
    expect(response.status()).toBe(200)
    return response
  }
  const waitForState = async (state: string) => {
    for (let left = 240; left > 0; left -= 1) {
      const { items } = (await (await api('/api/sessions')).json()) as { items: { state: string }[] }
      if (items[0]?.state === state) return
      await bed.passTime()
      await new Promise((resolve) => setTimeout(resolve, 500))
    }
    throw new Error(`the session did not become ${state}; log: ${bed.log().slice(-2000)}`)
  }
  const waitUntil = async (what: string, holds: () => boolean) => {
    for (let left = 120; left > 0 && !holds(); left -= 1) await new Promise((resolve) => setTimeout(resolve, 500))
    if (!holds()) throw new Error(`waited in vain for ${what}; log: ${bed.log().slice(-2000)}`)
  }

  const open = async () => {
    await page.goto(`${bed.viewUrl}/v/pbmc/`)
    await drawn(page)
  }

  it('signs in, launches, works in cellxgene, survives a crash and a sleep, and keeps everything', {
    timeout: 300_000,
  }, async () => {
    await bed.signIn(page)
    await page.click('text=pbmc')
    await shot('dataset')
    await page.click('button:has-text("Open")')
    await page.waitForURL(`${bed.viewUrl}/v/pbmc/`)
    await shot('waiting')
    await drawn(page)
    await expect.poll(() => drawnPixels(page)).toBeGreaterThan(3000)
    await page.evaluate(() => Object.assign(window, { neverReloaded: true }))

    await createCategory(page, 'mine')
    await selectOnly(page, 'bulk_labels', 'Dendritic')
    await labelSelection(page, 'mine', 'interesting')
    const cells = await countOf(page, 'bulk_labels', 'Dendritic')
    expect(await countOf(page, 'mine', 'interesting')).toBe(cells)
    await allSaved(page)
    await shot('labelled')

    const first = bed.viewer()
    if (!first) throw new Error(`no viewer to kill; log: ${bed.log().slice(-2000)}`)
    process.kill(first.pid, 'SIGKILL')
    await Promise.all([unsaved(page), createCategory(page, 'meanwhile')])
    await bed.afterCrash()
    await allSaved(page)
    await shot('after-crash')
    // The first one is on record until its gate is gone, too.
    await waitUntil('the first viewer’s record to go', () => bed.viewer()?.pid !== first.pid)
    const second = bed.viewer()
    expect(await page.evaluate(() => 'neverReloaded' in window)).toBe(true)

    await waitForState('stopped')
    // Over as soon as it is told to stop and can't come back; its process then drains.
    await waitUntil('the sleeping viewer’s process to end', () => startTimeOf(second?.pid ?? 0) === null)
    await shot('asleep')

    // The sleeping page wakes its viewer by itself, once somebody who is there asks it for data.
    await searchGene(page, 'CD79A')
    await page.waitForSelector('[data-testid="histogram-CD79A"]')
    expect(await page.evaluate(() => 'neverReloaded' in window)).toBe(true)
    await waitForState('stopped')

    await open()
    expect(await countOf(page, 'mine', 'interesting')).toBe(cells)
    expect(await categories(page)).toContain('meanwhile')
    await page.click('[data-testid="colorby-louvain"]')
    await page.waitForTimeout(1000)
    await shot('awake')
    expect(faults).toEqual([])
  })

  it('has every version in the vault, by cell name', async () => {
    const { items: versions } = (await (await api('/api/datasets/pbmc/annotations/labels/versions')).json()) as {
      items: { version: string }[]
    }
    expect(versions.length).toBeGreaterThanOrEqual(2)
    const csv = await (await api(`/api/datasets/pbmc/annotations/labels/versions/${versions[0]?.version}`)).text()
    const [header, ...rows] = csv.trim().split('\n')
    expect(header).toBe('index,mine,meanwhile')
    expect(rows).toHaveLength(700)
    expect(rows.filter((row) => row.split(',')[1] === 'interesting').length).toBe(
      await countOf(page, 'mine', 'interesting'),
    )
  })

  it('has a receipt for each viewer that ended, with its reason', async () => {
    const { items: receipts } = (await (await api('/api/receipts')).json()) as { items: { cause: string }[] }
    const causes = receipts.map(({ cause }) => cause)
    // On a slow machine it may have fallen asleep once more in between, and nobody would have noticed.
    expect(causes.filter((cause) => cause === 'idle').length).toBeGreaterThanOrEqual(2)
    expect(causes.filter((cause) => cause !== 'idle')).toEqual(['task-lost'])
  })
  return { open, page: () => page }
}
