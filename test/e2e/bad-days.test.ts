/** What goes wrong on one machine, seen in a browser: no right, a file that can't be opened, the launcher killed. */
import { execFileSync } from 'node:child_process'
import path from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTimeOf } from '../../functions/platform/local/processes.ts'
import { allSaved, countOf, createCategory, drawn } from '../support/cellxgene-page.ts'
import { launchChromium } from '../support/chromium.ts'
import { type LauncherProcess, makeData, startLauncher } from '../support/launcher-process.ts'
import { addUser, signIn } from '../support/people-of-launcher.ts'
import { until } from '../support/proc.ts'
import { tempDir } from '../support/temp-dir.ts'
import { testPython, testSample } from '../support/tools.ts'

const dir = tempDir()
const stateDir = path.join(dir, 'state')
const dataDir = path.join(dir, 'data')
let launcher: LauncherProcess
let browser: Browser

/** The sample without its embeddings: cellxgene has nothing to draw. */
const makeFlat = `
import anndata, os, sys
source, target = sys.argv[1:]
data = anndata.read_h5ad(source)
for name in list(data.obsm): del data.obsm[name]
data.write_h5ad(target)
os.utime(target, (1.7e9, 1.7e9))
`

beforeAll(async () => {
  makeData(dataDir, ['public/pbmc.h5ad', 'onco/tumour.h5ad'])
  execFileSync(testPython(), ['-I', '-c', makeFlat, testSample(), path.join(dataDir, 'public', 'flat.h5ad')])
  launcher = await startLauncher({ dataDir, stateDir })
  for (const [name, ...options] of [['eve'], ['ada', '--groups', 'onco']])
    await addUser(stateDir, name ?? '', ...options)
  browser = await launchChromium()
})
afterAll(async () => {
  await browser?.close()
  await launcher?.stop()
})

async function as(name: string): Promise<Page> {
  const page = await (await browser.newContext({ viewport: { width: 1200, height: 800 } })).newPage()
  page.setDefaultTimeout(150_000)
  await signIn(page, launcher, name)
  return page
}
const open = async (page: Page, id: string) => {
  await page.goto(`${launcher.appUrl}/datasets/${id}`)
  await page.click('button:has-text("Open")')
  await page.waitForURL(`${launcher.viewUrl}/v/${id}/`)
}
const text = (page: Page) => page.innerText('body')

describe('bad days', () => {
  it('refuses who has no right, in clear words, and starts nothing', async () => {
    const page = await as('eve')
    expect(await text(page)).not.toContain('tumour')
    for (const address of [
      `${launcher.appUrl}/datasets/tumour`,
      `${launcher.appUrl}/open/tumour?nonce=${'a'.repeat(43)}`,
      `${launcher.viewUrl}/v/tumour/`,
    ]) {
      const response = await page.goto(address)
      expect(response?.status()).toBe(403)
      expect(await text(page)).toMatch(/belongs to the group “onco”/)
    }
    const launch = await page.request.post(`${launcher.appUrl}/api/sessions`, {
      data: { datasetId: 'tumour' },
      headers: { origin: launcher.appUrl },
    })
    expect([launch.status(), (await launch.json()).code]).toEqual([403, 'not-allowed'])
    expect(launcher.processes()).toEqual([])
    const member = await as('ada')
    expect(await text(member)).toContain('tumour')
  })

  it('lists a file that cellxgene would refuse, with its cause', async () => {
    const page = await as('eve')
    // The page loads again by itself while files are being checked.
    await page.waitForSelector('tr:has-text("flat") >> text=/embedding/i')
    expect(await page.goto(`${launcher.viewUrl}/v/flat/`).then((response) => response?.status())).toBe(409)
    expect(await text(page)).toMatch(/embedding/i)
  })

  it('goes on when the gate is killed: the next one saves what was made meanwhile', async () => {
    const page = await as('eve')
    await open(page, 'pbmc')
    await drawn(page)
    const gates = () => launcher.processes().flatMap(({ role, pid }) => (role === 'gate' ? [pid] : []))
    const [gate, ...others] = gates()
    if (gate === undefined || others.length > 0) throw new Error('not one gate')
    process.kill(gate, 'SIGKILL')
    await createCategory(page, 'after-gate')
    await allSaved(page)
    // The first one is on record until its viewer is gone, too.
    await until('another gate alone', () => gates().length === 1 && !gates().includes(gate))
    await page.context().close()
  })

  it('goes on when the launcher is killed and started again: orphans ended, page not reloaded, nothing lost', async () => {
    const page = await as('ada')
    await open(page, 'tumour')
    await drawn(page)
    await createCategory(page, 'before')
    await allSaved(page)
    await page.evaluate(() => Object.assign(window, { neverReloaded: true }))
    const orphans = launcher.processes()
    expect(orphans.length).toBeGreaterThanOrEqual(2)
    await launcher.kill()
    await createCategory(page, 'meanwhile')

    const port = (url: string) => Number(new URL(url).port)
    launcher = await startLauncher({
      dataDir,
      stateDir,
      ports: { app: port(launcher.appUrl), view: port(launcher.viewUrl) },
    })
    for (const { pid, startTime } of orphans) expect(startTimeOf(pid)).not.toBe(startTime)
    await allSaved(page)
    expect(await page.evaluate(() => 'neverReloaded' in window)).toBe(true)
    await page.goto(`${launcher.viewUrl}/v/tumour/`)
    await drawn(page)
    expect(await countOf(page, 'before', 'unassigned')).toBe(700)
    expect(await countOf(page, 'meanwhile', 'unassigned')).toBe(700)
    const sessions = (await (await page.request.get(`${launcher.appUrl}/api/sessions`)).json()).items as {
      state: string
    }[]
    expect(sessions.filter(({ state }) => !['ready', 'stopped', 'failed'].includes(state))).toEqual([])
  })
})
