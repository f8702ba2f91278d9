/** Launch links as their maker sees them: made, listed, revoked; who came by them, and what those people keep. */
import { mayShare } from '../core/access.ts'
import { LauncherError } from '../core/errors.ts'
import { guestOwnerId, type LaunchLink, type LinkGuest, type LinkUse, linkOver } from '../core/link.ts'
import type { VaultKind, VaultVersion } from '../core/ports.ts'
import type { Principal } from '../core/principal.ts'
import { isLive, type Session } from '../core/session.ts'
import type { Context } from './context.ts'
import { visible } from './list-datasets.ts'
import { end } from './reap.ts'
import type { LinkWish } from './types.ts'

const day = 24 * 60 * 60_000
/** What a link may ask for at most. */
const linkLimits = { expiresInMs: 90 * day, note: 200, names: 50, guests: 1000, perDataset: 200 }
const shownUses = 200

/** Throws `not-found`, `not-allowed`, `bad-request`, `conflict` (too many). */
export async function makeLink(
  { ports }: Context,
  who: Principal,
  datasetId: string,
  wish: LinkWish,
): Promise<LaunchLink> {
  const dataset = visible(who, await ports.catalogue.get(datasetId), datasetId)
  if (!mayShare(who, dataset)) throw new LauncherError('not-allowed', 'Guests can’t pass a dataset on.')
  const now = ports.clock.now()
  const wrong = problemOf(wish)
  if (wrong !== null) throw new LauncherError('bad-request', wrong)
  const usable = (await ports.links.listByDataset(datasetId)).filter((link) => linkOver(link, now) === null)
  if (usable.length >= linkLimits.perDataset)
    throw new LauncherError('conflict', `This dataset has ${usable.length} links already. Revoke some first.`)
  const link: LaunchLink = {
    id: ports.newId().slice(0, 12),
    datasetId,
    createdBy: who.id,
    createdByName: who.name,
    createdAt: now,
    expiresAt: now + wish.expiresInMs,
    revokedAt: null,
    mode: wish.mode,
    note: wish.note,
    guestNames: wish.guestNames,
    maxGuests: wish.guestNames === null ? wish.maxGuests : null,
    guests: 0,
  }
  if (!(await ports.links.create(link))) throw new LauncherError('conflict', 'Try again: that name was taken.')
  ports.log('info', 'link made', { link: link.id, dataset: datasetId, mode: link.mode, by: who.id })
  return link
}

function problemOf({ expiresInMs, note, guestNames, maxGuests }: LinkWish): string | null {
  if (!(expiresInMs >= 60_000 && expiresInMs <= linkLimits.expiresInMs)) return 'A link lasts from a minute to 90 days.'
  if (note.length > linkLimits.note) return `A note has at most ${linkLimits.note} characters.`
  if (guestNames !== null && (guestNames.length === 0 || guestNames.length > linkLimits.names))
    return `A link names from 1 to ${linkLimits.names} people.`
  if (maxGuests !== null && !(Number.isInteger(maxGuests) && maxGuests >= 1 && maxGuests <= linkLimits.guests))
    return `A link is for 1 to ${linkLimits.guests} people.`
  return null
}

/** `lastUseAt`: null when nobody has used it yet, and for who did not make it. */
export type ListedLink = LaunchLink & { lastUseAt: number | null }

/** Of a dataset, newest first. Every member of its group may know who was let in. */
export async function listLinks({ ports }: Context, who: Principal, datasetId: string): Promise<ListedLink[]> {
  const dataset = visible(who, await ports.catalogue.get(datasetId), datasetId)
  if (!mayShare(who, dataset)) throw new LauncherError('not-allowed', 'Guests can’t see a dataset’s links.')
  const links = await ports.links.listByDataset(datasetId)
  return Promise.all(
    links.map(async (link) => {
      const [newest] = isMine(who, link) ? await ports.links.listUses(link.id, 1) : []
      return { ...link, lastUseAt: newest?.at ?? null }
    }),
  )
}

export type LinkDetails = { link: LaunchLink; guests: LinkGuest[]; uses: LinkUse[] }

export async function getLink(context: Context, who: Principal, linkId: string): Promise<LinkDetails> {
  const { ports } = context
  const link = await ownLink(context, who, linkId)
  const [guests, uses] = await Promise.all([ports.links.listGuests(linkId), ports.links.listUses(linkId, shownUses)])
  return { link, guests, uses }
}

/** Ends it for good: nobody comes in by it any more, and who is in goes, at once. Their labels stay. Repeatable. */
export async function revokeLink(context: Context, who: Principal, linkId: string): Promise<LaunchLink> {
  const { ports } = context
  await ownLink(context, who, linkId)
  const revoked = await ports.links.revoke(linkId, ports.clock.now())
  if (revoked === null) throw noSuchLink()
  ports.log('info', 'link revoked', { link: linkId, by: who.id })
  for (const listed of await ports.sessions.listLive()) {
    if (listed.linkId !== linkId) continue
    for (let tries = 0; tries < 5; tries++) {
      const session = await ports.sessions.get(listed.ownerId, listed.datasetId)
      if (session === null || !isLive(session)) break
      if ((await end(context, 'stop', session, 'link-over')) !== null) break
    }
  }
  return revoked
}

export type GuestKept = { guest: LinkGuest; labels: VaultVersion | null; geneSets: VaultVersion | null }

/** What the guests of a link keep, newest versions: a link to annotate by is there to bring these back. */
export async function guestAnnotations(context: Context, who: Principal, linkId: string): Promise<GuestKept[]> {
  const { ports } = context
  const { datasetId } = await ownLink(context, who, linkId)
  const guests = await ports.links.listGuests(linkId)
  return Promise.all(
    guests.map(async (guest) => {
      const of = { ownerId: guestOwnerId(linkId, guest.key), datasetId }
      const [labels, geneSets] = await Promise.all([
        ports.vault.latest({ ...of, kind: 'labels' }),
        ports.vault.latest({ ...of, kind: 'genesets' }),
      ])
      return { guest, labels, geneSets }
    }),
  )
}

/** Throws `not-found`. */
export async function readGuestVersion(
  context: Context,
  who: Principal,
  wanted: { linkId: string; guestKey: string; kind: VaultKind; version: string | null },
): Promise<{ body: Uint8Array; version: string }> {
  const { ports } = context
  const { datasetId } = await ownLink(context, who, wanted.linkId)
  const guest = await ports.links.getGuest(wanted.linkId, wanted.guestKey)
  if (guest === null) throw new LauncherError('not-found', 'No such guest came by this link.')
  const ref = { ownerId: guestOwnerId(wanted.linkId, guest.key), datasetId, kind: wanted.kind }
  const version = wanted.version ?? (await ports.vault.latest(ref))?.version
  if (version === undefined) throw new LauncherError('not-found', `${guest.name} keeps nothing of this kind yet.`)
  return { body: await ports.vault.read(ref, version), version }
}

/** The maker's, or any link for an administrator. Another's existence is nobody's business. */
async function ownLink({ ports }: Context, who: Principal, linkId: string): Promise<LaunchLink> {
  const link = await ports.links.get(linkId)
  if (link === null || !isMine(who, link)) throw noSuchLink()
  return link
}

const isMine = (who: Principal, link: LaunchLink): boolean =>
  who.kind === 'user' && (who.admin || link.createdBy === who.id)

const noSuchLink = () =>
  new LauncherError('not-found', 'You have made no such link. Only who made a link, or an administrator, can see it.')

/**
 * Every launch by a guest is recorded with its link. Called after the claim: a link that is revoked from now on finds
 * the session and ends it; one that was revoked since its guest was asked about ends it here. Throws `link-over`.
 */
export async function recordLaunch(context: Context, who: Principal, session: Session): Promise<void> {
  const { ports } = context
  if (who.kind !== 'guest') return
  const link = await ports.links.get(who.linkId)
  if (link !== null && linkOver(link, ports.clock.now()) !== null) {
    await end(context, 'stop', session, 'link-over')
    throw new LauncherError('link-over', `This link can’t be used any more. Ask ${link.createdByName} for another one.`)
  }
  const guestKey = who.id.split(':')[2] ?? null
  const use: LinkUse = {
    linkId: who.linkId,
    at: ports.clock.now(),
    guestKey,
    guestName: who.name,
    what: 'launched',
    detail: session.id,
  }
  await ports.links.recordUse(use)
}
