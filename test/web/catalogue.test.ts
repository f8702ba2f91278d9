/** The catalogue and a dataset's page with the folders that labs have: many files, broken ones, some not looked at yet. */
import { afterAll, describe, expect, it } from 'vitest'
import { openTestApp } from '../support/app.ts'
import { aDataset } from '../support/ports.ts'
import { tempDir } from '../support/temp-dir.ts'

const problem = { code: 'no-group', cause: 'It belongs to no group.', remedy: 'Move it into `public/`.' }
const bed = await openTestApp(tempDir(), {
  datasets: [
    ...[10, 9, 1].map((n) => aDataset({ id: `donor-${n}`, path: `public/donor_${n}.h5ad`, title: `donor_${n}` })),
    aDataset({ id: 'loose', path: 'loose.h5ad', group: '', title: 'loose', state: 'refused', index: null, problem }),
    aDataset({ id: 'new', path: 'lab/new.h5ad', group: 'lab', title: 'new', state: 'checking', index: null }),
  ],
})
afterAll(() => bed.store.close())

const page = async (path: string, who: { groups?: string[]; admin?: boolean } = {}): Promise<string> =>
  (await (await bed.browser({ name: 'ada', ...who })).get(path)).text()

describe('the catalogue', () => {
  it('counts as people count: donor_9 before donor_10', async () => {
    const titles = [...(await page('/')).matchAll(/>(donor_\d+)<\/a>/g)].map(([, title]) => title)
    expect(titles).toEqual(['donor_1', 'donor_9', 'donor_10'])
  })

  it('says of a file beside the groups’ folders that it is in none, and shows names of folders as such', async () => {
    const html = await page('/', { admin: true })
    expect(html).toContain('>In no group</h2>')
    expect(html).toContain('It belongs to no group. Move it into <code>public/</code>.')
    expect(html).not.toMatch(/<h2>\s*<\/h2>/)
  })

  it('looks again by itself while a file is being checked, by script, so that nobody loses their place', async () => {
    const looking = await page('/', { groups: ['lab'] })
    expect(looking).toContain('/assets/refresh.js')
    expect(looking).toContain('data-refresh-seconds="5"')
    expect(looking.replace(/<noscript>.*?<\/noscript>/g, '')).not.toContain('http-equiv="refresh"')
    expect(await page('/')).not.toMatch(/refresh/)
  })
})

it('a catalogue without a file looks again too: the first one appears by itself', async () => {
  const empty = await openTestApp(tempDir(), { datasets: [] })
  const html = await (await (await empty.browser({ name: 'ada', admin: true })).get('/')).text()
  expect(html).toContain('They appear here by themselves.')
  expect(html).toContain('data-refresh-seconds="5"')
  await empty.store.close()
})

describe('a dataset that can’t be opened', () => {
  it('has neither facts to come nor labels to upload', async () => {
    const html = await page('/datasets/loose', { admin: true })
    expect(html).toContain('>no group<')
    expect(html).toContain('>not known<')
    expect(html).not.toMatch(/upload labels|not known yet|\/launch"/)
    expect(await page('/datasets/donor-1')).toContain('upload labels')
    expect(await page('/datasets/new', { groups: ['lab'] })).toContain('not known yet')
  })
})
