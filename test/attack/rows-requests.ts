/** Requests that can be read in two ways, forms of a target that are for proxies, and headers without end. */
import { deflateSync } from 'node:zlib'
import { raw } from './http.ts'
import { allowed, type Row, refused } from './row.ts'
import { get, host, originOf, page, route } from './rows-paths.ts'

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

export const requestRows: readonly Row[] = [...forms, ...smuggling, ...odd]
