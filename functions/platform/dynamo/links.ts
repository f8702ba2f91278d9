/** Launch links, the guests who came by them, and every use: items of their own, so that each change is one write. */
import { randomUUID } from 'node:crypto'
import { GetCommand, PutCommand, QueryCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb'
import type { LaunchLink, LinkGuest, LinkUse } from '../../core/link.ts'
import type { LinkStore } from '../../core/ports.ts'
import { type Item, listItems } from './query.ts'
import { assertVersion, conditionally, type Table, withoutKeys } from './table.ts'

const recordVersion = 1
const linkKey = (id: string) => ({ pk: `link#${id}`, sk: 'link' })
const guestKey = (id: string, key: string) => ({ pk: `link#${id}`, sk: `guest#${key}` })
/** Sorts by time; the end keeps two uses of one millisecond apart. */
const useKey = ({ linkId, at }: LinkUse) => ({
  pk: `link#${linkId}`,
  sk: `use#${String(at).padStart(15, '0')}#${randomUUID()}`,
})
/** Which links a dataset has: a pointer beside the link, so that listing needs no scan. */
const pointerKey = ({ datasetId, createdAt, id }: LaunchLink) => ({
  pk: `links-of#${datasetId}`,
  sk: `link#${String(createdAt).padStart(15, '0')}#${id}`,
})

export function readLink(item: Item): LaunchLink {
  assertVersion(item, 'link', recordVersion)
  const { coming: _coming, ...link } = withoutKeys(item)
  return link as LaunchLink
}

export function readGuest(item: Item): LinkGuest {
  assertVersion(item, 'guest', recordVersion)
  return withoutKeys(item) as LinkGuest
}

export function readUse(item: Item): LinkUse {
  assertVersion(item, 'use', recordVersion)
  return withoutKeys(item) as LinkUse
}

export function createLinkStore(table: Table): LinkStore {
  const { client, name: TableName } = table

  async function get(linkId: string): Promise<LaunchLink | null> {
    const { Item } = await client.send(new GetCommand({ TableName, Key: linkKey(linkId), ConsistentRead: true }))
    return Item === undefined ? null : readLink(Item)
  }

  async function getGuest(linkId: string, key: string): Promise<LinkGuest | null> {
    const Key = guestKey(linkId, key)
    const { Item } = await client.send(new GetCommand({ TableName, Key, ConsistentRead: true }))
    return Item === undefined ? null : readGuest(Item)
  }

  /** Has this call taken a place already? */
  async function isComing(linkId: string, writer: string): Promise<boolean> {
    const { Item } = await client.send(new GetCommand({ TableName, Key: linkKey(linkId), ConsistentRead: true }))
    return Item?.coming instanceof Set && Item.coming.has(writer)
  }

  return {
    get,
    getGuest,

    async create(link) {
      // The pointer first: one that leads nowhere is passed over, a link that nobody can list could not be revoked.
      const pointer = { ...pointerKey(link), v: recordVersion, id: link.id }
      await client.send(new PutCommand({ TableName, Item: pointer }))
      const put = { TableName, Item: { ...link, ...linkKey(link.id), v: recordVersion } }
      return conditionally(client.send(new PutCommand({ ...put, ConditionExpression: 'attribute_not_exists(pk)' })))
    },

    async listByDataset(datasetId) {
      const pointers = await listItems(table, `links-of#${datasetId}`, 'link#', true)
      const links = await Promise.all(pointers.map(({ id }) => get(String(id))))
      return links.filter((link) => link?.datasetId === datasetId).flatMap((link) => link ?? [])
    },

    async revoke(linkId, at) {
      const update = new UpdateCommand({
        TableName,
        Key: linkKey(linkId),
        UpdateExpression: 'SET revokedAt = :at',
        ConditionExpression: 'attribute_exists(pk) AND revokedAt = :never',
        ExpressionAttributeValues: { ':at': at, ':never': null },
      })
      await conditionally(client.send(update))
      return get(linkId)
    },

    async addGuest(link, guest) {
      // A place first, then the guest: one who dies in between has taken a place, never slipped in without one.
      // `coming` names this call until it is over: a write that was repeated because its answer was lost must neither count
      // twice nor look like somebody else's.
      const writer = randomUUID()
      const mine = { TableName, Key: linkKey(link.id) }
      const place = new UpdateCommand({
        ...mine,
        UpdateExpression: 'SET guests = guests + :one ADD coming :me',
        ConditionExpression:
          'attribute_exists(pk) AND (maxGuests = :any OR guests < maxGuests) AND NOT contains(coming, :writer)',
        ExpressionAttributeValues: { ':one': 1, ':any': null, ':me': new Set([writer]), ':writer': writer },
      })
      if ((await getGuest(link.id, guest.key)) !== null) return 'taken'
      if (!(await conditionally(client.send(place))) && !(await isComing(link.id, writer))) return 'full'
      const Key = guestKey(link.id, guest.key)
      const Item = { ...guest, ...Key, v: recordVersion, writer }
      const put = new PutCommand({ TableName, Item, ConditionExpression: 'attribute_not_exists(pk)' })
      const there = (await conditionally(client.send(put)))
        ? null
        : (await client.send(new GetCommand({ TableName, Key, ConsistentRead: true }))).Item
      if (there === null || there?.writer === writer) {
        const UpdateExpression = 'DELETE coming :me'
        const came = { ...mine, UpdateExpression, ExpressionAttributeValues: { ':me': new Set([writer]) } }
        // The guest is in: should this fail, a name of a call that is over stays, and does nothing.
        await client.send(new UpdateCommand(came)).catch(() => {})
        return 'added'
      }
      // Somebody was given this name in between: the place goes back.
      const back = new UpdateCommand({
        ...mine,
        UpdateExpression: 'SET guests = guests - :one DELETE coming :me',
        ConditionExpression: 'contains(coming, :writer)',
        ExpressionAttributeValues: { ':one': 1, ':me': new Set([writer]), ':writer': writer },
      })
      await conditionally(client.send(back))
      return 'taken'
    },

    async listGuests(linkId) {
      const guests = (await listItems(table, `link#${linkId}`, 'guest#')).map(readGuest)
      return guests.sort((a, b) => a.createdAt - b.createdAt || (a.key < b.key ? -1 : 1))
    },

    async recordUse(use) {
      await client.send(new PutCommand({ TableName, Item: { ...use, ...useKey(use), v: recordVersion } }))
    },

    async listUses(linkId, most) {
      const query = new QueryCommand({
        TableName,
        ConsistentRead: true,
        ScanIndexForward: false,
        Limit: most,
        KeyConditionExpression: 'pk = :pk AND begins_with(sk, :use)',
        ExpressionAttributeValues: { ':pk': `link#${linkId}`, ':use': 'use#' },
      })
      const { Items = [] } = await client.send(query)
      return Items.map(readUse)
    },
  }
}
