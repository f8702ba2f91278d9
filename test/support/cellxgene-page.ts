/** What a person does in cellxgene's page, by the names that its own tests use. */
import type { Locator, Page } from 'playwright-core'
import { recordSecret } from './suite-record.ts'

const id = (name: string) => `[data-testid="${name}"]`

/** cellxgene has its data and draws its embedding. */
export async function drawn(page: Page, timeoutMs = 150_000): Promise<void> {
  await page.waitForSelector(id('layout-graph'), { state: 'attached', timeout: timeoutMs })
  await page.waitForSelector(id('colorby-louvain'), { timeout: timeoutMs })
}

/**
 * How many dark pixels the embedding's picture has, without what lies over its edges: some hundreds while it is being
 * loaded, some thousands with its points. WebGL's own buffer is gone after a frame, so this looks at the screen.
 */
export async function drawnPixels(page: Page): Promise<number> {
  const shot = (await page.locator(id('layout-graph')).screenshot()).toString('base64')
  return page.evaluate(async (base64) => {
    const picture = new Image()
    picture.src = `data:image/png;base64,${base64}`
    await picture.decode()
    // The buttons above and below the picture.
    const edge = 70
    const canvas = new OffscreenCanvas(picture.width, picture.height - 2 * edge)
    const context = canvas.getContext('2d')
    if (context === null) throw new Error('no canvas')
    context.drawImage(picture, 0, -edge)
    const { data } = context.getImageData(0, 0, canvas.width, canvas.height)
    let dark = 0
    for (let at = 0; at < data.length; at += 4)
      if ((data[at] ?? 255) + (data[at + 1] ?? 255) + (data[at + 2] ?? 255) < 600) dark++
    return dark
  }, shot)
}

/** The categories that the page has, once it shows each: its list comes first, and what is in it one by one. */
export async function categories(page: Page): Promise<string[]> {
  await drawn(page)
  await page.waitForFunction(() => document.querySelector('.bp3-loading') === null, undefined, { timeout: 60_000 })
  const shown = page.locator('[data-testclass="category"]')
  return shown.evaluateAll((all) => all.map((one) => one.getAttribute('data-testid')?.replace(/^category-/, '') ?? ''))
}

export async function createCategory(page: Page, name: string): Promise<void> {
  recordSecret('label', name)
  await page.click('text=Create new category')
  await page.fill(id('new-category-name'), name)
  await page.click(id('submit-category'))
  await page.waitForSelector(id(`category-${name}`))
}

/** A new label of a category, given to the cells that are selected. */
export async function labelSelection(page: Page, category: string, label: string): Promise<void> {
  recordSecret('label', label)
  const name = page.locator(id(`${category}:new-label-name`))
  const row = page.locator(id(`categorical-value-select-${category}-${label}`))
  await expand(page, category)
  // The dialog is drawn anew with its row, and what was typed is gone then. What counts is that the label is there.
  for (let left = 10; left > 0 && (await row.count()) === 0; left -= 1) {
    if (!(await name.isVisible()))
      await chooseIn(page, id(`${category}:see-actions`), id(`${category}:add-new-label-to-category`))
    await name.fill(label, { timeout: 3_000 }).catch(() => undefined)
    await page.click(id(`${category}:submit-label`), { timeout: 3_000 }).catch(() => undefined)
    await row.waitFor({ state: 'attached', timeout: 5_000 }).catch(() => undefined)
  }
  await row.waitFor({ state: 'attached', timeout: 1_000 })
  const actions = id(`${category}:${label}:see-actions`)
  // What counts is that the label has cells. Adding the same cells twice is adding them once.
  for (let left = 20; left > 0; left -= 1) {
    // The menu shows when its row is pointed at; the checkbox itself is covered by its own picture.
    await row.hover({ force: true }).catch(() => undefined)
    await chooseIn(page, actions, id(`${category}:${label}:add-current-selection-to-this-label`))
    if (await hasCells(page, category, label)) return
  }
  throw new Error(`the selected cells would not become ${category}: ${label}`)
}

/**
 * Opens a menu and takes one of its items, once: whoever calls looks whether it worked. The page draws a row anew when its
 * counts arrive, and the menu closes with the old one; and a page that draws a few frames a second on a busy machine is never
 * still enough to be pointed at.
 */
async function chooseIn(page: Page, menu: string, item: string): Promise<void> {
  const wanted = page.locator(item)
  if (!(await wanted.isVisible())) await page.click(menu, { timeout: 3_000 }).catch(() => undefined)
  await wanted
    .click({ timeout: 2_000 })
    .catch(() => wanted.dispatchEvent('click', {}, { timeout: 1_000 }))
    .catch(() => undefined)
}

async function hasCells(page: Page, category: string, label: string): Promise<boolean> {
  const count = page.locator(id(`categorical-value-count-${category}-${label}`))
  for (let left = 20; left > 0; left -= 1) {
    const text = await count.textContent({ timeout: 1_000 }).catch(() => '0')
    if (Number(text?.replaceAll(',', '')) > 0) return true
    await page.waitForTimeout(200)
  }
  return false
}

async function expand(page: Page, category: string): Promise<void> {
  const all = page.locator(id(`category-${category}`))
  await all.waitFor()
  // Not "has no rows": they may be about to be drawn, and a click would close it.
  if ((await all.locator('[data-testclass="category-expand-is-not-expanded"]').count()) > 0)
    await page.click(id(`${category}:category-expand`))
  await all.locator('[data-testid^="categorical-value-count-"]').first().waitFor()
}

/** Selects the cells with one value of a column of the dataset, and nothing else, whatever was selected before. */
export async function selectOnly(page: Page, column: string, value: string): Promise<void> {
  await expand(page, column)
  const all = page.locator(id(`${column}:category-select`))
  if ((await tick(all)) === 'some') await turn(all, 'all')
  if ((await tick(all)) === 'all') await turn(all, 'none')
  await turn(page.locator(id(`categorical-value-select-${column}-${value}`)), 'all')
  if (!(await becomes(all, 'some', 30_000))) throw new Error(`${column}: ${value} is not the only one selected`)
}

type Tick = 'all' | 'some' | 'none'
const tick = (box: Locator) =>
  box.evaluate((input): Tick => {
    if (!(input instanceof HTMLInputElement)) throw new Error('no checkbox')
    return input.indeterminate ? 'some' : input.checked ? 'all' : 'none'
  })

/**
 * Clicks a checkbox; once more only when nothing has come of it, since the click may have gone to what moved under it. The
 * page selects behind its own back: who clicks the next box before this one shows it, changes what was selected before.
 */
async function turn(box: Locator, to: Tick): Promise<void> {
  for (let left = 4; left > 0; left -= 1) {
    // It is covered by its own picture.
    await box.click({ force: true })
    if (await becomes(box, to, 10_000)) return
  }
  throw new Error(`the checkbox does not become ${to}`)
}

async function becomes(box: Locator, to: Tick, ms: number): Promise<boolean> {
  for (let left = ms / 100; left > 0; left -= 1) {
    if ((await tick(box)) === to) return true
    await box.page().waitForTimeout(100)
  }
  return false
}

/** Asks for a gene. The names of all genes come after the rest of the page, and until then Enter does nothing. */
export async function searchGene(page: Page, name: string): Promise<void> {
  await page.fill(id('gene-search'), name)
  await page.locator(id(`suggest-menu-item-${name}`)).waitFor({ timeout: 60_000 })
  await page.press(id('gene-search'), 'Enter')
}

/** How many cells the page shows for a value. */
export async function countOf(page: Page, category: string, label: string): Promise<number> {
  await expand(page, category)
  return Number((await page.textContent(id(`categorical-value-count-${category}-${label}`)))?.replaceAll(',', ''))
}

/** The page's own word for "nothing is left to save". */
export async function allSaved(page: Page, timeoutMs = 150_000): Promise<void> {
  await page.waitForSelector('text=All saved', { timeout: timeoutMs })
}

/** To be begun before the change is made: it may be saved a moment after. */
export const unsaved = (page: Page) => page.waitForSelector('text=Unsaved', { timeout: 60_000 })
