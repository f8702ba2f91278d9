/** Who waits in line sees where, on every page that shows their sessions, and the page notices when the line moves. */
import { afterAll, expect, it } from 'vitest'
import { type Browser, openTestApp } from '../support/app.ts'
import { tempDir } from '../support/temp-dir.ts'

const bed = await openTestApp(tempDir(), { limits: { liveSessions: 1 } })
afterAll(() => bed.store.close())
const { launcher } = bed.deps

/** What the island that watches makes of the API's answer. */
async function seenBy(browser: Browser): Promise<string> {
  type Item = { id: string; version: number; queue: { position: number } | null }
  const { items } = (await (await browser.get('/api/sessions')).json()) as { items: Item[] }
  return items.map(({ id, version, queue }) => `${id}:${version}:${queue?.position ?? ''}`).join(' ')
}

it('says who is next and who is 2nd, and moves up', async () => {
  const come = async (name: string) => {
    bed.clock.advance(1000)
    const browser = await bed.browser({ name })
    return { browser, session: await launcher.launch(browser.who, 'pbmc', { by: 'click' }) }
  }
  await come('ada')
  const [bob, cyd] = [await come('bob'), await come('cyd')]
  const pages = ['/', '/sessions', '/datasets/pbmc']
  const page = async (of: typeof cyd, path: string) => (await of.browser.get(path)).text()
  for (const path of pages) {
    expect(await page(bob, path)).toContain('>Next in line</span>')
    expect(await page(cyd, path)).toContain('>In line, 2nd</span>')
    // What the watching script compares with is what the API says, or the page would load itself for ever.
    expect(await page(cyd, path)).toContain(`data-sessions="${await seenBy(cyd.browser)}"`)
  }
  const before = await seenBy(cyd.browser)
  await bob.browser.submit(`/sessions/${bob.session.id}/stop`)
  expect(await seenBy(cyd.browser)).not.toBe(before)
  for (const path of pages) {
    expect(await page(cyd, path)).toContain('>Next in line</span>')
    expect(await page(cyd, path)).toContain(`data-sessions="${await seenBy(cyd.browser)}"`)
  }
})

it('tells a program its place, and who left why they are not in line any more', async () => {
  const dan = await bed.browser({ name: 'dan' })
  bed.clock.advance(1000)
  const answer = await dan.send('POST', '/api/sessions', { datasetId: 'pbmc' })
  expect(answer.status).toBe(201)
  const made = (await answer.json()) as { id: string; state: string; queue: unknown }
  expect(made).toMatchObject({ state: 'queued', queue: { position: 2, length: 2 } })
  // A minute and a half without a word.
  bed.clock.advance(90_001)
  await launcher.reap()
  const left = (await (await dan.get(`/api/sessions/${made.id}`)).json()) as Record<string, unknown>
  expect(left).toMatchObject({ state: 'stopped', queue: null, ending: { cause: 'left' } })
  expect(await (await dan.get('/sessions')).text()).toContain('It left the line because its page was closed.')
})
