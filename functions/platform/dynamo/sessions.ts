/** Sessions: one item per (owner, dataset), so that "one live session" is a key and not a search. */
import { randomUUID } from 'node:crypto'
import { GetCommand, PutCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb'
import type { SessionStore } from '../../core/ports.ts'
import { isLive, type Session } from '../../core/session.ts'
import { type Item, listItems, queryPages } from './query.ts'
import { assertVersion, conditionally, dueIndex, livePartition, type Table, withoutKeys } from './table.ts'

/** Version of the stored record. Raise it with a line in `read` that upgrades the older ones. */
const recordVersion = 2

const keyOf = (ownerId: string, datasetId: string) => ({ pk: `owner#${ownerId}`, sk: `session#${datasetId}` })

/** `writer` names the call: a write that was repeated because its answer was lost is known as one's own. */
function write(session: Session, writer: string): Item {
  const live = isLive(session) ? { live: livePartition } : {}
  return { ...keyOf(session.ownerId, session.datasetId), v: recordVersion, ...session, ...live, writer }
}

export function readSession(item: Item): Session {
  assertVersion(item, 'session', recordVersion)
  const found = withoutKeys(item) as Session
  // Version 1 knew users only.
  return item.v === 1
    ? { ...found, linkId: null, mode: 'annotate', requestedAt: found.createdAt, refusal: null }
    : found
}

export function createSessionStore(table: Table): SessionStore {
  const { client, name: TableName } = table

  async function getItem(ownerId: string, datasetId: string): Promise<Item | undefined> {
    const key = keyOf(ownerId, datasetId)
    return (await client.send(new GetCommand({ TableName, Key: key, ConsistentRead: true }))).Item
  }

  const store: SessionStore = {
    async get(ownerId, datasetId) {
      const item = await getItem(ownerId, datasetId)
      return item === undefined ? null : readSession(item)
    },

    async claim(fresh) {
      for (;;) {
        const put = new PutCommand({
          TableName,
          Item: write(fresh, randomUUID()),
          ConditionExpression: 'attribute_not_exists(pk) OR #state IN (:stopped, :failed)',
          ExpressionAttributeNames: { '#state': 'state' },
          ExpressionAttributeValues: { ':stopped': 'stopped', ':failed': 'failed' },
        })
        if (await conditionally(client.send(put))) return { created: true, session: fresh }
        const session = await store.get(fresh.ownerId, fresh.datasetId)
        if (session?.id === fresh.id) return { created: true, session }
        // It was over when we read it: the one that refused us ended in between, so claim again.
        if (session !== null && isLive(session)) return { created: false, session }
      }
    },

    async listByOwner(ownerId) {
      return (await listItems(table, `owner#${ownerId}`, 'session#')).map(readSession)
    },

    async advance(from, next) {
      const stored = { ...next, version: from.version + 1 }
      const writer = randomUUID()
      const put = new PutCommand({
        TableName,
        Item: write(stored, writer),
        ConditionExpression: 'id = :id AND #version = :version AND dueAt = :dueAt',
        ExpressionAttributeNames: { '#version': 'version' },
        ExpressionAttributeValues: { ':id': from.id, ':version': from.version, ':dueAt': from.dueAt },
      })
      if (await conditionally(client.send(put))) return stored
      const item = await getItem(from.ownerId, from.datasetId)
      return item?.writer === writer ? stored : null
    },

    async touch(session, { lastActiveAt, lastSeenAt, dueAt }) {
      const update = new UpdateCommand({
        TableName,
        Key: keyOf(session.ownerId, session.datasetId),
        UpdateExpression: 'SET lastActiveAt = :active, lastSeenAt = :seen, dueAt = :due',
        // Clocks only go forward: a beat that was overtaken by "keep it running" must not take it back.
        ConditionExpression:
          'id = :id AND #state IN (:ready, :queued) AND lastActiveAt <= :active AND lastSeenAt <= :seen',
        ExpressionAttributeNames: { '#state': 'state' },
        ExpressionAttributeValues: {
          ':id': session.id,
          ':ready': 'ready',
          ':queued': 'queued',
          ':active': lastActiveAt,
          ':seen': lastSeenAt,
          ':due': dueAt,
        },
      })
      if (await conditionally(client.send(update))) return true
      const now = await store.get(session.ownerId, session.datasetId)
      return now?.id === session.id && (now.state === 'ready' || now.state === 'queued')
    },

    async *listDue(now) {
      const pages = queryPages(table, {
        IndexName: dueIndex,
        KeyConditionExpression: 'live = :live AND dueAt <= :now',
        ExpressionAttributeValues: { ':live': livePartition, ':now': now },
      })
      for await (const item of pages) yield readSession(item)
    },

    async listLive() {
      const live: Session[] = []
      for await (const session of store.listDue(Number.MAX_SAFE_INTEGER)) live.push(session)
      return live
    },
  }
  return store
}
