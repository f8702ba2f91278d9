/** What a person does in cellxgene's page, by the names that its own tests use. */
import type { Page } from 'playwright-core'
import { recordSecret } from './suite-record.ts'

const id = (name: string) => `[data-testid="${name}"]`

/** cellxgene has its data and draws its embedding. */
export async function drawn(page: Page, timeoutMs = 90_000): Promise<void> {
  await page.waitForSelector(id('layout-graph'), { state: 'attached', timeout: timeoutMs })
  await page.waitForSelector(id('colorby-louvain'), { timeout: timeoutMs })
}

/** Is there anything but background in the embedding's picture? WebGL's own buffer is gone after a frame, so look at the screen. */
export async function drawnPixels(page: Page): Promise<number> {
  const shot = (await page.locator(id('layout-graph')).screenshot()).toString('base64')
  return page.evaluate(async (base64) => {
    const picture = new Image()
    picture.src = `data:image/png;base64,${base64}`
    await picture.decode()
    const canvas = new OffscreenCanvas(picture.width, picture.height)
    const context = canvas.getContext('2d')
    if (context === null) throw new Error('no canvas')
    context.drawImage(picture, 0, 0)
    const { data } = context.getImageData(0, 0, canvas.width, canvas.height)
    let dark = 0
    for (let at = 0; at < data.length; at += 4)
      if ((data[at] ?? 255) + (data[at + 1] ?? 255) + (data[at + 2] ?? 255) < 600) dark++
    return dark
  }, shot)
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
  for (let left = 10; left > 0 && !(await name.isVisible()); left -= 1) {
    await chooseIn(page, id(`${category}:see-actions`), id(`${category}:add-new-label-to-category`))
    await name.waitFor({ timeout: 3_000 }).catch(() => undefined)
  }
  await name.fill(label)
  await page.click(id(`${category}:submit-label`))
  await expand(page, category)
  const row = page.locator(id(`categorical-value-select-${category}-${label}`))
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

export async function expand(page: Page, category: string): Promise<void> {
  const open = page.locator(id(`category-${category}`)).locator('[data-testid^="categorical-value-count-"]')
  if ((await open.count()) === 0) await page.click(id(`${category}:category-expand`))
  await open.first().waitFor()
}

/** Selects the cells with one value of a column of the dataset, and nothing else. */
export async function selectOnly(page: Page, column: string, value: string): Promise<void> {
  await expand(page, column)
  // The checkbox is covered by its own picture.
  await page.locator(id(`${column}:category-select`)).click({ force: true })
  await page.locator(id(`categorical-value-select-${column}-${value}`)).click({ force: true })
}

/** How many cells the page shows for a value. */
export async function countOf(page: Page, category: string, label: string): Promise<number> {
  await expand(page, category)
  return Number((await page.textContent(id(`categorical-value-count-${category}-${label}`)))?.replaceAll(',', ''))
}

/** The page's own word for "nothing is left to save". */
export async function allSaved(page: Page, timeoutMs = 60_000): Promise<void> {
  await page.waitForSelector('text=All saved', { timeout: timeoutMs })
}

export const unsaved = (page: Page) => page.waitForSelector('text=Unsaved', { timeout: 20_000 })
