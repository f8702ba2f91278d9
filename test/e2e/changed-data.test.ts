/**
 * A dataset is replaced under an open page, on real cellxgene: cells in another order, cells gone, a column named like a
 * label, all back. No label is on a wrong cell, none is lost, and the page says what happened.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import path from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { readMatrix } from '../../web/companion/matrix.ts'
import { allSaved, categories, createCategory, drawn, labelSelection, selectOnly } from '../support/cellxgene-page.ts'
import { launchChromium } from '../support/chromium.ts'
import { type LauncherProcess, makeData, startLauncher } from '../support/launcher-process.ts'
import { tempDir } from '../support/temp-dir.ts'
import { testPython, testSample } from '../support/tools.ts'

const dir = tempDir()
const dataDir = path.join(dir, 'data')
const pictures = path.resolve(import.meta.dirname, '../../.cache/screenshots')
let launcher: LauncherProcess
let browser: Browser
let page: Page
/** Which cells the sample has, and what each is: what labels are measured against. */
let truth: Map<string, string>

/** Other files of the same dataset; each takes the place of the one before at once, as `mv` does. */
const remake = `
import anndata, json, numpy, os, sys
source, target, change, age = sys.argv[1:]
data = anndata.read_h5ad(source)
print(json.dumps(dict(zip(data.obs_names, data.obs["bulk_labels"].astype(str)))))
if change == "reordered":
    data = data[numpy.random.default_rng(7).permutation(data.n_obs)].copy()
if change == "fewer":
    gone = numpy.flatnonzero(data.obs["bulk_labels"] == "Dendritic")[:40]
    data = data[numpy.setdiff1d(numpy.arange(data.n_obs)[::-1], gone, assume_unique=True)].copy()
    data.obs["mine"] = numpy.where(numpy.arange(data.n_obs) % 2 == 0, "of the file", "too")
if change != "none":
    data.write_h5ad(target + ".part")
    os.utime(target + ".part", (1.7e9 + float(age), 1.7e9 + float(age)))
    os.replace(target + ".part", target)
`
let replaced = 0
function replace(change: 'none' | 'reordered' | 'fewer' | 'as it was'): Map<string, string> {
  const target = path.join(dataDir, 'public', 'pbmc.h5ad')
  const age = String(++replaced * 1000)
  const said = execFileSync(testPython(), ['-I', '-W', 'ignore', '-c', remake, testSample(), target, change, age])
  return new Map(Object.entries(JSON.parse(said.toString()) as Record<string, string>))
}

beforeAll(async () => {
  mkdirSync(pictures, { recursive: true })
  // A folder that is empty all at once is taken for one that was unmounted, and waited for; so there is another file.
  makeData(dataDir, ['public/pbmc.h5ad', 'public/other.h5ad'])
  truth = replace('none')
  launcher = await startLauncher({ dataDir, stateDir: path.join(dir, 'state') })
  browser = await launchChromium()
  page = await browser.newPage({ viewport: { width: 1300, height: 850 } })
  page.setDefaultTimeout(150_000)
  await page.goto(launcher.signInUrl)
  await page.waitForSelector('text=pbmc')
  await page.goto(`${launcher.viewUrl}/v/pbmc/`)
  await drawn(page)
})
afterAll(async () => {
  await browser?.close()
  await launcher?.stop()
})

const bar = () => page.locator('#cxod-bar')
const button = (name: string) => bar().getByRole('button', { name, exact: true })
const shot = (name: string) => page.screenshot({ path: path.join(pictures, `${name}.png`) })

async function api<T>(address: string): Promise<T> {
  const response = await page.request.get(`${launcher.appUrl}${address}`)
  expect(response.status()).toBe(200)
  return (await response.json()) as T
}
const datasetVersion = async () => {
  const { version, state } = await api<{ version: string; state: string }>('/api/datasets/pbmc')
  return state === 'usable' ? version : ''
}
async function untilReplaced(before: string): Promise<void> {
  await expect.poll(async () => ['', before].includes(await datasetVersion()), { timeout: 150_000 }).toBe(false)
}

/** Who comes back to the tab hears of it at once; else the page asks once a minute. */
const backInTab = () => page.evaluate(() => void window.dispatchEvent(new Event('focus')))

/** What is kept: cell → label, from the newest version in the vault. */
async function kept(column: string): Promise<Map<string, string>> {
  const address = '/api/datasets/pbmc/annotations/labels/versions'
  const [newest] = (await api<{ items: { version: string }[] }>(address)).items
  const csv = await (await page.request.get(`${launcher.appUrl}${address}/${newest?.version}`)).text()
  const [header = '', ...rows] = csv.trim().split('\n')
  const at = header.split(',').indexOf(column)
  expect(at).toBeGreaterThan(0)
  return labelled(rows.map((row) => [row.split(',')[0] ?? '', row.split(',')[at] ?? '']))
}

/** What the page has been given: cell → label, from the viewer itself. */
async function shown(column: string): Promise<Map<string, string>> {
  const [names, labels] = await Promise.all([column0('name_0'), column0(column)])
  return labelled(names.map((name, row) => [name, labels[row] ?? '']))
}
async function column0(name: string): Promise<string[]> {
  const bytes = await page.evaluate(async (name) => {
    const response = await fetch(`api/v0.2/annotations/obs?annotation-name=${encodeURIComponent(name)}`, {
      headers: new Headers({ accept: 'application/octet-stream' }),
    })
    return [...new Uint8Array(await response.arrayBuffer())]
  }, name)
  return readMatrix(new Uint8Array(bytes)).columns[0] ?? []
}
const labelled = (pairs: [string, string][]) =>
  new Map(pairs.filter(([, label]) => label !== '' && label !== 'unassigned'))

/** The labels that were given, cell by cell, by what the sample says of each. */
const given = (has: (cell: string) => boolean = () => true) =>
  new Map(
    [...truth].flatMap(([cell, kind]): [string, string][] => {
      const label = { Dendritic: 'dendritic', 'CD34+': 'stem' }[kind]
      return label !== undefined && has(cell) ? [[cell, label]] : []
    }),
  )

it('cells in another order: a change that was held at that moment is kept, and every label is on its cell', async () => {
  await createCategory(page, 'mine')
  await selectOnly(page, 'bulk_labels', 'Dendritic')
  await labelSelection(page, 'mine', 'dendritic')
  await allSaved(page)

  // No connection: the second label stays on the page, while the file is replaced.
  const before = await datasetVersion()
  await page.context().setOffline(true)
  await selectOnly(page, 'bulk_labels', 'CD34+')
  await labelSelection(page, 'mine', 'stem')
  replace('reordered')
  await untilReplaced(before)
  await page.evaluate('window.stillTheSamePage = true')
  await page.context().setOffline(false)

  await bar().getByText('Your unsaved labels are kept, too.').waitFor()
  await shot('replaced-held')
  // Kept before anybody looked; and the page stays until it is told to go.
  await allSaved(page)
  expect(await kept('mine')).toEqual(given())
  expect(await page.evaluate('window.stillTheSamePage')).toBe(true)
  await button('Open the new file').click()
  await page.waitForFunction('window.stillTheSamePage === undefined')
  await drawn(page)
  await bar().getByText(`all ${given().size} labelled cells are in the new file`).waitFor()
  await shot('replaced-report')
  expect(await shown('mine')).toEqual(given())
  await button('OK').click()
  await bar().waitFor({ state: 'hidden' })
})

it('cells gone and a column named like a label: the label’s column is renamed, what has no cell waits for it', async () => {
  const before = await datasetVersion()
  replace('fewer')
  await untilReplaced(before)
  await backInTab()
  await bar().getByText('The dataset’s file was replaced while this page was open').waitFor()
  await button('Open the new file').click()
  const all = given()
  await bar()
    .getByText(`${all.size - 40} of ${all.size} labelled cells are in the new file`)
    .waitFor()
  await drawn(page)
  const words = await bar().innerText()
  expect(words).toContain('The labels of 40 cells')
  expect(words).toContain('“mine” was renamed “mine (label)”')
  await shot('replaced-fewer')

  const cells = new Set(await column0('name_0'))
  expect(cells.size).toBe(truth.size - 40)
  expect(await shown('mine (label)')).toEqual(given((cell) => cells.has(cell)))
  // The file's own column is what the file says.
  expect(new Set((await shown('mine')).values())).toEqual(new Set(['of the file', 'too']))
  expect(await kept('mine (label)')).toEqual(all)

  // A save of this page, which knows nothing of the missing cells, does not drop their labels.
  await createCategory(page, 'more')
  await allSaved(page)
  expect(await kept('mine (label)')).toEqual(all)
})

it('all cells back: so are their labels', async () => {
  const before = await datasetVersion()
  replace('as it was')
  await untilReplaced(before)
  await backInTab()
  await bar().getByText('The dataset’s file was replaced while this page was open').waitFor()
  await page.evaluate('window.stillTheSamePage = true')
  await button('Open the new file').click()
  await page.waitForFunction('window.stillTheSamePage === undefined')
  await drawn(page)
  await bar().getByText(`all ${given().size} labelled cells are in the new file`).waitFor()
  expect(await shown('mine (label)')).toEqual(given())
  expect(await categories(page)).toContain('more')
})

it('the file removed: the page says so, and the labels can be had from it', async () => {
  rmSync(path.join(dataDir, 'public', 'pbmc.h5ad'))
  const state = async () => (await api<{ state: string }>('/api/datasets/pbmc')).state
  await expect.poll(state, { timeout: 150_000 }).toBe('removed')
  await backInTab()
  await bar().getByText('The dataset’s file was removed. Your labels are kept').waitFor()
  await shot('removed')
  const [file] = await Promise.all([
    page.waitForEvent('download'),
    bar().getByRole('link', { name: 'Download my labels' }).click(),
  ])
  const [header, ...rows] = readFileSync(await file.path(), 'utf8')
    .trim()
    .split('\n')
  const at = header?.split(',').indexOf('mine (label)') ?? -1
  expect(labelled(rows.map((row) => [row.split(',')[0] ?? '', row.split(',')[at] ?? '']))).toEqual(given())

  // What is made on it now is kept all the same.
  await createCategory(page, 'afterwards')
  await bar().getByText('Your unsaved labels are kept, too.').waitFor()
  await allSaved(page)
  expect((await kept('mine (label)')).size).toBe(given().size)
  const [newest] = (await api<{ items: { origin: string }[] }>('/api/datasets/pbmc/annotations/labels/versions')).items
  expect(newest?.origin).toMatch(/^merge:/)
})
