/** Launch links: their secrets (derived, never stored), and how a guest comes in by one. */
import { createHmac, timingSafeEqual } from 'node:crypto'
import { LauncherError } from '../core/errors.ts'
import { guestOwnerId, type LaunchLink, type LinkGuest, linkOver, parseGuestOwnerId } from '../core/link.ts'
import type { Clock, LinkStore, LoginStore, OnceStore } from '../core/ports.ts'
import type { Guest } from '../core/principal.ts'
import { addressKey } from './address.ts'
import { guestKeyOf, guestName } from './guest-names.ts'
import type { Keys } from './keys.ts'
import { defaultLoginMs } from './logins.ts'
import { createRateLimit } from './rate-limit.ts'
import { hashSecret, newSecret } from './secrets.ts'

const quarterHour = 15 * 60_000
/** Wrong secrets from one address; more of them are not even looked at. */
const guesses = { attempts: 30, windowMs: quarterHour }
/** Entries by one link: each writes a login and a line of the record, and whoever has the link could repeat it for ever. */
const entries = { attempts: 300, windowMs: quarterHour }
/** Refusals that one link's record keeps. Those after them are refused all the same. */
const keptRefusals = { attempts: 50, windowMs: 60 * 60_000 }
/** Where no number was given. */
const mostGuests = 1000

export type Entered = {
  /** Value of the guest's cookie; it exists nowhere else. */
  cookie: string
  /** Until when it is good, ms since 1970. */
  expiresAt: number
  link: LaunchLink
  guest: LinkGuest
  /** Their own address, to come back by from another browser. */
  personalUrl: string
}

export type Links = {
  /** The address to hand out; whoever has it may come in under a name of their own. */
  url(linkId: string): string
  /** The address of one guest; the only way in when the link names its guests. */
  personalUrl(linkId: string, guestKey: string): string
  /** What stands behind `#` → the link, for the landing page of who may come in. Throws `link-over`, `too-many-attempts`. */
  check(linkId: string, secret: string, address: string): Promise<LaunchLink>
  /** Lets a guest in. Throws as `check`, and `bad-request` (the name), `conflict` (the name is taken), `link-over` (full). */
  enter(attempt: { linkId: string; secret: string; name: string; address: string }): Promise<Entered>
  /** The guest behind a cookie of a link's pages; null when it, the link or the guest is over. */
  find(cookie: string, linkId: string): Promise<Guest | null>
  /** For what the login opened elsewhere. */
  checkLogin(loginId: string, ownerId: string): Promise<Guest | null>
  /** For the page of a guest whose login is not good any more: the words of a link that is over, or null when it stands. */
  whyOver(linkId: string): Promise<LauncherError | null>
}

export function createLinks(deps: {
  links: LinkStore
  logins: LoginStore
  once: OnceStore
  clock: Clock
  keys: Pick<Keys, 'derive'>
  appOrigin: string
}): Links {
  const { links, logins, clock } = deps
  const key = deps.keys.derive('launch links')
  const derive = (text: string) => createHmac('sha256', key).update(text).digest('base64url')
  const limit = createRateLimit(deps, 'launch-link', guesses)
  const entryLimit = createRateLimit(deps, 'launch-link-entry', entries)
  const equal = (a: string, b: string) => {
    const [left, right] = [Buffer.from(a), Buffer.from(b)]
    return left.length === right.length && timingSafeEqual(left, right)
  }
  const linkSecret = (linkId: string) => derive(`launch-link:${linkId}`)
  const guestSecret = (linkId: string, guestKey: string) => derive(`launch-link:${linkId}:guest:${guestKey}`)
  const url = (linkId: string) => `${deps.appOrigin}/l/${linkId}#${linkSecret(linkId)}`
  const personalUrl = (linkId: string, guestKey: string) =>
    `${deps.appOrigin}/l/${linkId}#${guestKey}.${guestSecret(linkId, guestKey)}`

  /** Which guest a secret names; null: the link's own secret. */
  async function read(linkId: string, secret: string, address: string) {
    const who = addressKey(address)
    limit.check(who)
    const link = await links.get(linkId)
    const dot = secret.indexOf('.')
    const guestKey = dot < 0 ? null : secret.slice(0, dot)
    const wanted = guestKey === null ? linkSecret(linkId) : guestSecret(linkId, guestKey)
    if (link === null || !equal(secret.slice(dot + 1), wanted)) {
      await limit.count(who)
      if (link !== null) await recordRefusal(link, 'a wrong address')
      throw notOurs()
    }
    const over = linkOver(link, clock.now())
    if (over !== null) {
      await recordRefusal(link, over === 'revoked' ? 'the link is revoked' : 'the link has expired')
      throw isOver(link, over)
    }
    return { link, guestKey }
  }

  const record = (link: LaunchLink, guest: LinkGuest | null, what: 'entered' | 'returned' | 'refused', detail = '') =>
    links.recordUse({
      linkId: link.id,
      at: clock.now(),
      guestKey: guest?.key ?? null,
      guestName: guest?.name ?? '',
      what,
      detail,
    })

  async function recordRefusal(link: LaunchLink, detail: string): Promise<void> {
    const { count } = await deps.once.hit(`launch-link-refused:${link.id}`, clock.now(), keptRefusals.windowMs)
    if (count <= keptRefusals.attempts) await record(link, null, 'refused', detail)
  }

  async function open(link: LaunchLink, guest: LinkGuest): Promise<Entered> {
    const cookie = newSecret()
    const now = clock.now()
    const expiresAt = Math.min(now + defaultLoginMs, link.expiresAt)
    const userName = guestOwnerId(link.id, guest.key)
    await logins.create({ id: hashSecret(cookie), userName, generation: 0, createdAt: now, expiresAt })
    return { cookie, expiresAt, link, guest, personalUrl: personalUrl(link.id, guest.key) }
  }

  /** By their own address: they were here before, or the link names them. */
  async function comeBack(link: LaunchLink, guestKey: string): Promise<Entered> {
    const known = await links.getGuest(link.id, guestKey)
    const named = link.guestNames?.find((name) => guestKeyOf(name) === guestKey)
    if (known === null && named === undefined) throw notOurs()
    if (known !== null) {
      await record(link, known, 'returned')
      return open(link, known)
    }
    return admit(link, named ?? '', guestKey)
  }

  async function admit(link: LaunchLink, name: string, guestKey: string): Promise<Entered> {
    const guest: LinkGuest = { linkId: link.id, key: guestKey, name, createdAt: clock.now() }
    // Whom a link names may always come: they were counted when it was made.
    const counted = link.guestNames === null ? link : { ...link, maxGuests: null }
    const most = link.maxGuests ?? mostGuests
    const added = link.guestNames === null && link.guests >= mostGuests ? 'full' : await links.addGuest(counted, guest)
    if (added === 'full') {
      await recordRefusal(link, 'the link is used up')
      throw new LauncherError(
        'link-over',
        `This link was for ${most === 1 ? 'one person' : `${most} people`}, and as many have come. Ask ${link.createdByName} for another one.`,
        { why: 'full' },
      )
    }
    if (added === 'taken' && link.guestNames === null) {
      await recordRefusal(link, 'a name that is taken')
      throw new LauncherError(
        'conflict',
        `Somebody came by this link as “${name}” already. If that was you, use the personal address that you were given then (${link.createdByName} can send it to you again); otherwise choose another name.`,
      )
    }
    await record(link, guest, 'entered')
    return open(link, guest)
  }

  async function guestOf(loginId: string, linkId: string | null): Promise<Guest | null> {
    const login = await logins.get(loginId)
    const owner = login && parseGuestOwnerId(login.userName)
    if (!login || !owner || login.expiresAt <= clock.now()) return null
    if (linkId !== null && owner.linkId !== linkId) return null
    const [link, guest] = await Promise.all([links.get(owner.linkId), links.getGuest(owner.linkId, owner.key)])
    if (link === null || guest === null || linkOver(link, clock.now()) !== null) return null
    return {
      kind: 'guest',
      id: login.userName,
      name: guest.name,
      email: null,
      groups: [],
      admin: false,
      loginId,
      linkId: link.id,
      datasetId: link.datasetId,
      mode: link.mode,
    }
  }

  return {
    url,
    personalUrl,
    check: async (linkId, secret, address) => (await read(linkId, secret, address)).link,
    async enter({ linkId, secret, name, address }) {
      const { link, guestKey } = await read(linkId, secret, address)
      await entryLimit.count(link.id)
      if (guestKey !== null) return comeBack(link, guestKey)
      if (link.guestNames !== null)
        throw new LauncherError(
          'link-over',
          `This link is for people whom it names, and each has an address of their own. Ask ${link.createdByName} for yours.`,
          { why: 'named' },
        )
      const shown = guestName(name)
      return admit(link, shown, guestKeyOf(shown))
    },
    find: (cookie, linkId) => guestOf(hashSecret(cookie), linkId),
    async checkLogin(loginId, ownerId) {
      const guest = await guestOf(loginId, null)
      return guest?.id === ownerId ? guest : null
    },
    async whyOver(linkId) {
      const link = await links.get(linkId)
      if (link === null) return notOurs()
      const over = linkOver(link, clock.now())
      return over === null ? null : isOver(link, over)
    },
  }
}

/** The same words for a link that never was and a secret that is wrong: nobody learns which links there are. */
const notOurs = () =>
  new LauncherError(
    'link-over',
    'This link is not known here. It may have been cut off when it was copied: ask whoever sent it to send it again, and open the whole of it.',
    { why: 'unknown' },
  )

export function isOver(link: Pick<LaunchLink, 'createdByName'>, why: 'revoked' | 'expired'): LauncherError {
  const what = why === 'revoked' ? 'was taken back' : 'has expired'
  return new LauncherError('link-over', `This link ${what}. Ask ${link.createdByName} for another one.`, { why })
}
