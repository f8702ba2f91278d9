/** More than anybody needs: bombs, slow and endless bodies, floods of requests. */
import { deflateRawSync, deflateSync, gzipSync } from 'node:zlib'
import { labelsBody } from '../support/page-saves.ts'
import { type Reply, raw } from './http.ts'
import { allowed, type Row, refused } from './row.ts'
import type { World } from './world.ts'

const MiB = 2 ** 20
const form = { 'content-type': 'application/x-www-form-urlencoded' }

/** A zlib stream of `bytes` zeros without ever having them: one compressed block, again and again. */
function zlibBomb(bytes: number): Buffer {
  const block = deflateRawSync(Buffer.alloc(MiB), { finishFlush: 2 /* Z_SYNC_FLUSH: may be followed by another */ })
  const end = deflateSync(Buffer.alloc(0))
  return Buffer.concat([end.subarray(0, 2), ...Array<Buffer>(Math.ceil(bytes / MiB)).fill(block), end.subarray(2)])
}

const diffexp = async (world: World, body: Buffer, encoding: string | null): Promise<Reply> => {
  const { bed, view, sessions } = world
  const headers = { ...(await bed.pageCall(sessions.ada)), 'content-type': 'application/json' }
  return view(`${sessions.ada.routePath}api/v0.2/diffexp/obs`, {
    method: 'POST',
    body,
    headers: encoding === null ? headers : { ...headers, 'content-encoding': encoding },
  })
}
const save = async ({ bed, view, sessions: { ada } }: World, body: Buffer, more: Record<string, string> = {}) => {
  const headers = {
    ...(await bed.pageCall(ada)),
    'x-cxod-base': '1',
    'content-type': 'application/octet-stream',
    ...more,
  }
  return view(`${ada.routePath}api/v0.2/annotations/obs`, { method: 'PUT', body, headers })
}
/** By somebody who keeps nothing yet. */
const merge = async (world: World, name: string, body: Uint8Array) => {
  await world.addUser(name)
  const { page } = await world.open(await world.signIn(name), 'pbmc')
  const type = { 'content-type': 'application/octet-stream', cookie: `cxod-page=${page}`, origin: world.bed.viewUrl }
  const headers = { ...type, 'x-cxod-dataset-version': 'version-of-pbmc', 'x-cxod-base': 'none' }
  return world.view('/v/pbmc/-/merge/labels', { method: 'POST', body, headers })
}
const readable = async (world: World) => {
  const { bed, view, sessions } = world
  allowed(await view(`${sessions.ada.routePath}api/v0.2/config`, { headers: await bed.pageCall(sessions.ada) }))
}

const bombs: Row[] = [
  {
    name: 'a deflate bomb as save',
    does: 'a few hundred kilobytes that inflate to 300 MiB; cellxgene alone took 750 MB for such a body',
    attack: async (world) => refused(await save(world, zlibBomb(300 * MiB)), 413),
    twin: async (world) => allowed(await save(world, deflateSync('marker'))),
  },
  {
    name: 'a bomb in a bomb as save',
    does: 'the same once more compressed, under Content-Encoding',
    async attack(world) {
      const words = [refused(await save(world, gzipSync(zlibBomb(300 * MiB)), { 'content-encoding': 'gzip' }), 413)]
      words.push(refused(await save(world, gzipSync(Buffer.alloc(80 * MiB)), { 'content-encoding': 'gzip' }), 413))
      words.push(refused(await save(world, deflateSync('x'), { 'content-encoding': 'br' }), 400))
      return words.join(', ')
    },
    twin: readable,
  },
  {
    name: 'a deflate bomb as differential expression',
    does: '60 kilobytes of gzip that are 60 MiB of cells',
    attack: async (world) => refused(await diffexp(world, gzipSync(Buffer.alloc(60 * MiB)), 'gzip'), 413),
    twin: async (world) => allowed(await diffexp(world, gzipSync('{"ms":0}'), 'gzip')),
  },
  {
    name: 'a deflate bomb as merge',
    does: 'labels that could not be saved, and inflate to 300 MiB in the launcher itself',
    attack: async (world) => refused(await merge(world, 'bomber', zlibBomb(300 * MiB)), 413),
    twin: async (world) => allowed(await merge(world, 'merger', labelsBody({ mine: ['x', 'y', 'z'] }))),
  },
  {
    name: 'a compressed form, a compressed CSV',
    does: 'sends a body under Content-Encoding to what takes it plain',
    async attack({ app, bed, ada }) {
      const headers = { origin: bed.appUrl, 'content-encoding': 'gzip', ...form }
      const words = [
        refused(await app('/sign-in', { method: 'POST', body: gzipSync('name=ada&password=x'), headers }), 400),
      ]
      const json = { ...headers, 'content-type': 'application/json', cookie: `cxod-login=${ada.login}` }
      words.push(
        refused(
          await app('/api/sessions', { method: 'POST', body: gzipSync('{"datasetId":"pbmc"}'), headers: json }),
          400,
        ),
      )
      return words.join(', ')
    },
    twin: readable,
  },
]

/** Sends zeros without saying how many until it is stopped, or has sent as much. */
async function endless(world: World, door: 'app' | 'view', head: string, most: number): Promise<string> {
  const origin = door === 'app' ? world.bed.appUrl : world.bed.viewUrl
  const piece = `${(64 * 1024).toString(16)}\r\n${'0'.repeat(64 * 1024)}\r\n`
  const start = `${head}\r\nhost: ${new URL(origin).host}\r\ntransfer-encoding: chunked\r\n\r\n`
  const { statuses } = await raw(origin, start + piece.repeat(most / 65_536), { forMs: 8_000 })
  return String(statuses[0] ?? 'closed')
}

const bodies: Row[] = [
  {
    name: 'a body without end or length',
    does: 'streams megabytes to sign-in, API, page’s calls and gate, and never says how many',
    async attack(world) {
      const { sessions, bed, ada } = world
      const { page } = await world.open(ada, 'pbmc')
      const route = Object.entries(await bed.pageCall(sessions.ada)).map(([name, value]) => `${name}: ${value}`)
      const login = `cookie: cxod-login=${ada.login}\r\norigin: ${bed.appUrl}`
      const own = `cookie: cxod-page=${page}\r\norigin: ${bed.viewUrl}\r\ncontent-type: application/json`
      const heads = [
        ['app', `POST /sign-in HTTP/1.1\r\norigin: ${bed.appUrl}\r\ncontent-type: application/x-www-form-urlencoded`],
        ['app', `POST /api/sessions HTTP/1.1\r\n${login}\r\ncontent-type: application/json`],
        ['view', `POST /v/pbmc/-/wake HTTP/1.1\r\n${own}`],
        ['view', `POST ${sessions.ada.routePath}api/v0.2/summarize/var HTTP/1.1\r\n${route.join('\r\n')}`],
      ] as const
      const words: string[] = []
      for (const [door, head] of heads) {
        const word = await endless(world, door, head, 4 * MiB)
        if (word !== '413' && word !== 'closed') throw new Error(`taken: ${head.split(' ')[1]} ${word}`)
        words.push(word)
      }
      return words.join(', ')
    },
    twin: readable,
  },
  {
    name: 'a body that says it is huge',
    does: 'announces 10 GB and sends nothing of it',
    async attack({ bed, ada, sessions }) {
      const words: string[] = []
      const route = Object.entries(await bed.pageCall(sessions.ada)).map(([name, value]) => `${name}: ${value}`)
      for (const [origin, head] of [
        [bed.appUrl, `POST /sign-in HTTP/1.1\r\norigin: ${bed.appUrl}`],
        [bed.appUrl, `POST /api/sessions HTTP/1.1\r\ncookie: cxod-login=${ada.login}\r\norigin: ${bed.appUrl}`],
        [
          bed.viewUrl,
          `PUT ${sessions.ada.routePath}api/v0.2/annotations/obs HTTP/1.1\r\nx-cxod-base: 1\r\n${route.join('\r\n')}`,
        ],
      ] as const) {
        const { statuses } = await raw(
          origin,
          `${head}\r\nhost: ${new URL(origin).host}\r\ncontent-length: 10000000000\r\n\r\n`,
          { forMs: 8_000 },
        )
        if (statuses[0] !== 413) throw new Error(`not told: ${statuses}`)
        words.push(String(statuses[0]))
      }
      return words.join(', ')
    },
    twin: readable,
  },
  {
    name: 'slow heads and slow bodies',
    does: 'fifty clients that send a letter now and then, to app, lobby and gate (slowloris)',
    async attack(world) {
      const { bed, sessions } = world
      const call = Object.entries(await bed.pageCall(sessions.ada)).map(([name, value]) => `${name}: ${value}`)
      const heads = [
        [bed.appUrl, 'GET / HTTP/1.1\r\nhost: x\r\nx-slow: '],
        [bed.viewUrl, 'GET /v/pbmc/ HTTP/1.1\r\nhost: x\r\nx-slow: '],
        [bed.appUrl, `POST /sign-in HTTP/1.1\r\nhost: x\r\norigin: ${bed.appUrl}\r\ncontent-length: 1000\r\n\r\n`],
        [
          bed.viewUrl,
          `PUT ${sessions.ada.routePath}api/v0.2/genesets HTTP/1.1\r\nhost: x\r\nx-cxod-base: none\r\n${call.join('\r\n')}\r\ncontent-length: 1000\r\n\r\n`,
        ],
      ] as const
      const slow = Array.from({ length: 52 }, (_, n) => heads[n % heads.length] ?? heads[0]).map(([origin, head]) =>
        raw(origin, head, { forMs: 30_000, drip: { piece: 'a', everyMs: 100 } }),
      )
      // Meanwhile everybody else is served.
      await readable(world)
      allowed(await world.app('/sign-in'))
      const ends = await Promise.all(slow)
      if (ends.some(({ closed }) => !closed)) throw new Error('some are still connected')
      const statuses = new Set(ends.map(({ statuses: [first] }) => first ?? 'closed'))
      return `all ended by the door: ${[...statuses].join(', ')}`
    },
    twin: readable,
  },
]

const requests: Row[] = [
  {
    name: '100,000 small requests',
    does: 'asks as fast as it can, one behind the other, on few connections',
    async attack(world) {
      const origin = world.bed.appUrl
      const before = world.bed.log().length
      const one = `GET /api/me HTTP/1.1\r\nhost: ${new URL(origin).host}\r\n\r\n`
      const batch = one.repeat(500) + one.replace('\r\n\r\n', '\r\nconnection: close\r\n\r\n')
      const counts = new Map<number, number>()
      let answered = 0
      while (answered < 100_000) {
        const all = await Promise.all(Array.from({ length: 4 }, () => raw(origin, batch, { forMs: 60_000 })))
        for (const status of all.flatMap(({ statuses }) => statuses)) {
          // 408: the door's patience in this world is short, and a slow machine's queue may outlast it.
          if (status !== 401 && status !== 408) throw new Error(`one got through: ${status}`)
          counts.set(status, (counts.get(status) ?? 0) + 1)
          answered += 1
        }
      }
      const grown = world.bed.log().length - before
      if (grown > 10_000) throw new Error(`the log grew by ${grown} bytes`)
      return `${[...counts].map(([status, count]) => `${count} × ${status}`).join(', ')}, the log did not grow`
    },
    twin: async (world) => {
      await readable(world)
      allowed(await world.app('/api/me', { headers: { cookie: `cxod-login=${world.ada.login}` } }))
    },
  },
]

export const floodRows: readonly Row[] = [...bombs, ...bodies, ...requests]
