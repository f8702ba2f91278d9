/** What was right once: after sign-out, disabling, another group, another password, an ended session. */
import { deflateSync } from 'node:zlib'
import { decodeJwt } from 'jose'
import { issueRouteCookie } from '../../functions/auth/tickets.ts'
import { createUserStore } from '../../functions/platform/dynamo/users.ts'
import { cookiesOf, type Reply } from './http.ts'
import { allowed, type Row, refused } from './row.ts'
import { type Person, rightPassword, type World } from './world.ts'

let people = 0
/** Somebody of this row alone, with a page open. */
async function somebody(world: World, groups: string[] = []) {
  const name = `person-${++people}`
  await world.addUser(name, groups)
  const person = await world.signIn(name)
  const pageId = groups.length > 0 ? 'liver' : 'pbmc'
  const { page } = await world.open(person, pageId)
  return { name, person, page, pageId }
}

const asPage = (page: string) => ({ cookie: `cxod-page=${page}` })
export const status = ({ view }: World, page: string, pageId = 'pbmc') =>
  view(`/v/${pageId}/-/status`, { headers: asPage(page) })
export const wake = ({ view, bed }: World, page: string, pageId = 'pbmc') =>
  view(`/v/${pageId}/-/wake`, {
    method: 'POST',
    body: '{"by":"click"}',
    headers: { ...asPage(page), origin: bed.viewUrl, 'content-type': 'application/json' },
  })
const change = (world: World, name: string, over: object) => async () => {
  const users = createUserStore(world.store.table)
  const user = await users.get(name)
  if (user) await users.put({ ...user, ...over })
}

/** What ended somebody's login does to the page they have open. */
const ended = (
  name: string,
  does: string,
  end: (world: World, who: { name: string; person: Person }) => Promise<void>,
  groups: string[] = [],
  code = 401,
): Row => ({
  name: `an open page after ${name}`,
  does,
  async attack(world) {
    const { page, pageId, ...who } = await somebody(world, groups)
    allowed(await status(world, page, pageId))
    await end(world, who)
    const words = [refused(await status(world, page, pageId), code), refused(await wake(world, page, pageId), code)]
    const again = await world.view(`/v/${pageId}/`, { headers: asPage(page) })
    if (again.status === 200) throw new Error('the page loads again')
    const sessions = await world.bed.launcher.listSessions(who.person.who)
    if (sessions.length > 0) throw new Error('a viewer was started')
    return `status ${words[0]}, wake ${words[1]}, page ${again.status}`
  },
  async twin(world) {
    const { page, pageId } = await somebody(world, groups)
    allowed(await status(world, page, pageId))
  },
})

const signOut = ({ app, bed }: World, { login }: Person) =>
  app('/sign-out', {
    method: 'POST',
    headers: { origin: bed.appUrl, cookie: `cxod-login=${login}`, 'content-type': 'application/x-www-form-urlencoded' },
  })

const pages: Row[] = [
  ended(
    'sign-out',
    'goes on in a tab that was left open',
    async (world, { person }) => void (await signOut(world, person)),
  ),
  ended('the account was disabled', 'goes on working', (world, { name }) => change(world, name, { disabled: true })()),
  ended(
    'the group was taken away',
    'goes on in the group’s dataset',
    (world, { name }) => change(world, name, { groups: [] })(),
    ['lab'],
    403,
  ),
  ended(
    'another password was set',
    'goes on with what was opened by the old one',
    async (world, { person: { login } }) => {
      const body = JSON.stringify({ current: rightPassword, next: 'another good password' })
      const headers = { origin: world.bed.appUrl, cookie: `cxod-login=${login}`, 'content-type': 'application/json' }
      allowed(await world.app('/api/me/password', { method: 'PUT', body, headers }), 204)
    },
  ),
]

export const minutes = 60_000
const tokens: Row[] = [
  {
    name: 'the route after its cookie’s life',
    does: 'goes on calling the viewer after the page was refused a new cookie',
    async attack(world) {
      const { sessions, keys, bed, view } = world
      const { page } = await world.open(world.ada, 'pbmc')
      // It can't be asked, it only reads the cookie: so the cookie must be short.
      const { exp = 0, iat = 0 } = decodeJwt(await world.routeCookie(page, 'pbmc'))
      if (exp - iat > 600) throw new Error(`it lives ${exp - iat} s`)
      const claim = { ownerId: world.ada.who.id, sessionId: sessions.ada.id, datasetId: 'pbmc' }
      const old = await issueRouteCookie(claim, { keys, clock: { now: () => Date.now() - 10 * minutes - 1000 } })
      const headers = { ...(await bed.pageCall(sessions.ada)), cookie: `cxod-route=${old}`, 'x-cxod-base': '1' }
      const read = refused(await view(`${sessions.ada.routePath}api/v0.2/config`, { headers }), 401)
      const save = await view(`${sessions.ada.routePath}api/v0.2/annotations/obs`, {
        method: 'PUT',
        headers,
        body: deflateSync('late'),
      })
      return `read ${read}, save ${refused(save, 401)}, at most ${exp - iat} s`
    },
    async twin({ view, bed, sessions: { ada } }) {
      allowed(await view(`${ada.routePath}api/v0.2/config`, { headers: await bed.pageCall(ada) }))
    },
  },
  {
    name: 'an API token after sign-out',
    does: 'keeps the token that a signed-in browser made',
    async attack(world) {
      const { person } = await somebody(world)
      const bearer = await tokenOf(world, person)
      allowed(await world.app('/api/me', { headers: bearer }))
      await signOut(world, person)
      return refused(await world.app('/api/me', { headers: bearer }), 401)
    },
    async twin(world) {
      const { person } = await somebody(world)
      allowed(await world.app('/api/me', { headers: await tokenOf(world, person) }))
    },
  },
  {
    name: 'an API token that renews itself',
    does: 'makes a new token with the old one, for ever',
    async attack(world) {
      const bearer = await tokenOf(world, world.ada)
      return refused(await world.app('/api/token', { method: 'POST', headers: bearer }), 403)
    },
    async twin(world) {
      await tokenOf(world, world.ada)
    },
  },
  {
    name: 'the login cookie after sign-out',
    does: 'sends it once more',
    async attack(world) {
      const { person } = await somebody(world)
      await signOut(world, person)
      return refused(await world.app('/api/me', { headers: { cookie: `cxod-login=${person.login}` } }), 401)
    },
    async twin(world) {
      const { person } = await somebody(world)
      allowed(await world.app('/api/me', { headers: { cookie: `cxod-login=${person.login}` } }))
    },
  },
  {
    name: 'the gate of an ended session',
    does: 'a viewer that was stopped, or taken over, goes on saving',
    async attack(world) {
      const { person } = await somebody(world)
      const { launcher, untilReady } = world.bed
      await launcher.launch(person.who, 'pbmc', { by: 'click' })
      const session = await untilReady(person.who, 'pbmc')
      const gate = await gateOf(world, person, session.id, session.createdAt)
      await launcher.stop(person.who, session.id)
      await over(world, person)
      return refused(await gate(), 409)
    },
    async twin(world) {
      const { ada } = world.sessions
      allowed(await (await gateOf(world, world.ada, ada.id, ada.createdAt))('GET'))
    },
  },
  {
    name: 'the admin link twice',
    does: 'opens the link that the launcher printed after the administrator did',
    async attack(world) {
      const secret = world.bed.signInUrl.split('#')[1] ?? ''
      allowed(await byLink(world, secret), 303)
      const again = await byLink(world, secret)
      if (cookiesOf(again).has('cxod-login')) throw new Error('signed in')
      return refused(again, 401)
    },
    // The first use above is the twin: there is one link per start.
    async twin() {},
  },
]

const byLink = ({ app, bed }: World, secret: string) =>
  app('/sign-in/link', {
    method: 'POST',
    body: String(new URLSearchParams({ secret })),
    headers: { origin: bed.appUrl, 'content-type': 'application/x-www-form-urlencoded' },
  })

async function tokenOf({ app, bed }: World, { login }: Person): Promise<{ authorization: string }> {
  const reply = await app('/api/token', {
    method: 'POST',
    headers: { origin: bed.appUrl, cookie: `cxod-login=${login}` },
  })
  allowed(reply, 201)
  return { authorization: `Bearer ${(JSON.parse(reply.text) as { token: string }).token}` }
}

async function over({ bed }: World, { who }: Person): Promise<void> {
  for (let left = 200; left > 0; left -= 1) {
    const session = await bed.launcher.findSession(who, 'pbmc')
    if (session?.state === 'stopped' || session?.state === 'failed') return
    await bed.launcher.reap()
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error('the session does not end')
}

/** As the gate of a session speaks: here, once, to save or to read. */
async function gateOf({ keys, app }: World, { who }: Person, sessionId: string, createdAt: number) {
  const { createGateTokens } = await import('../../functions/auth/gate-token.ts')
  const limits = { lifetimeMs: 60 * minutes, startCapMs: 60 * minutes }
  const tokens = createGateTokens({ keys, clock: { now: () => Date.now() }, limits })
  const token = await tokens.sign({ id: sessionId, ownerId: who.id, datasetId: 'pbmc', createdAt })
  const headers = { authorization: `Bearer ${token}`, 'if-none-match': '*', 'x-request-sha256': 'a'.repeat(64) }
  return (method = 'PUT'): Promise<Reply> =>
    method === 'GET'
      ? app('/gate/vault/labels/1', { headers })
      : app('/gate/vault/labels', { method, headers, body: 'index,late\n' })
}

export const endedRows: readonly Row[] = [...pages, ...tokens]
