/** Launch links as their maker sees them: making, showing, revoking by the pages. */
import { afterAll, describe, expect, it } from 'vitest'
import { callApi, openApiOf, openTestApp } from '../support/app.ts'
import { conformTo } from '../support/conform.ts'
import { linkWorld } from '../support/links.ts'
import { appOrigin } from '../support/people.ts'
import { tempDir } from '../support/temp-dir.ts'

const bed = await openTestApp(tempDir())
afterAll(() => bed.store.close())
const conform = conformTo(await openApiOf(bed))
const { stranger } = linkWorld(bed, (...args) => callApi(conform, ...args))

describe('the maker’s pages', () => {
  it('make a link by form, say what is wrong beside it, show it, and revoke it', async () => {
    const mia = await bed.browser({ name: 'mia' })
    expect(await (await mia.get('/datasets/pbmc')).text()).toContain('/datasets/pbmc/links')
    const wrong = await mia.submit('/datasets/pbmc/links', { mode: 'view', days: '0', note: 'kept' })
    expect([wrong.status, await wrong.text()]).toEqual([
      400,
      expect.stringMatching(/whole number of days.*value="kept"/s),
    ])
    const made = await mia.submit('/datasets/pbmc/links', { mode: 'view', days: '7', names: 'Ann\nBob\n', note: 'two' })
    expect(made.status).toBe(303)
    const path = made.headers.get('location') ?? ''
    const shown = await (await mia.get(path)).text()
    expect(shown).toMatch(/Ann.*#ann-[0-9a-f]{12}\.[\w-]{43}.*Bob/s)
    expect(await (await mia.get('/datasets/pbmc/links')).text()).toContain(path)
    const row = async () =>
      /<tr><th scope="row">two.*?<\/tr>/s.exec(await (await mia.get('/datasets/pbmc/links')).text())?.[0]
    expect(await row()).toMatch(/0 of 2.*<td data-name="Last used">–/s)
    const ann = /#(ann-[0-9a-f]{12}\.[\w-]{43})/.exec(shown)?.[1] ?? ''
    await stranger().post(new URL(path, appOrigin).pathname.replace('/links/', '/l/'), { secret: ann, enter: '1' })
    expect(await row()).toMatch(/1 of 2.*<td data-name="Last used"><time/s)
    await mia.submit(`${path}/revoke`)
    expect(await (await mia.get(path)).text()).toContain('revoked')
    const eve = await bed.browser({ name: 'link-eve' })
    expect((await eve.get(path)).status).toBe(404)
    expect((await eve.submit(`${path}/revoke`)).status).toBe(404)
  })
})
