/** The lobby's pages and files: what is served to whom, with which headers, and that no path climbs out. */
import { beforeEach, describe, expect, it } from 'vitest'
import { createLobby } from '../../functions/lobby/lobby.ts'
import { cutViewerIndex } from '../../functions/lobby/viewer-index.ts'
import { aDataset } from './fake-launcher.ts'
import { appOrigin, type LobbyTest, lobbyTest, template, viewOrigin } from './setup.ts'

let lobby: LobbyTest
beforeEach(async () => {
  lobby = await lobbyTest()
})

describe('the page', () => {
  it('is cellxgene’s own, with the companion before its root, and a policy that names each script', async () => {
    const response = await (await lobby.signedIn()).get('/v/pbmc/')
    const html = await response.text()
    const policy = response.headers.get('content-security-policy') ?? ''
    const nonce = /script-src 'nonce-([^']+)' 'unsafe-eval';/.exec(policy)?.[1] ?? ''
    expect(nonce.length).toBeGreaterThan(20)
    const scripts = [...html.matchAll(/<script\b[^>]*>/g)].map(([tag]) => tag)
    const running = scripts.filter((tag) => !tag.includes('application/json'))
    expect(running).toHaveLength(3)
    for (const tag of running) expect(tag).toContain(`nonce="${nonce}"`)
    expect(html.indexOf('companion-1.js')).toBeLessThan(html.indexOf('<div id="root">'))
    expect(html).toContain('src="../static/main-1.js"')
    expect(html).not.toMatch(/obsolete\.js|\{%|\{\{/)
    for (const rule of ["default-src 'none'", "connect-src 'self'", "base-uri 'none'", "frame-ancestors 'none'"])
      expect(policy).toContain(rule)
    expect(policy).not.toMatch(/script-src[^;]*'(self|unsafe-inline)'/)
    expect(response.headers.get('cache-control')).toBe('no-store')
  })

  it('has another nonce each time', async () => {
    const browser = await lobby.signedIn()
    const policies = await Promise.all(
      [1, 2].map(async () => (await browser.get('/v/pbmc/')).headers.get('content-security-policy')),
    )
    expect(policies[0]).not.toBe(policies[1])
  })

  it('tells the companion whose page it is, in data that can’t become script', async () => {
    lobby.launcher.datasets.set('pbmc', aDataset({ title: '</script><script>alert(1)</script> $& “x”' }))
    const html = await (await (await lobby.signedIn()).get('/v/pbmc/')).text()
    const block = /<script type="application\/json" id="cxod-config">(.*?)<\/script>/.exec(html)?.[1] ?? ''
    expect(JSON.parse(block)).toMatchObject({
      owner: { id: 'local:ada', name: 'ada' },
      dataset: { id: 'pbmc', version: 'v1', title: '</script><script>alert(1)</script> $& “x”' },
      home: '/v/pbmc/',
      snapshots: false,
    })
    expect(html).not.toContain('<script>alert(1)')
    // One title, the dataset's: several tabs wait at once.
    expect(html.match(/<title>.*?<\/title>/g)).toEqual([
      '<title>&lt;/script&gt;&lt;script&gt;alert(1)&lt;/script&gt; $&amp; “x” – cellxgene</title>',
    ])
  })

  it('launches nothing', async () => {
    await (await lobby.signedIn()).get('/v/pbmc/')
    expect(lobby.launcher.launches).toEqual([])
  })

  it('without its slash redirects to the slash, from which cellxgene finds its API', async () => {
    const response = await lobby.browser().get('/v/pbmc')
    expect(response.headers.get('location')).toBe('/v/pbmc/')
  })

  it('without a right says so, and neither shows cellxgene nor starts it', async () => {
    lobby.launcher.datasets.set('pbmc', aDataset({ group: 'liver-lab' }))
    const response = await (await lobby.signedIn()).get('/v/pbmc/')
    const html = await response.text()
    expect(response.status).toBe(403)
    expect(html).toContain('You may not open this dataset')
    expect(html).toContain('liver-lab')
    expect(html).not.toContain('<script')
    expect(lobby.launcher.launches).toEqual([])
  })

  it('of an unknown dataset is a plain 404', async () => {
    lobby.launcher.datasets.delete('pbmc')
    const response = await (await lobby.signedIn()).get('/v/pbmc/')
    expect(response.status).toBe(404)
    expect(await response.text()).toContain('There is no such dataset')
  })

  it('of a refused file gives cause and remedy', async () => {
    const problem = { code: 'no-embedding', cause: 'The file has no embedding.', remedy: 'Compute a UMAP & save it.' }
    lobby.launcher.datasets.set('pbmc', aDataset({ state: 'refused', problem, index: null }))
    const html = await (await (await lobby.signedIn()).get('/v/pbmc/')).text()
    expect(html).toContain('The file has no embedding. Compute a UMAP &amp; save it.')
    expect(html).not.toContain('<script')
  })

  it('of a file still being checked loads itself again', async () => {
    lobby.launcher.datasets.set('pbmc', aDataset({ state: 'checking', index: null, version: '' }))
    expect(await (await (await lobby.signedIn()).get('/v/pbmc/')).text()).toContain('http-equiv="refresh"')
  })

  it('stays when a running viewer’s file is looked at again', async () => {
    const browser = await lobby.signedIn()
    lobby.launcher.change('local:ada', 'pbmc', { state: 'ready', readyAt: lobby.clock.ms })
    lobby.launcher.datasets.set('pbmc', aDataset({ state: 'checking' }))
    expect(await (await browser.get('/v/pbmc/')).text()).toContain('cxod-config')
  })
})

describe('files', () => {
  it.each(['/v/pbmc/static/main-1.js', '/v/static/main-1.js', '/v/static/assets/icon-1.png'])(
    '%s is kept for a year',
    async (path) => {
      const response = await lobby.browser().get(path)
      expect(response.status).toBe(200)
      expect(response.headers.get('cache-control')).toBe('public, max-age=31536000, immutable')
      expect(response.headers.get('x-content-type-options')).toBe('nosniff')
    },
  )

  it('are compressed for whoever can read that', async () => {
    const response = await lobby.browser().get('/v/static/main-1.js', { 'accept-encoding': 'br, gzip' })
    expect(response.headers.get('content-encoding')).toBe('gzip')
    const etag = response.headers.get('etag') ?? ''
    expect((await lobby.browser().get('/v/static/main-1.js', { 'if-none-match': etag })).status).toBe(304)
  })

  it.each([
    '/v/static/../templates/index.html',
    '/v/static/..%2ftemplates%2findex.html',
    '/v/static/%2e%2e/%2e%2e/etc/passwd',
    '/v/static//etc/passwd',
    '/v/static/assets/..%5c..%5cx',
    '/v/static/',
    '/v/static/__proto__',
    '/v/static/main-1.js.map',
    '/v/pbmc/static/../../../etc/passwd',
  ])('%s is not there', async (path) => {
    const response = await lobby.app.request(path)
    expect(response.status).toBe(404)
  })
})

describe('everything else', () => {
  it.each(['/', '/v/', '/v/pbmc/x', '/v/pbmc/-/x', '/v/PBMC/', '/s/abc/', '/v/pbmc/api/v0.1/x'])(
    '%s is a kind 404',
    async (path) => {
      const response = await lobby.app.request(path)
      expect(response.status).toBe(404)
      expect(await response.text()).toContain(`href="${appOrigin}/"`)
      expect(response.headers.get('content-security-policy')).toContain("default-src 'none'")
    },
  )

  it('cellxgene’s calls while there is no viewer: 202 that says so', async () => {
    for (const init of [{}, { method: 'PUT', body: 'x' }]) {
      const response = await lobby.app.request('/v/pbmc/api/v0.2/annotations/obs?annotation-name=a', init)
      expect(response.status).toBe(202)
      expect(response.headers.get('x-cxod-viewer')).toBe('none')
    }
  })

  it('a snapshot answers them when there is one, and only for whoever may', async () => {
    const asked: string[] = []
    const withSnapshot = await lobbyTest({
      snapshot: async (dataset, rest) => {
        asked.push(`${dataset.version} ${rest}`)
        return rest.includes('schema') ? new Response('{}') : null
      },
    })
    const browser = await withSnapshot.signedIn()
    expect((await browser.get('/v/pbmc/api/v0.2/schema?a=b')).status).toBe(200)
    expect((await browser.get('/v/pbmc/api/v0.2/colors')).status).toBe(202)
    expect((await withSnapshot.browser().get('/v/pbmc/api/v0.2/schema')).status).toBe(401)
    expect(asked).toEqual(['v1 api/v0.2/schema?a=b', 'v1 api/v0.2/colors'])
  })
})

it('refuses to be built with origins that share cookies', async () => {
  await expect(lobbyTest({ appOrigin: 'http://127.0.0.1:1', viewOrigin: 'http://127.0.0.1:2' })).rejects.toMatchObject({
    code: 'bad-setting',
  })
  await expect(lobbyTest({ viewOrigin: `${viewOrigin}/` })).rejects.toMatchObject({ code: 'bad-setting' })
  expect(createLobby).toBeTypeOf('function')
})

it('refuses a template that it does not know', () => {
  for (const unknown of ['', template.replace('<div id="root"></div>', ''), `${template}{{ MORE }}`])
    expect(() => cutViewerIndex(unknown)).toThrow(/does not know/)
})
