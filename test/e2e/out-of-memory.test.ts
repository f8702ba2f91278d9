/** A real viewer meets its memory bound: it ends, no other does, and its page offers the next larger size. */
import path from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startTimeOf } from '../../functions/platform/local/processes.ts'
import { createTaskRunner } from '../../functions/platform/local/task-runner.ts'
import { allSaved, createCategory, drawn } from '../support/cellxgene-page.ts'
import { launchChromium } from '../support/chromium.ts'
import { makeData } from '../support/launcher-process.ts'
import { type LocalBed, startLocalBed } from '../support/local-bed.ts'
import { tempDir } from '../support/temp-dir.ts'

/** Too little even for the imports. The index knows better, so the bound is lowered behind its back. */
const tooLittleMiB = 60
const dir = tempDir()
let bed: LocalBed
let browser: Browser
const started: { sessionId: string; memoryMiB: number }[] = []

beforeAll(async () => {
  const dataDir = makeData(path.join(dir, 'data'), ['public/one.h5ad', 'public/two.h5ad'])
  bed = await startLocalBed(dir, {
    dataDir,
    createTasks(settings) {
      const viewerArguments = (memoryMiB: number) => [
        '--memory-mib',
        String(started.length === 2 ? tooLittleMiB : memoryMiB),
      ]
      const tasks = createTaskRunner({ ...settings, memory: { ...settings.memory, viewerArguments } })
      return {
        ...tasks,
        start(spec) {
          started.push({ sessionId: spec.sessionId, memoryMiB: spec.size.memoryMiB })
          return tasks.start(spec)
        },
      }
    },
  })
  browser = await launchChromium()
})
afterAll(async () => {
  await browser?.close()
  await bed?.close()
})

async function open(page: Page, id: string): Promise<void> {
  await page.goto(`${bed.appUrl}/datasets/${id}`)
  await page.click('button:has-text("Open")')
  await page.waitForURL(`${bed.viewUrl}/v/${id}/`)
}

it('ends one viewer and no other, says why in plain words, and starts with more when asked', async () => {
  const context = await browser.newContext({ viewport: { width: 1200, height: 800 } })
  const [other, page] = [await context.newPage(), await context.newPage()]
  await other.goto(bed.signInUrl)
  await other.waitForURL(`${bed.appUrl}/`)
  await open(other, 'one')
  await drawn(other)
  const before = bed.processes()

  await open(page, 'two')
  const offer = page.getByRole('button', { name: 'Start with 2 GB' })
  await offer.waitFor({ timeout: 60_000 })
  expect(await page.innerText('body')).toMatch(/ran out of memory/)
  expect(bed.processes()).toEqual(before)
  for (const { pid, startTime } of before) expect(startTimeOf(pid)).toBe(startTime)
  // Nothing starts again by itself: it would only fail again.
  expect(started).toHaveLength(2)

  await offer.click()
  await drawn(page)
  expect(started.map(({ memoryMiB }) => memoryMiB)).toEqual([1024, 1024, 2048])
  await createCategory(other, 'still-here')
  await allSaved(other)
  const log = bed.log()
  expect(log).toContain('"cause":"out-of-memory"')
})
