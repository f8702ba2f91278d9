/** Addresses that mean one thing to one reader and another to the next, and requests that do. */
import { readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { deflateSync } from 'node:zlib'
import { testPython } from '../support/tools.ts'
import { raw } from './http.ts'
import { allowed, type Row, refused } from './row.ts'
import type { World } from './world.ts'

type Door = 'app' | 'view'
const originOf = ({ bed }: World, door: Door) => (door === 'app' ? bed.appUrl : bed.viewUrl)
const host = (world: World, door: Door) => new URL(originOf(world, door)).host

/** Sends one GET as it stands, and lets nothing but a refusal or a way to our own pages pass. */
async function get(world: World, door: Door, target: string, headers: readonly string[] = []): Promise<string> {
  const head = [`GET ${target} HTTP/1.1`, `host: ${host(world, door)}`, 'connection: close', ...headers]
  const { text, statuses, closed } = await raw(originOf(world, door), `${head.join('\r\n')}\r\n\r\n`, { forMs: 10_000 })
  if (!closed) throw new Error(`no end to ${target}`)
  if (/marker-of-private|root:x:|"kty"|PRIVATE/.test(text)) throw new Error(`private content for ${target}`)
  const [status] = statuses
  const location = /^location: (.*)$/im.exec(text)?.[1]?.trim()
  if (status !== undefined && status >= 300 && status < 400 && location !== undefined) {
    const to = new URL(location, originOf(world, door)).origin
    if (to !== world.bed.appUrl && to !== world.bed.viewUrl) throw new Error(`${target} leads to ${to}`)
    return String(status)
  }
  if (status === 202 && /x-cxod-viewer: none/i.test(text)) return '202 no viewer'
  if (status === undefined || (status >= 400 && status < 500)) return String(status ?? 'closed')
  throw new Error(`went through: ${target} ${text.slice(0, 300)}`)
}

/** One row for many spellings of the same trick. */
const spellings = (
  name: string,
  does: string,
  door: Door,
  targets: (world: World) => readonly string[],
  right: (world: World) => string,
  headers: (world: World) => Promise<readonly string[]> | readonly string[] = () => [],
): Row => ({
  name,
  does,
  async attack(world) {
    const words = new Set<string>()
    for (const target of targets(world)) words.add(await get(world, door, target, await headers(world)))
    return `${[...words].sort().join(', ')} (${targets(world).length} spellings)`
  },
  async twin(world) {
    const pairs = (await headers(world)).map((line) => line.split(/: (.*)/s).slice(0, 2) as [string, string])
    allowed(await world[door](right(world), { headers: Object.fromEntries(pairs) }))
  },
})

const login = ({ ada }: World) => [`cookie: cxod-login=${ada.login}`]
const route = async ({ bed, sessions }: World) =>
  Object.entries(await bed.pageCall(sessions.ada)).map(([name, value]) => `${name}: ${value}`)
const page = async (world: World) => [`cookie: cxod-page=${(await world.open(world.ada, 'pbmc')).page}`]

/** Any file of cellxgene's page. */
const aFile = readdirSync(join(serverDir(), 'common', 'web', 'static')).find((name) => /^main-.*\.js$/.test(name))

function serverDir(): string {
  const lib = join(dirname(dirname(testPython())), 'lib')
  const version = readdirSync(lib).find((name) => name.startsWith('python3')) ?? ''
  return join(lib, version, 'site-packages', 'server')
}

const up = [
  '../',
  '..%2f',
  '%2e%2e/',
  '%2e%2e%2f',
  '..%5c',
  '..\\',
  '%252e%252e%252f',
  '....//',
  '..;/',
  '..%00/',
  '.%2e/',
]
const climbing = (prefix: string, to: string) => up.flatMap((dots) => [prefix + dots.repeat(8) + to])

const files: Row[] = [
  spellings(
    'climbing out of the static files',
    'dots and slashes in every spelling after `/v/static/`',
    'view',
    () => ['etc/passwd', 'secrets/signing-key.json'].flatMap((to) => climbing('/v/static/', to)),
    () => `/v/static/${aFile}`,
  ),
  spellings(
    'climbing out of the assets',
    'the same after `/assets/`',
    'app',
    () => climbing('/assets/', 'etc/passwd'),
    () => '/assets/styles.css',
  ),
  spellings(
    'a dataset with dots in its name',
    'dots and slashes as a dataset of the app',
    'app',
    () => [
      ...climbing('/datasets/', 'etc'),
      ...climbing('/api/datasets/', 'etc'),
      ...['/api/datasets/', '/datasets/', '/open/', '/annotations/'].map((start) => start + 'x'.repeat(4000)),
    ],
    () => '/api/datasets/pbmc',
    login,
  ),
  spellings(
    'a version with dots in its number',
    '`../x` in place of a version of the labels',
    'app',
    () =>
      [
        ...climbing('/api/datasets/pbmc/annotations/labels/versions/', 'x'),
        '/api/datasets/pbmc/annotations/labels/versions/1e0',
      ].concat(
        '/api/datasets/..%2f..%2flocal%3Abob%2fpbmc/annotations/labels/versions/1',
        '/api/datasets/pbmc/annotations/..%2flabels/versions/1',
        '/api/datasets/pbmc/annotations/labels/versions/0x1',
        '/api/datasets/pbmc/annotations/labels/versions/%31%00',
      ),
    () => '/api/datasets/pbmc/annotations/labels/versions/1',
    login,
  ),
  spellings(
    'a download with dots in its name',
    '`../x` in place of `labels.csv` on the page',
    'view',
    () => climbing('/v/pbmc/-/annotations/', 'x'),
    () => '/v/pbmc/-/annotations/labels.csv',
    page,
  ),
]

const routes: Row[] = [
  spellings(
    'climbing from one’s own route to another’s',
    '`/s/<own>/../<other>/` in every spelling, with a cookie that is good for the first',
    'view',
    ({ sessions }) => {
      const other = sessions.bob.routePath.slice(3)
      return up
        .flatMap((dots) => [
          `${sessions.ada.routePath}${dots}${other}api/v0.2/config`,
          `/s/${dots}s/${other}api/v0.2/config`,
        ])
        .concat(
          `${sessions.bob.routePath}api/v0.2/config`,
          `${sessions.bob.routePath}..${sessions.ada.routePath}api/v0.2/config`,
          `/s/${sessions.ada.id}${sessions.bob.id}/api/v0.2/config`,
          `/s/${sessions.ada.id}/s/${sessions.bob.id}/api/v0.2/config`,
        )
    },
    ({ sessions }) => `${sessions.ada.routePath}api/v0.2/config`,
    route,
  ),
  spellings(
    'climbing past the API of the viewer',
    'the viewer’s own `/-/reload`, `/health`, its page and its files',
    'view',
    ({ sessions: { ada } }) =>
      ['-/reload', 'health', '', 'static/x.js', 'api/v0.2/../../-/reload', 'api/v0.2/%2e%2e/%2e%2e/-/reload']
        .concat('api/v0.2//config', 'api/v0.2/config/', 'api%2fv0.2/config', 'api/v0.2/config;x', 'api/v0.2/config%00')
        .map((rest) => ada.routePath + rest),
    ({ sessions }) => `${sessions.ada.routePath}api/v0.2/config`,
    route,
  ),
  spellings(
    'another spelling of a route',
    'capitals, doubled slashes, encoded letters, a letter more or less',
    'view',
    ({ sessions: { ada } }) => [
      `/S/${ada.id}/api/v0.2/config`,
      `//s/${ada.id}/api/v0.2/config`,
      `/s//${ada.id}/api/v0.2/config`,
      `/s%2f${ada.id}/api/v0.2/config`,
      `/s/${ada.id.toUpperCase()}/api/v0.2/config`,
      `/s/${ada.id}x/api/v0.2/config`,
      `/s/${ada.id.slice(1)}/api/v0.2/config`,
      `/s/${ada.id}%2fapi/v0.2/config`,
      `/./s/${ada.id}/api/v0.2/config`,
      `/v/../s/${ada.id}/api/v0.2/config`,
    ],
    ({ sessions }) => `${sessions.ada.routePath}api/v0.2/config`,
    route,
  ),
  spellings(
    'another’s page in one’s own page’s address',
    'the page’s cookie is good for `pbmc`; the address ends in another',
    'view',
    () =>
      up
        .map((dots) => `/v/pbmc/${dots}liver/-/status`)
        .concat(
          `/v/${'x'.repeat(4000)}/-/status`,
          `/v/${'x'.repeat(4000)}/`,
          '/v/liver/-/status',
          '/v/pbmc%2f..%2fliver/-/status',
          '/v/pbmc~aaaaaaaaaaaa/-/status',
          '/v//liver/-/status',
        ),
    () => '/v/pbmc/-/status',
    page,
  ),
]

const forms: Row[] = (['app', 'view'] as const).map((door) => ({
  name: `${door}: whole addresses, authorities and stars as target`,
  does: '`GET http://elsewhere/…`, `GET //elsewhere`, `OPTIONS *`, `CONNECT`, a `Host` of somebody else',
  async attack(world) {
    const own = originOf(world, door)
    const words = new Set<string>()
    const targets = [
      `${own}/`,
      'http://evil.example/',
      'http://evil.example/sign-in?return=/',
      '//evil.example/',
      '/\\evil.example',
    ]
    for (const target of targets) words.add(await get(world, door, target))
    for (const line of ['OPTIONS * HTTP/1.1', 'CONNECT 127.0.0.1:22 HTTP/1.1', 'TRACE / HTTP/1.1']) {
      const { text } = await raw(own, `${line}\r\nhost: ${host(world, door)}\r\nx-mine: 1\r\nconnection: close\r\n\r\n`)
      if (/^HTTP\/1.1 200/.test(text) || text.includes('x-mine')) throw new Error(`went through: ${line} ${text}`)
    }
    for (const name of [
      'evil.example',
      '127.0.0.1:1',
      '',
      'a b',
      `${host(world, door)}@evil.example`,
      '[::1',
      'x/../y',
    ]) {
      const { text } = await raw(
        own,
        `GET / HTTP/1.1\r\nhost: ${name}\r\nx-forwarded-host: evil.example\r\nconnection: close\r\n\r\n`,
      )
      const location = /^location: (.*)$/im.exec(text)?.[1] ?? '/'
      if (new URL(location, own).hostname.includes('evil') || /evil\.example/.test(text))
        throw new Error(`the host came through: ${text.slice(0, 300)}`)
      if (/^HTTP\/1.1 5/.test(text)) throw new Error(`broke: ${name} ${text.slice(0, 200)}`)
    }
    return [...words].sort().join(', ')
  },
  async twin(world) {
    if (door === 'app') allowed(await world.app('/sign-in'))
    else allowed(await world.view('/v/pbmc/'), 302)
  },
}))

/** What is hidden in another request: something that is answered to everybody, so that an answer would be seen. */
const hidden = { app: 'GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n', view: 'GET /v/pbmc/ HTTP/1.1\r\nhost: x\r\n\r\n' }
/** Each has two readings; a second request must never come out of one. */
const smuggling: Row[] = (['app', 'view', 'route'] as const).map((place) => ({
  name: `${place}: two readings of one request`,
  does: 'length and chunks, two lengths, spaces in names, chunks with extensions, folded lines, a bare line feed',
  async attack(world) {
    const door = place === 'app' ? 'app' : 'view'
    const path =
      place === 'app'
        ? '/sign-out'
        : place === 'view'
          ? '/v/pbmc/-/wake'
          : `${world.sessions.ada.routePath}api/v0.2/diffexp/obs`
    const cookie = place === 'route' ? (await route(world)).join('\r\n') : `cookie: cxod-login=${world.ada.login}`
    const start = `POST ${path} HTTP/1.1\r\nhost: ${host(world, door)}\r\n${cookie}\r\n`
    const smuggled = hidden[door]
    const chunk = `0\r\n\r\n${smuggled}`
    const heads = {
      'length and chunks': `content-length: 6\r\ntransfer-encoding: chunked\r\n\r\n${chunk}`,
      'chunks and length': `transfer-encoding: chunked\r\ncontent-length: ${chunk.length}\r\n\r\n${chunk}`,
      'two lengths': `content-length: 0\r\ncontent-length: ${smuggled.length}\r\n\r\n${smuggled}`,
      'a list of lengths': `content-length: 0, ${smuggled.length}\r\n\r\n${smuggled}`,
      'a signed length': `content-length: +0\r\n\r\n${smuggled}`,
      'two encodings': `transfer-encoding: chunked, identity\r\n\r\n${chunk}`,
      'an odd encoding': `transfer-encoding: xchunked\r\n\r\n${chunk}`,
      'a space in a name': `content-length : 0\r\n\r\n${smuggled}`,
      'a folded line': `x-a: b\r\n content-length: 5\r\ncontent-length: 0\r\n\r\n${smuggled}`,
      'a bare line feed': `x-a: b\ncontent-length: ${smuggled.length}\r\n\r\n${smuggled}`,
      'a negative chunk': `transfer-encoding: chunked\r\n\r\n-1\r\n${smuggled}`,
      'endless chunk extensions': `transfer-encoding: chunked\r\n\r\n1;${'a'.repeat(40_000)}\r\nx\r\n0\r\n\r\n`,
    }
    const words = new Set<string>()
    for (const [trick, rest] of Object.entries(heads)) {
      const { statuses, text } = await raw(originOf(world, door), start + rest, { forMs: 6_000 })
      // A second answer would be to what was hidden in the first; "bad request" after a refusal is none.
      const answered = statuses.filter((status) => status < 400 && status !== 202)
      if (answered.length > 0 || text.includes('"status":"ok"')) throw new Error(`${trick}: ${text.slice(0, 400)}`)
      words.add(String(statuses[0] ?? 'closed'))
    }
    return [...words].sort().join(', ')
  },
  async twin(world) {
    const { bed, app, view, sessions, ada } = world
    const json = { 'content-type': 'application/json' }
    if (place === 'app')
      return allowed(
        await app(`/api/sessions/${sessions.ada.id}/keep`, {
          method: 'POST',
          headers: { ...json, origin: bed.appUrl, cookie: `cxod-login=${ada.login}` },
        }),
      )
    if (place === 'view') {
      const [cookie = ''] = await page(world)
      const headers = { ...json, origin: bed.viewUrl, cookie: cookie.slice('cookie: '.length) }
      return allowed(await view('/v/pbmc/-/wake', { method: 'POST', headers, body: '{"by":"click"}' }))
    }
    const headers = { ...(await bed.pageCall(sessions.ada)), ...json, 'transfer-encoding': 'chunked' }
    allowed(
      await view(`${sessions.ada.routePath}api/v0.2/diffexp/obs`, {
        method: 'POST',
        headers,
        body: '{"ms":0}',
      }),
    )
  },
}))

const odd: Row[] = [
  {
    name: 'an upgrade to another protocol',
    does: 'asks app, lobby and route for a WebSocket and for HTTP/2',
    async attack(world) {
      const words = new Set<string>()
      const targets = [
        ['app', '/'],
        ['view', '/v/pbmc/'],
        ['view', `${world.sessions.ada.routePath}api/v0.2/config`],
      ] as const
      for (const [door, target] of targets)
        for (const protocol of ['websocket', 'h2c']) {
          const head = `GET ${target} HTTP/1.1\r\nhost: ${host(world, door)}\r\nconnection: Upgrade, HTTP2-Settings\r\nupgrade: ${protocol}\r\nsec-websocket-key: x3JJHMbDL1EzLkh9GBhXDw==\r\nsec-websocket-version: 13\r\nhttp2-settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n`
          const { statuses, text } = await raw(originOf(world, door), head, { forMs: 500 })
          if (statuses.includes(101)) throw new Error(text)
          words.add(`${statuses[0]}`)
        }
      return `never 101: ${[...words].join(', ')}`
    },
    async twin({ app }) {
      allowed(await app('/sign-in'))
    },
  },
  {
    name: 'headers without end',
    does: 'a header of 100 KB, 5,000 headers, an address of 100 KB',
    async attack(world) {
      const words = new Set<string>()
      for (const door of ['app', 'view'] as const) {
        const start = `GET / HTTP/1.1\r\nhost: ${host(world, door)}\r\n`
        const many = Array.from({ length: 5_000 }, (_, n) => `x-${n}: ${n}`).join('\r\n')
        for (const bytes of [
          `${start}x: ${'a'.repeat(100_000)}\r\n\r\n`,
          `${start}${many}\r\n\r\n`,
          `GET /${'a'.repeat(100_000)} HTTP/1.1\r\n\r\n`,
        ]) {
          const { statuses, closed } = await raw(originOf(world, door), bytes, { forMs: 10_000 })
          if (!closed || statuses[0] === undefined || statuses[0] < 400) throw new Error(`taken: ${statuses}`)
          words.add(String(statuses[0]))
        }
      }
      return [...words].join(', ')
    },
    async twin({ app }) {
      allowed(await app('/sign-in', { headers: { 'x-mine': 'a'.repeat(4_000) } }))
    },
  },
  {
    name: 'a save under another method or type',
    does: 'POST, PATCH, `X-HTTP-Method-Override`, a form',
    async attack({ bed, view, sessions: { ada } }) {
      const headers = { ...(await bed.pageCall(ada)), 'x-cxod-base': '1' }
      const words = new Set<string>()
      for (const method of ['POST', 'PATCH', 'DELETE'])
        words.add(
          refused(
            await view(`${ada.routePath}api/v0.2/annotations/obs`, { method, headers, body: deflateSync('x') }),
            405,
          ),
        )
      const over = { ...headers, 'x-http-method-override': 'PUT' }
      words.add(
        refused(
          await view(`${ada.routePath}api/v0.2/annotations/obs`, {
            method: 'POST',
            headers: over,
            body: deflateSync('x'),
          }),
          405,
        ),
      )
      return [...words].join(', ')
    },
    async twin({ bed, view, sessions: { liver } }) {
      const headers = { ...(await bed.pageCall(liver)), 'x-cxod-base': 'none' }
      const saved = await view(`${liver.routePath}api/v0.2/annotations/obs`, {
        method: 'PUT',
        headers,
        body: deflateSync('x'),
      })
      allowed(saved)
    },
  },
]

export const pathRows: readonly Row[] = [...files, ...routes, ...forms, ...smuggling, ...odd]
