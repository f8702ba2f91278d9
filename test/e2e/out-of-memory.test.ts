/** A real viewer meets its memory bound: it ends, no other does, and its page offers the next larger size. */
import { execFileSync } from 'node:child_process'
import path from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createCatalogue } from '../../functions/platform/dynamo/catalogue.ts'
import { startTimeOf } from '../../functions/platform/local/processes.ts'
import { openStore } from '../../functions/platform/local/store.ts'
import { allSaved, createCategory, drawn } from '../support/cellxgene-page.ts'
import { launchChromium } from '../support/chromium.ts'
import { makeData } from '../support/launcher-process.ts'
import { type LocalBed, startLocalBed } from '../support/local-bed.ts'
import { tempDir } from '../support/temp-dir.ts'
import { testPython, testSample } from '../support/tools.ts'

const dir = tempDir()
let bed: LocalBed
let browser: Browser

/** The sample with 900 MiB of nothing: more than the smallest viewer holds, and less than the next. */
const makeHeavy = `
import anndata, numpy, os, sys
data = anndata.read_h5ad(sys.argv[1])
data.uns["ballast"] = numpy.zeros(900 << 20, dtype=numpy.uint8)
data.write_h5ad(sys.argv[2], compression="gzip")
os.utime(sys.argv[2], (1.7e9, 1.7e9))
`

beforeAll(async () => {
  const dataDir = makeData(path.join(dir, 'data'), ['public/one.h5ad'])
  execFileSync(testPython(), ['-I', '-c', makeHeavy, testSample(), path.join(dataDir, 'public', 'two.h5ad')])
  bed = await startLocalBed(dir, { dataDir })
  await understate('two')
  browser = await launchChromium()
})

/** The index knows what a file needs; for once it is made to be wrong. */
async function understate(id: string): Promise<void> {
  const store = await openStore(bed.stateDir)
  const catalogue = createCatalogue(store.table)
  for (let left = 600; left > 0; left -= 1) {
    const dataset = await catalogue.get(id)
    if (dataset?.state === 'usable' && dataset.index !== null) {
      expect(dataset.index.memoryMiB).toBeGreaterThan(900)
      await catalogue.put({ ...dataset, index: { ...dataset.index, memoryMiB: 303 } })
      return store.close()
    }
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error(`${id} did not become usable`)
}

afterAll(async () => {
  await browser?.close()
  await bed?.close()
})

async function open(page: Page, id: string): Promise<void> {
  await page.goto(`${bed.appUrl}/datasets/${id}`)
  await page.click('button:has-text("Open")')
  await page.waitForURL(`${bed.viewUrl}/v/${id}/`)
}

it('ends one viewer and no other, says why in plain words, and starts with more when asked', {
  timeout: 480_000,
}, async () => {
  const context = await browser.newContext({ viewport: { width: 1200, height: 800 } })
  const [other, page] = [await context.newPage(), await context.newPage()]
  await other.goto(bed.signInUrl)
  await other.waitForURL(`${bed.appUrl}/`)
  await open(other, 'one')
  await drawn(other)
  const before = bed.processes()

  await open(page, 'two')
  const offer = page.getByRole('button', { name: 'Start with 2 GB' })
  await offer.waitFor({ timeout: 150_000 })
  expect(await page.innerText('body')).toMatch(/ran out of memory/)
  // Its gate says why before it ends.
  await expect.poll(() => bed.processes()).toEqual(before)
  for (const { pid, startTime } of before) expect(startTimeOf(pid)).toBe(startTime)
  // Nothing starts again by itself: it would only fail again.
  const starts = () =>
    bed
      .log()
      .match(/"event":"task started".*?"memoryMiB":\d+/g)
      ?.map((line) => Number(/\d+$/.exec(line)))
  expect(starts()).toEqual([1024, 1024])

  await offer.click()
  await drawn(page)
  expect(starts()).toEqual([1024, 1024, 2048])
  await createCategory(other, 'still-here')
  await allSaved(other)
  expect(bed.log()).toContain('"cause":"out-of-memory"')
})
