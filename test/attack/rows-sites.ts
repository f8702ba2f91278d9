/** Another site that acts through the victim's browser: every change is refused unless one of our own pages asks for it. */
import { deflateSync } from 'node:zlib'
import { cookiesOf, type Reply } from './http.ts'
import { allowed, type Row, refused } from './row.ts'
import { rightPassword, type World } from './world.ts'

const form = { 'content-type': 'application/x-www-form-urlencoded' }
const json = { 'content-type': 'application/json' }

/** Who a browser says that a page of another site is; the last is none at all, as old browsers and programs say it. */
const strangers = (own: string): readonly (string | undefined)[] => {
  const { protocol, hostname, port } = new URL(own)
  return [
    'https://evil.example',
    'null',
    `${protocol}//${hostname}:1`,
    `https://${hostname}:${port}`,
    `${protocol}//x.${hostname}:${port}`,
    `${own}.evil.example`,
    `${own}/`,
    undefined,
  ]
}

type Change = {
  name: string
  does: string
  door: 'app' | 'view'
  /** @param origin of the page that asks */
  send(world: World, origin: Record<string, string>): Promise<Reply>
  ok: number
}

const cookie = ({ ada }: World) => ({ cookie: `cxod-login=${ada.login}` })
const pageOf = async (world: World) => ({ cookie: `cxod-page=${(await world.open(world.ada, 'pbmc')).page}` })
const post =
  (path: string, body: string, type: Record<string, string>) => (world: World, origin: Record<string, string>) =>
    world.app(path.replace(':session', world.sessions.ada.id), {
      method: 'POST',
      body,
      headers: { ...type, ...cookie(world), ...origin },
    })
const call = (name: string, body: string) => async (world: World, origin: Record<string, string>) =>
  world.view(`/v/pbmc/-/${name}`, { method: 'POST', body, headers: { ...json, ...(await pageOf(world)), ...origin } })

const link = '{"mode":"view","expiresInHours":1}'
const changes: readonly Change[] = [
  {
    name: 'launch by form',
    does: 'starts a viewer',
    door: 'app',
    send: post('/datasets/pbmc/launch', '', form),
    ok: 303,
  },
  {
    name: 'launch by API',
    does: 'starts a viewer',
    door: 'app',
    send: post('/api/sessions', '{"datasetId":"pbmc"}', json),
    ok: 200,
  },
  {
    name: 'launch by API as text',
    does: 'hides the JSON in what a form can send',
    door: 'app',
    send: async (world, origin) => {
      if (origin.origin === world.bed.appUrl) return post('/api/sessions', '{"datasetId":"pbmc"}', json)(world, origin)
      return post('/api/sessions', '{"datasetId":"pbmc"}', { 'content-type': 'text/plain' })(world, origin)
    },
    ok: 200,
  },
  {
    name: 'keep a viewer by form',
    does: 'keeps it awake',
    door: 'app',
    send: post('/sessions/:session/keep', '', form),
    ok: 303,
  },
  {
    name: 'keep a viewer by API',
    does: 'keeps it awake',
    door: 'app',
    send: post('/api/sessions/:session/keep', '', json),
    ok: 200,
  },
  {
    name: 'a launch link by API',
    does: 'hands the dataset out',
    door: 'app',
    send: post('/api/datasets/pbmc/links', link, json),
    ok: 201,
  },
  {
    name: 'a token by API',
    does: 'makes a token for scripts',
    door: 'app',
    send: post('/api/token', '', json),
    ok: 201,
  },
  {
    name: 'sign-in',
    does: 'signs the victim in as the attacker, to read what they then label (login CSRF)',
    door: 'app',
    send: ({ app }, origin) =>
      app('/sign-in', {
        method: 'POST',
        body: String(new URLSearchParams({ name: 'bob', password: rightPassword })),
        headers: { ...form, ...origin },
      }),
    ok: 303,
  },
  {
    name: 'sign-out',
    does: 'signs the victim out',
    door: 'app',
    send: async (world, origin) => {
      const { login } = await world.signIn('bob')
      const gone = await world.app('/sign-out', {
        method: 'POST',
        headers: { ...form, cookie: `cxod-login=${login}`, ...origin },
      })
      const after = await world.app('/api/me', { headers: { cookie: `cxod-login=${login}` } })
      // Whatever it answered: was the login ended?
      return { ...gone, status: after.status === 401 ? 303 : gone.status }
    },
    ok: 303,
  },
  {
    name: 'wake',
    does: 'starts a viewer from the page’s calls',
    door: 'view',
    send: call('wake', '{"by":"click"}'),
    ok: 200,
  },
  { name: 'keep', does: 'keeps it awake from the page’s calls', door: 'view', send: call('keep', '{}'), ok: 200 },
  {
    name: 'merge',
    does: 'writes into the victim’s labels from the page’s calls',
    door: 'view',
    send: async (world, origin) => {
      const headers = {
        'content-type': 'application/octet-stream',
        'x-cxod-dataset-version': 'version-of-pbmc',
        'x-cxod-base': 'none',
      }
      const body = deflateSync('not a table')
      const reply = await world.view('/v/pbmc/-/merge/labels', {
        method: 'POST',
        body,
        headers: { ...headers, ...(await pageOf(world)), ...origin },
      })
      // Past the check of the origin, what it says is about the table.
      return { ...reply, status: reply.status === 403 ? 403 : 400 }
    },
    ok: 400,
  },
]

const forged: Row[] = changes.map(({ name, does, door, send, ok }) => ({
  name: `another site: ${name}`,
  does,
  async attack(world) {
    const own = door === 'app' ? world.bed.appUrl : world.bed.viewUrl
    const others = [...strangers(own), door === 'app' ? world.bed.viewUrl : world.bed.appUrl]
    const words = new Set<string>()
    for (const origin of others) {
      const reply = await send(world, origin === undefined ? {} : { origin })
      if (cookiesOf(reply).size > 0) throw new Error(`a cookie for ${origin}`)
      words.add(refused(reply, 403))
    }
    return `${[...words].join(', ')} (${others.length} origins)`
  },
  async twin(world) {
    allowed(await send(world, { origin: door === 'app' ? world.bed.appUrl : world.bed.viewUrl }), ok)
  },
}))

const rest: Row[] = [
  {
    name: 'a GET that changes something',
    does: 'an image, a link preview or an uptime check asks for every address that changes something',
    async attack(world) {
      const { app, view, bed, sessions, ada } = world
      const before = (await bed.launcher.listSessions(ada.who)).map(({ id, state }) => id + state)
      const headers = cookie(world)
      for (const path of [
        '/datasets/pbmc/launch',
        `/sessions/${sessions.ada.id}/stop`,
        `/api/sessions/${sessions.ada.id}/stop`,
        '/sign-out',
      ])
        refused(await app(path, { headers }), 405)
      const page = await pageOf(world)
      for (const path of ['wake', 'stop', 'keep', 'merge/labels'])
        refused(await view(`/v/pbmc/-/${path}`, { headers: page }), 404, 405)
      allowed(await app('/api/me', { headers }))
      const after = (await bed.launcher.listSessions(ada.who)).map(({ id, state }) => id + state)
      if (after.join() !== before.join()) throw new Error('a session changed')
      return '404 or 405, nothing changed'
    },
    async twin(world) {
      allowed(await world.app(`/api/sessions/${world.sessions.ada.id}`, { headers: cookie(world) }))
    },
  },
  {
    name: 'a save by another site',
    does: 'sends labels to the victim’s route; a page of another site can’t set the headers that a save needs',
    async attack({ bed, view, sessions: { ada } }) {
      const { cookie: route = '' } = await bed.pageCall(ada)
      const body = deflateSync('of somebody else')
      const save = { method: 'PUT', body, headers: { cookie: route, origin: 'https://evil.example' } }
      const word = refused(await view(`${ada.routePath}api/v0.2/annotations/obs`, save), 409)
      // And no answer of ours lets a browser send them.
      const asked = {
        'access-control-request-method': 'PUT',
        'access-control-request-headers': 'x-cxod-owner',
        origin: 'https://evil.example',
      }
      const preflight = await view(`${ada.routePath}api/v0.2/annotations/obs`, {
        method: 'OPTIONS',
        headers: { cookie: route, ...asked },
      })
      if (preflight.headers['access-control-allow-origin'] !== undefined) throw new Error('CORS is open')
      return `${word}; preflight ${preflight.status}`
    },
    async twin({ bed, view, sessions: { ada } }) {
      allowed(await view(`${ada.routePath}api/v0.2/annotations/obs`, { headers: await bed.pageCall(ada) }))
    },
  },
  {
    name: 'reading by another site',
    does: 'asks app, lobby and route as a page of another site: no answer says that it may read',
    async attack(world) {
      const { app, view, bed, sessions } = world
      const origin = 'https://evil.example'
      const route = await bed.pageCall(sessions.ada)
      const replies = [
        await app('/api/me', { headers: { ...cookie(world), origin } }),
        await view('/v/pbmc/-/status', { headers: { ...(await pageOf(world)), origin } }),
        await view(`${sessions.ada.routePath}api/v0.2/annotations/obs`, { headers: { ...route, origin } }),
      ]
      for (const { headers } of replies) {
        if (Object.keys(headers).some((name) => name.startsWith('access-control'))) throw new Error('CORS is open')
        if (headers['cross-origin-resource-policy'] !== 'same-origin') throw new Error('other sites may embed it')
      }
      return 'no CORS, resource policy same-origin'
    },
    async twin(world) {
      allowed(await world.app('/api/me', { headers: cookie(world) }))
    },
  },
  {
    name: 'a return to another site after sign-in',
    does: 'sends the victim a sign-in page that leads elsewhere afterwards',
    async attack({ app, bed }) {
      const targets = [
        '//evil.example',
        '/\\evil.example',
        'https://evil.example',
        '/\t/evil.example',
        '\\\\evil.example',
        'javascript:alert(1)',
      ]
      for (const to of targets) {
        const body = String(new URLSearchParams({ name: 'bob', password: rightPassword, return: to }))
        const reply = await app('/sign-in', { method: 'POST', body, headers: { ...form, origin: bed.appUrl } })
        if (new URL(reply.headers.location ?? 'x:', bed.appUrl).origin !== bed.appUrl)
          throw new Error(`${to}: ${reply.headers.location}`)
      }
      return `stays (${targets.length} spellings)`
    },
    async twin({ app, bed }) {
      const body = String(new URLSearchParams({ name: 'bob', password: rightPassword, return: '/datasets/pbmc' }))
      const reply = await app('/sign-in', { method: 'POST', body, headers: { ...form, origin: bed.appUrl } })
      if (reply.headers.location !== '/datasets/pbmc') throw new Error(`${reply.headers.location}`)
    },
  },
]

export const siteRows: readonly Row[] = [...forged, ...rest]
