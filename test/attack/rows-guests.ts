/** Guests of launch links: after the link is over, on pages that are not theirs, and where only users may be. */
import { hashSecret, newSecret } from '../../functions/auth/secrets.ts'
import { guestOwnerId, type LaunchLink } from '../../functions/core/link.ts'
import { createLinkStore } from '../../functions/platform/dynamo/links.ts'
import { createLoginStore } from '../../functions/platform/dynamo/logins.ts'
import { cookiesOf, type Reply } from './http.ts'
import { allowed, type Row, refused } from './row.ts'
import { minutes, status, wake } from './rows-ended.ts'
import type { World } from './world.ts'

type Guest = { pageId: string; cookie: string; link: LaunchLink; key: string }

/** A guest who came by a link, straight in the store, so that time can have passed. */
async function guest(world: World, over: Partial<LaunchLink> = {}): Promise<Guest> {
  const id = [...newSecret()]
    .map((letter) => 'abcdefghijklmnopqrstuvwxyz234567'[letter.charCodeAt(0) % 32])
    .join('')
    .slice(0, 12)
  const now = Date.now()
  const link: LaunchLink = {
    ...{ id, datasetId: 'pbmc', createdBy: world.ada.who.id, createdByName: 'ada', createdAt: now - 60_000 },
    ...{ expiresAt: now + 60 * minutes, revokedAt: null, mode: 'annotate', note: '', guestNames: null },
    ...{ maxGuests: null, guests: 0, ...over },
  }
  const links = createLinkStore(world.store.table)
  await links.create({ ...link, revokedAt: null })
  const key = 'gail-0123456789ab'
  await links.addGuest(link, { linkId: id, key, name: 'Gail', createdAt: now })
  if (link.revokedAt !== null) await links.revoke(id, link.revokedAt)
  const cookie = newSecret()
  const login = {
    id: hashSecret(cookie),
    userName: guestOwnerId(id, key),
    generation: 0,
    createdAt: now,
    expiresAt: now + 60 * minutes,
  }
  await createLoginStore(world.store.table).create(login)
  return { pageId: `pbmc~${id}`, cookie, link, key }
}

/** The way of a guest's browser; throws nothing, so that a refusal can be looked at. */
async function enter({ view, app }: World, { pageId, cookie }: Guest, as = 'cxod-guest', to = pageId): Promise<Reply> {
  const asked = await view(`/v/${to}/`)
  const nonce = cookiesOf(asked).get('cxod-nonce') ?? ''
  const open = new URL(asked.headers.location ?? '')
  const given = await app(open.pathname + open.search, { headers: { cookie: `${as}=${cookie}` } })
  if (given.status !== 303 || !given.headers.location?.includes('ticket='))
    return given.status === 303 ? { ...given, status: 401 } : given
  const at = new URL(given.headers.location)
  return view(at.pathname + at.search, { headers: { cookie: `cxod-nonce=${nonce}` } })
}
const guestTwin = async (world: World) => allowed(await enter(world, await guest(world)), 303)

const guests: Row[] = [
  {
    name: 'a guest after the link was revoked',
    does: 'comes back with the cookie, and goes on in the open page',
    async attack(world) {
      const gail = await guest(world)
      const page = cookiesOf(await enter(world, gail)).get('cxod-page') ?? ''
      allowed(await status(world, page, gail.pageId))
      await createLinkStore(world.store.table).revoke(gail.link.id, Date.now())
      const words = [
        refused(await status(world, page, gail.pageId), 401, 403),
        refused(await wake(world, page, gail.pageId), 401, 403),
      ]
      return `status ${words[0]}, wake ${words[1]}, again ${refused(await enter(world, gail), 403)}`
    },
    twin: guestTwin,
  },
  {
    name: 'a guest after the link expired',
    does: 'comes back with a cookie that is still good',
    async attack(world) {
      return refused(await enter(world, await guest(world, { expiresAt: Date.now() - 1000 })), 403)
    },
    twin: guestTwin,
  },
  {
    name: 'a guest of one link on another’s page',
    does: 'takes the page’s address of another link to the same dataset',
    async attack(world) {
      const [gail, other] = [await guest(world), await guest(world)]
      const page = cookiesOf(await enter(world, gail)).get('cxod-page') ?? ''
      const words = [
        refused(await enter(world, gail, 'cxod-guest', other.pageId), 403),
        refused(await status(world, page, other.pageId), 401, 403),
      ]
      return words.join(', ')
    },
    twin: guestTwin,
  },
  {
    name: 'a guest on a user’s page',
    does: 'leaves the link out of the address',
    async attack(world) {
      const gail = await guest(world)
      const page = cookiesOf(await enter(world, gail)).get('cxod-page') ?? ''
      const words = [
        refused(await enter(world, gail, 'cxod-guest', 'pbmc'), 401),
        refused(await enter(world, gail, 'cxod-login', 'pbmc'), 401),
        refused(await status(world, page, 'pbmc'), 401),
      ]
      return words.join(', ')
    },
    twin: guestTwin,
  },
  {
    name: 'a user on a guest’s page',
    does: 'a signed-in browser opens a guest’s page: it becomes nobody’s, and never the user’s',
    async attack(world) {
      const gail = await guest(world)
      const words = [
        refused(await enter(world, { ...gail, cookie: world.ada.login }, 'cxod-login'), 403),
        refused(await enter(world, { ...gail, cookie: world.ada.login }), 403),
        refused(await status(world, (await world.open(world.ada, 'pbmc')).page, gail.pageId), 401, 403),
      ]
      return words.join(', ')
    },
    twin: guestTwin,
  },
  {
    name: 'a guest on the API and the pages of the launcher',
    does: 'sends the guest’s cookie under every name to what is for users',
    async attack(world) {
      const gail = await guest(world)
      const words = new Set<string>()
      for (const name of ['cxod-guest', 'cxod-login'])
        for (const path of [
          '/api/me',
          '/api/datasets',
          '/api/sessions',
          `/api/links/${gail.link.id}`,
          '/gate/vault/labels/1',
        ])
          words.add(refused(await world.app(path, { headers: { cookie: `${name}=${gail.cookie}` } }), 401))
      const page = await world.app('/datasets/pbmc', { headers: { cookie: `cxod-login=${gail.cookie}` } })
      words.add(refused(page, 303))
      return [...words].join(', ')
    },
    async twin(world) {
      await guestTwin(world)
      allowed(await world.app('/api/me', { headers: { cookie: `cxod-login=${world.ada.login}` } }))
    },
  },
  {
    name: 'a link’s secret guessed',
    does: 'tries secrets, the link’s number alone, another link’s secret, a made-up link',
    async attack(world) {
      const { app, bed, ada } = world
      const make = async () => {
        const headers = { origin: bed.appUrl, cookie: `cxod-login=${ada.login}`, 'content-type': 'application/json' }
        const made = await app('/api/datasets/pbmc/links', {
          method: 'POST',
          headers,
          body: '{"mode":"view","expiresInHours":1}',
        })
        return JSON.parse(made.text) as { id: string; url: string }
      }
      const [link, other] = [await make(), await make()]
      const words = new Set<string>()
      const secrets = ['', 'x', link.id, 'a'.repeat(43), other.url.split('#')[1] ?? '', `gail.${'a'.repeat(43)}`]
      for (const secret of secrets) words.add(refused(await arrive(world, link.id, secret), 403))
      words.add(refused(await arrive(world, 'a'.repeat(12), link.url.split('#')[1] ?? ''), 403))
      // The right one still gets in.
      allowed(await arrive(world, link.id, link.url.split('#')[1] ?? ''))
      return [...words].join(', ')
    },
    // The right secret above.
    async twin() {},
  },
]

const arrive = ({ app, bed }: World, link: string, secret: string) =>
  app(`/l/${link}`, {
    method: 'POST',
    body: String(new URLSearchParams({ secret, name: 'Gail', enter: '1' })),
    headers: { origin: bed.appUrl, 'content-type': 'application/x-www-form-urlencoded' },
  })

export const guestRows: readonly Row[] = guests
