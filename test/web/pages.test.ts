/** The pages, in process: what they show, to whom, and that looking never starts anything. */
import { afterAll, describe, expect, it } from 'vitest'
import { createWeb } from '../../functions/api/pages/web.tsx'
import { openTestApp } from '../support/app.ts'
import { appOrigin, viewOrigin } from '../support/people.ts'
import { aDataset, gateOf } from '../support/ports.ts'
import { tempDir } from '../support/temp-dir.ts'

const evil = '<script>alert(1)</script>"\'&'
const bed = await openTestApp(tempDir(), {
  datasets: [
    aDataset(),
    aDataset({ id: 'tumour', path: 'onco/tumour.h5ad', group: 'onco', title: 'Tumour' }),
    aDataset({ id: 'evil', path: `public/${evil}.h5ad`, title: evil }),
    aDataset({ id: 'other', path: 'public/other.h5ad', title: 'Other' }),
    aDataset({ id: 'gone', path: 'public/gone.h5ad', title: 'Gone', state: 'removed' }),
    aDataset({
      id: 'broken',
      path: 'public/broken.h5ad',
      title: 'Broken',
      state: 'refused',
      index: null,
      problem: { code: 'no-embedding', cause: 'It has no embedding.', remedy: 'Add one with scanpy.' },
    }),
  ],
})
afterAll(() => bed.store.close())
const bytes = (text: string) => new TextEncoder().encode(text)
const meta = {
  origin: 'session:x',
  datasetVersion: 'v1',
  obsIndexHash: 'h1',
  requestSha256: 'a'.repeat(64),
  savedBy: 'ada',
}
type Who = Parameters<typeof bed.ready>[1]

/** Targets of links and forms on a page. */
const links = (html: string) => [...html.matchAll(/<a [^>]*href="([^"]*)"/g)].map(([, href]) => href ?? '')
const actions = (html: string) => [...html.matchAll(/<form[^>]*action="([^"]*)"/g)].map(([, action]) => action ?? '')

describe('the catalogue', () => {
  it('shows what I may open, by group, and why a file can’t be opened', async () => {
    const ada = await bed.browser({ name: 'cat-ada', groups: ['onco'] })
    const html = await (await ada.get('/')).text()
    expect(html).toContain('>Tumour</a>')
    expect(html.indexOf('>onco</h2>')).toBeLessThan(html.indexOf('>Public</h2>'))
    expect(html).toContain('It has no embedding. Add one with scanpy.')
    expect(html).not.toContain('/datasets/broken/launch')
    expect(html).not.toContain('>Gone</a>')
    const eve = await (await (await bed.browser({ name: 'cat-eve' })).get('/')).text()
    expect(eve).not.toContain('Tumour')
  })

  it('finds by name', async () => {
    const ada = await bed.browser({ name: 'cat-ada' })
    const html = await (await ada.get('/?q=oThEr')).text()
    expect([html.includes('>Other</a>'), html.includes('>PBMC</a>')]).toEqual([true, false])
    expect(await (await ada.get('/?q=%3Cb%3Ex')).text()).toContain('Nothing is called “&lt;b&gt;x”')
  })

  it('shows how each viewer of mine is doing', async () => {
    const ada = await bed.browser({ name: 'state-ada' })
    await bed.ready(bed.deps.launcher, ada.who as Who, 'pbmc')
    const starting = await bed.deps.launcher.launch(ada.who, 'other', { by: 'click' })
    await bed.deps.launcher.knock(gateOf(starting))
    await bed.deps.launcher.progress(gateOf(starting), { stage: 'downloading', doneBytes: 1, totalBytes: 4 })
    const html = await (await ada.get('/')).text()
    expect(html).toContain('>Running</span>')
    expect(html).toContain('>Fetching the file, 25 %</span>')
    // What the watching script compares with is what the API says, or the page would load itself for ever.
    const { items } = (await (await ada.get('/api/sessions')).json()) as { items: { id: string; version: number }[] }
    const seen = items.map(({ id, version }) => `${id}:${version}:`).join(' ')
    for (const path of ['/', '/?q=nothing', '/sessions', '/datasets/pbmc'])
      expect(await (await ada.get(path)).text()).toContain(`data-sessions="${seen}"`)
  })
})

describe('a dataset', () => {
  it('shows its facts and what I keep for it', async () => {
    const ada = await bed.browser({ name: 'facts-ada' })
    await bed.ports.vault.put({ ownerId: ada.who.id, datasetId: 'pbmc', kind: 'labels' }, bytes('x'), {
      ...meta,
      base: null,
    })
    const html = await (await ada.get('/datasets/pbmc')).text()
    for (const words of [
      '>700<',
      '>765<',
      'umap',
      'public/pbmc.h5ad',
      'about 303 MiB',
      '1 GiB, half a processor',
      'version 1',
    ])
      expect(html).toContain(words)
    expect(links(html)).toContain('/annotations/pbmc')
  })

  it('is refused in words to who has no right, and nothing starts', async () => {
    const eve = await bed.browser({ name: 'denied-eve' })
    const before = bed.tasks.started.length
    for (const answer of [
      await eve.get('/datasets/tumour'),
      await eve.submit('/datasets/tumour/launch'),
      await eve.get(`/open/tumour?nonce=${'n'.repeat(43)}`),
    ]) {
      expect(answer.status).toBe(403)
      expect(answer.headers.get('location')).toBeNull()
      expect(await answer.text()).toContain('belongs to the group “onco”')
    }
    expect(bed.tasks.started.length).toBe(before)
    expect((await eve.get('/datasets/nothing')).status).toBe(404)
  })

  it('opens by POST: starts it, and goes to its page', async () => {
    const ada = await bed.browser({ name: 'open-ada' })
    const answer = await ada.submit('/datasets/pbmc/launch')
    expect([answer.status, answer.headers.get('location')]).toEqual([303, `${viewOrigin}/v/pbmc/`])
    expect(await bed.deps.launcher.findSession(ada.who, 'pbmc')).toMatchObject({ state: 'starting' })
    const broken = await ada.submit('/datasets/broken/launch')
    expect([broken.status, (await broken.text()).includes('Add one with scanpy.')]).toEqual([409, true])
  })

  it('starts for no other site’s page', async () => {
    const ada = await bed.browser({ name: 'csrf-ada' })
    for (const origin of ['https://evil.example.org', viewOrigin, 'null']) {
      const answer = await ada.submit('/datasets/pbmc/launch', {}, { origin })
      expect(answer.status).toBe(403)
      expect(await answer.text()).toContain(`Open the launcher at ${appOrigin}`)
    }
    expect(await bed.deps.launcher.findSession(ada.who, 'pbmc')).toBeNull()
  })

  it('offers more memory after it ran out of it', async () => {
    const ada = await bed.browser({ name: 'oom-ada' })
    const session = await bed.ready(bed.deps.launcher, ada.who as Who, 'pbmc')
    bed.tasks.die(session.id, { cause: 'out-of-memory', detail: 'MemoryError <b>1.2 GiB</b>' })
    await bed.deps.launcher.taskChanged(session.id)
    bed.clock.advance(120_000)
    await bed.deps.launcher.reap()
    const page = await (await ada.get('/datasets/pbmc')).text()
    expect(page).toContain('Open with 2 GiB')
    expect(page).toContain('The viewer ran out of memory.')
    const sessions = await (await ada.get('/sessions')).text()
    expect(sessions).toContain('Open it with more memory')
    expect(sessions).toContain('MemoryError &lt;b&gt;1.2 GiB&lt;/b&gt;')
    await ada.submit('/datasets/pbmc/launch', { larger: '1' })
    expect((await bed.deps.launcher.findSession(ada.who, 'pbmc'))?.size.memoryMiB).toBe(2048)
  })
})

describe('my sessions', () => {
  it('stops and keeps mine, and shows what ended and what it used', async () => {
    const ada = await bed.browser({ name: 'mine-ada' })
    const session = await bed.ready(bed.deps.launcher, ada.who as Who, 'pbmc')
    const live = await (await ada.get('/sessions')).text()
    expect(actions(live)).toEqual(
      expect.arrayContaining([`/sessions/${session.id}/keep`, `/sessions/${session.id}/stop`]),
    )
    expect(live).toContain('30 min')
    bed.clock.advance(600_000)
    expect(await (await ada.get('/sessions')).text()).toContain('20 min')
    expect((await ada.submit(`/sessions/${session.id}/keep`)).headers.get('location')).toBe('/sessions')
    expect(await (await ada.get('/sessions')).text()).toContain('30 min')
    const eve = await bed.browser({ name: 'mine-eve' })
    expect((await eve.submit(`/sessions/${session.id}/stop`)).status).toBe(404)
    expect((await ada.submit(`/sessions/${session.id}/stop`)).status).toBe(303)
    bed.clock.advance(120_000)
    await bed.deps.launcher.reap()
    const over = await (await ada.get('/sessions')).text()
    expect(over).toContain('Nothing is running.')
    expect(over).toContain('>Asleep</span>')
    expect(over.match(/You stopped it\./g)).toHaveLength(2)
    expect(over).toContain('<h2>Receipts</h2>')
  })

  it('says where to make room when there are too many', async () => {
    const ada = await bed.browser({ name: 'many-ada', groups: ['onco'] })
    for (const id of ['pbmc', 'other', 'evil']) expect((await ada.submit(`/datasets/${id}/launch`)).status).toBe(303)
    const fourth = await ada.submit('/datasets/tumour/launch')
    const html = await fourth.text()
    expect(fourth.status).toBe(409)
    expect(html).toContain('You have 3 viewers running')
    expect(links(html)).toContain('/sessions')
  })
})

describe('my annotations', () => {
  it('lists versions, downloads them and brings one back', async () => {
    const ada = await bed.browser({ name: 'note-ada' })
    const ref = { ownerId: ada.who.id, datasetId: 'pbmc', kind: 'labels' as const }
    expect(await (await ada.get('/annotations')).text()).toContain('Nothing yet.')
    // Nothing yet, but it could begin with a file; not for a dataset that is not there.
    expect(await (await ada.get('/annotations/pbmc')).text()).toContain('Upload labels')
    expect((await ada.get('/annotations/nothing')).status).toBe(404)
    await bed.ports.vault.put(ref, bytes('old'), { ...meta, base: null })
    await bed.ports.vault.put(ref, bytes('newer'), { ...meta, base: '1' })
    expect(links(await (await ada.get('/annotations')).text())).toContain('/annotations/pbmc')
    const versions = await (await ada.get('/annotations/pbmc')).text()
    const download = links(versions).find((href) => href.endsWith('/versions/1')) ?? ''
    expect(await (await ada.get(download)).text()).toBe('old')
    const action = actions(versions).find((one) => one.endsWith('/restore')) ?? ''
    expect((await ada.submit(action, { version: '1', base: '1' })).status).toBe(412)
    expect((await ada.submit(action, { version: '1', base: '2' })).headers.get('location')).toBe('/annotations/pbmc')
    expect(new TextDecoder().decode(await bed.ports.vault.read(ref, '3'))).toBe('old')
    expect(await (await ada.get('/annotations/pbmc')).text()).toContain('Restored from version 1.')
    expect((await ada.submit(action, { base: '3' })).status).toBe(400)
    expect((await ada.submit('/annotations/pbmc/secrets/restore', { version: '1', base: '3' })).status).toBe(404)
  })

  it('stay mine when the file is gone or the right to it', async () => {
    const ada = await bed.browser({ name: 'keep-ada', groups: ['onco'] })
    for (const datasetId of ['gone', 'tumour'])
      await bed.ports.vault.put({ ownerId: ada.who.id, datasetId, kind: 'labels' }, bytes('x'), { ...meta, base: null })
    const later = await bed.browser({ name: 'keep-ada', groups: [] })
    expect((await later.get('/datasets/tumour')).status).toBe(403)
    for (const id of ['gone', 'tumour']) {
      const html = await (await later.get(`/annotations/${id}`)).text()
      expect(links(html)).toContain(`/api/datasets/${id}/annotations/labels/versions/1`)
    }
    expect(await (await later.get('/annotations/gone')).text()).toContain('The file was removed.')
  })
})

describe('every page', () => {
  it('is reached by links alone, starts nothing, escapes what it shows, and runs only scripts of ours', async () => {
    const ada = await bed.browser({ name: 'crawl-ada', groups: ['onco'], email: evil })
    await bed.ports.vault.put({ ownerId: ada.who.id, datasetId: 'evil', kind: 'labels' }, bytes('x'), {
      ...meta,
      savedBy: evil,
      base: null,
    })
    const before = [bed.tasks.started.length, bed.tasks.stopped.length]
    const todo = ['/']
    const done = new Set<string>()
    for (let path = todo.pop(); path !== undefined; path = todo.pop()) {
      if (done.has(path) || !path.startsWith('/')) continue
      done.add(path)
      const answer = await ada.get(path)
      expect([path, answer.status]).toEqual([path, 200])
      if (!answer.headers.get('content-type')?.startsWith('text/html')) continue
      const html = await answer.text()
      todo.push(...links(html))
      expect(html).not.toContain('<script>alert')
      expect(html.match(/<script(?! type="module" src="\/assets\/)/g)).toBeNull()
      expect(html.match(/ style="| on\w+="|<style/g)).toBeNull()
      const policy = answer.headers.get('content-security-policy') ?? ''
      expect(policy).toContain("default-src 'none'")
      expect(policy).toContain("script-src 'self'")
      expect(policy).not.toContain('unsafe')
      expect(answer.headers.get('referrer-policy')).toBe('same-origin')
      // For people who hear pages: one heading of the first rank, a language, and no button without words.
      expect(html.match(/<h1[ >]/g)).toHaveLength(1)
      expect(html).toContain('<html lang="en">')
      expect(html).not.toMatch(/<button[^>]*><\/button>/)
    }
    expect(done).toContain('/datasets/evil')
    expect(done).toContain('/annotations/evil')
    expect([bed.tasks.started.length, bed.tasks.stopped.length]).toEqual(before)
  })

  it('shows a page of ours for what is not there or went wrong, and nothing of the inside', async () => {
    const ada = await bed.browser({ name: 'lost-ada' })
    const missing = await ada.get('/nothing/here')
    expect([missing.status, (await missing.text()).includes('There is no page at this address')]).toEqual([404, true])
    const method = await ada.send('DELETE', '/sessions')
    expect([method.status, method.headers.get('allow')]).toEqual([405, 'GET, HEAD'])
    const big = await ada.submit('/sign-in', { name: 'x'.repeat(70_000) })
    expect(big.status).toBe(413)
    const launcher = { ...bed.deps.launcher, listDatasets: () => Promise.reject(new Error('/home/me/secret')) }
    const broken = await createWeb({ ...bed.deps, launcher }).request(`${appOrigin}/`, {
      headers: { cookie: ada.cookie },
    })
    const html = await broken.text()
    expect(broken.status).toBe(500)
    expect(html).not.toContain('/home/me/secret')
    const id = String(bed.logged.at(-1)?.fields.id)
    expect(html).toContain(id)
  })

  it('answers HEAD without a body', async () => {
    const ada = await bed.browser({ name: 'lost-ada' })
    const head = await ada.send('HEAD', '/')
    expect([head.status, await head.text()]).toEqual([200, ''])
  })
})

describe('assets', () => {
  it('are for everybody, for ever, under the hash of their content', async () => {
    const html = await (await bed.app.request(`${appOrigin}/sign-in`)).text()
    const [sheet] = [...html.matchAll(/href="(\/assets\/styles\.css\?[0-9a-f]{12})"/g)].map(([, href]) => href)
    const answer = await bed.app.request(`${appOrigin}${sheet}`)
    expect([answer.status, answer.headers.get('cache-control')]).toEqual([200, 'public, max-age=31536000, immutable'])
    expect(answer.headers.get('content-type')).toBe('text/css; charset=utf-8')
    for (const path of ['/assets/nothing.js', '/assets/..%2fpackage.json'])
      expect((await bed.app.request(`${appOrigin}${path}`)).status).toBe(404)
  })
})
