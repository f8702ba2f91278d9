/** Tickets, page cookies, route cookies, API tokens and gate tokens: forged, old, somebody else's, and used in one another's place. */
import { hashNonce, newNonce } from '../../functions/auth/tickets.ts'
import { flaws, sign, type Token } from './forge.ts'
import { cookiesOf, type Reply } from './http.ts'
import { allowed, type Row, refused } from './row.ts'
import type { World } from './world.ts'

const now = () => Math.floor(Date.now() / 1000)

type Kind = {
  name: string
  /** One with nothing wrong. */
  right(world: World): Token
  /** Uses it as its owner would. */
  use(token: string, world: World): Promise<Reply>
  ok: number
  refusedWith: number
}

const nonce = newNonce()
const page = (world: World) => ({ sub: world.ada.who.id, name: 'ada', login: world.ada.loginId })
const redeem = (token: string, { view }: World, pageId = 'pbmc') =>
  view(`/v/${pageId}/-/enter?ticket=${token}`, { headers: { cookie: `cxod-nonce=${nonce}` } })

const ticket: Kind = {
  name: 'ticket',
  right: (world) => ({
    header: { typ: 'cxod-ticket+jwt', kid: world.keys.kid },
    claims: {
      ...{ ...page(world), page: 'pbmc', nonce: hashNonce(nonce), jti: crypto.randomUUID() },
      ...{ aud: world.bed.viewUrl, iat: now(), exp: now() + 60 },
    },
  }),
  use: redeem,
  ok: 303,
  refusedWith: 403,
}
const pageCookie: Kind = {
  name: 'page cookie',
  right: (world) => ({
    header: { typ: 'cxod-page+jwt', kid: world.keys.kid },
    claims: { ...page(world), page: 'pbmc', aud: world.bed.viewUrl, iat: now(), exp: now() + 3600 },
  }),
  use: (token, { view }) => view('/v/pbmc/-/status', { headers: { cookie: `cxod-page=${token}` } }),
  ok: 200,
  refusedWith: 401,
}
const routeCookie: Kind = {
  name: 'route cookie',
  right: (world) => ({
    header: { typ: 'JWT', kid: world.keys.kid },
    claims: {
      ...{ sub: world.ada.who.id, ses: world.sessions.ada.id, ds: 'pbmc' },
      ...{ aud: 'route', iat: now(), exp: now() + 600 },
    },
  }),
  use: (token, world) => world.view(`${world.sessions.ada.routePath}api/v0.2/config`, { headers: call(world, token) }),
  ok: 200,
  refusedWith: 401,
}
const apiToken: Kind = {
  name: 'API token',
  right: (world) => ({
    header: { typ: 'at+jwt', kid: world.keys.kid },
    claims: {
      ...{ login: world.ada.loginId, sub: world.ada.who.id, iss: world.bed.appUrl, aud: world.bed.appUrl },
      ...{ iat: now(), exp: now() + 3600 },
    },
  }),
  use: (token, { app }) => app('/api/me', { headers: { authorization: `Bearer ${token}` } }),
  ok: 200,
  refusedWith: 401,
}
const gateToken: Kind = {
  name: 'gate token',
  right: (world) => ({
    header: { typ: 'gate+jwt', kid: world.keys.kid },
    claims: {
      ...{ own: world.ada.who.id, ds: 'pbmc', sub: world.sessions.ada.id, aud: 'gate' },
      ...{ iat: now(), exp: now() + 3600 },
    },
  }),
  use: (token, { app }) => app('/gate/vault/labels/1', { headers: { authorization: `Bearer ${token}` } }),
  ok: 200,
  refusedWith: 401,
}
const kinds = [ticket, pageCookie, routeCookie, apiToken, gateToken]

/** As ada's page calls its route. */
const call = (world: World, cookie: string) => ({
  cookie: `cxod-route=${cookie}`,
  'x-cxod-owner': world.ada.who.id,
  'x-cxod-dataset-version': 'version-of-pbmc',
})

const twinOf = (kind: Kind) => async (world: World) =>
  allowed(await kind.use(await sign(kind.right(world), world.keys), world), kind.ok)

const forged: Row[] = kinds.flatMap((kind) =>
  flaws.map((flaw) => ({
    name: `${kind.name} ${flaw.name}`,
    does: flaw.does,
    async attack(world) {
      return refused(await kind.use(await flaw.make(kind.right(world), world.keys), world), kind.refusedWith)
    },
    twin: twinOf(kind),
  })),
)

/** A route's cookie is told by its audience alone. */
const typed: Row[] = kinds
  .filter((kind) => kind !== routeCookie)
  .map((kind) => ({
    name: `${kind.name} of another type`,
    does: 'the same claims under another `typ`, or none',
    async attack(world) {
      const { header, claims } = kind.right(world)
      const answers = ['JWT', 'cxod-other+jwt', undefined].map(async (typ) => {
        const { typ: _, ...rest } = header
        const token = await sign({ header: typ === undefined ? rest : { ...rest, typ }, claims }, world.keys)
        return refused(await kind.use(token, world), kind.refusedWith)
      })
      return [...new Set(await Promise.all(answers))].join(', ')
    },
    twin: twinOf(kind),
  }))

/** Every token in every other one's place. */
const swapped: Row[] = kinds.flatMap((place) =>
  kinds
    .filter((kind) => kind !== place)
    .map((kind) => ({
      name: `${kind.name} as ${place.name}`,
      does: 'uses a token that is good elsewhere',
      async attack(world) {
        return refused(await place.use(await sign(kind.right(world), world.keys), world), place.refusedWith)
      },
      twin: twinOf(place),
    })),
)

const changed = (
  kind: Kind,
  name: string,
  does: string,
  claims: (world: World) => object,
  status = kind.refusedWith,
): Row => ({
  name: `${kind.name} ${name}`,
  does,
  async attack(world) {
    const { header, claims: right } = kind.right(world)
    return refused(
      await kind.use(await sign({ header, claims: { ...right, ...claims(world) } }, world.keys), world),
      status,
    )
  },
  twin: twinOf(kind),
})

const bobs = ({ bob }: World) => ({ sub: bob.who.id, name: 'bob', login: bob.loginId })

const others: Row[] = [
  changed(ticket, 'of another dataset', 'redeems it on another page', () => ({ page: 'liver' })),
  changed(ticket, 'of another browser', 'redeems one that was made for another nonce', () => ({
    nonce: hashNonce(newNonce()),
  })),
  changed(ticket, 'without a nonce', 'takes the browser out of it', () => ({ nonce: undefined })),
  changed(ticket, 'with a long life', 'signs an hour into one of two minutes ago', () => ({
    iat: now() - 120,
    exp: now() + 3600,
  })),
  changed(ticket, 'of another’s login', 'puts their own name on ada’s login', ({ bob }) => ({ sub: bob.who.id })),
  {
    name: 'ticket used twice',
    does: 'takes it from a history or a shared screen, within its minute and with the nonce',
    async attack(world) {
      const token = await sign(ticket.right(world), world.keys)
      allowed(await redeem(token, world), 303)
      const again = await redeem(token, world)
      if (cookiesOf(again).has('cxod-page')) throw new Error('a second cookie')
      return refused(again, 403)
    },
    twin: twinOf(ticket),
  },
  {
    name: 'ticket in a browser that asked for nothing',
    does: 'sends the victim a link with a ticket of the attacker’s own (login CSRF)',
    async attack(world) {
      const token = await sign(ticket.right(world), world.keys)
      return refused(await world.view(`/v/pbmc/-/enter?ticket=${token}`), 403)
    },
    twin: twinOf(ticket),
  },
  changed(pageCookie, 'of another dataset', 'sends it to another page', () => ({ page: 'liver' })),
  changed(pageCookie, 'of another’s login', 'puts their own name on ada’s login', ({ bob }) => ({ sub: bob.who.id })),
  {
    name: 'page cookie without the right to the dataset',
    does: 'bob asks for the page of a group he is not in',
    async attack(world) {
      const { header, claims } = pageCookie.right(world)
      const token = await sign({ header, claims: { ...claims, ...bobs(world), page: 'liver' } }, world.keys)
      return refused(await world.view('/v/liver/-/status', { headers: { cookie: `cxod-page=${token}` } }), 403)
    },
    async twin(world) {
      const { header, claims } = pageCookie.right(world)
      const token = await sign({ header, claims: { ...claims, page: 'liver' } }, world.keys)
      allowed(await world.view('/v/liver/-/status', { headers: { cookie: `cxod-page=${token}` } }))
    },
  },
  changed(routeCookie, 'of another session', 'bob’s cookie on ada’s route', ({ sessions, bob }) => ({
    ses: sessions.bob.id,
    sub: bob.who.id,
  })),
  changed(routeCookie, 'of another session of one’s own', 'ada’s cookie for `liver` on her `pbmc`', ({ sessions }) => ({
    ses: sessions.liver.id,
    ds: 'liver',
  })),
  changed(routeCookie, 'of another owner', 'names ada’s session and bob', ({ bob }) => ({ sub: bob.who.id })),
  changed(routeCookie, 'of another dataset', 'names ada’s session and `liver`', () => ({ ds: 'liver' })),
  {
    name: 'the right route cookie, another’s page',
    does: 'a page that bob loaded goes on after ada signed in in the same browser',
    async attack(world) {
      const cookie = await sign(routeCookie.right(world), world.keys)
      const headers = { ...call(world, cookie), 'x-cxod-owner': world.bob.who.id }
      return refused(await world.view(`${world.sessions.ada.routePath}api/v0.2/config`, { headers }), 409)
    },
    twin: twinOf(routeCookie),
  },
  {
    name: 'the right route cookie, no page',
    does: 'calls the route without saying for whom the page was loaded',
    async attack(world) {
      const cookie = `cxod-route=${await sign(routeCookie.right(world), world.keys)}`
      return refused(await world.view(`${world.sessions.ada.routePath}api/v0.2/config`, { headers: { cookie } }), 409)
    },
    twin: twinOf(routeCookie),
  },
  changed(apiToken, 'of another’s login', 'puts their own name on ada’s login', ({ bob }) => ({ sub: bob.who.id })),
  changed(
    gateToken,
    'of another session',
    'bob’s gate asks for ada’s labels',
    ({ sessions }) => ({ sub: sessions.bob.id }),
    409,
  ),
  changed(gateToken, 'of a session that never was', 'a made-up session of ada’s', () => ({ sub: 'a'.repeat(20) }), 409),
  {
    name: 'login cookie as gate',
    does: 'a signed-in browser calls what gates call',
    async attack({ app, ada }) {
      return refused(await app('/gate/vault/labels/1', { headers: { cookie: `cxod-login=${ada.login}` } }), 401)
    },
    twin: twinOf(gateToken),
  },
  {
    name: 'login cookie, guessed or cut',
    does: 'sends another letter, the stored hash, or nothing',
    async attack({ app, ada }) {
      const values = [`${ada.login.slice(0, -1)}${ada.login.endsWith('A') ? 'B' : 'A'}`, ada.loginId, '', 'null']
      const words = new Set<string>()
      for (const value of values)
        words.add(refused(await app('/api/me', { headers: { cookie: `cxod-login=${value}` } }), 401))
      return [...words].join(', ')
    },
    async twin({ app, ada }) {
      allowed(await app('/api/me', { headers: { cookie: `cxod-login=${ada.login}` } }))
    },
  },
]

export const tokenRows: readonly Row[] = [...forged, ...typed, ...swapped, ...others]
