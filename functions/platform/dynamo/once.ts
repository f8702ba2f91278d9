/** Things that happen once, and counters: a conditional write is the whole mechanism. */
import { randomUUID } from 'node:crypto'
import { GetCommand, PutCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb'
import type { OnceStore } from '../../core/ports.ts'
import { expiresAttribute, expiresSeconds } from './expired.ts'
import { conditionally, type Table } from './table.ts'

const recordVersion = 1

export function createOnceStore(table: Table): OnceStore {
  const { client, name: TableName } = table

  /** One more on a counter whose window is open; null when there is none. */
  async function increment(key: { pk: string; sk: string }, now: number) {
    let counted: Record<string, unknown> | undefined
    const update = new UpdateCommand({
      TableName,
      Key: key,
      UpdateExpression: 'ADD hits :one',
      ConditionExpression: 'resetsAt > :now',
      ExpressionAttributeValues: { ':one': 1, ':now': now },
      ReturnValues: 'ALL_NEW',
    })
    const open = await conditionally(client.send(update).then(({ Attributes }) => (counted = Attributes)))
    if (!open || counted === undefined) return null
    return { count: Number(counted.hits), resetsAt: Number(counted.resetsAt) }
  }

  return {
    async spend(key, expiresAt) {
      const Key = { pk: `once#${key}`, sk: 'once' }
      // A write that was repeated because its answer was lost must not look like somebody else's.
      const writer = randomUUID()
      const put = new PutCommand({
        TableName,
        Item: { ...Key, v: recordVersion, writer, [expiresAttribute]: expiresSeconds(expiresAt) },
        ConditionExpression: 'attribute_not_exists(pk)',
      })
      if (await conditionally(client.send(put))) return true
      const { Item } = await client.send(new GetCommand({ TableName, Key, ConsistentRead: true }))
      return Item?.writer === writer
    },

    async hit(key, now, windowMs) {
      const Key = { pk: `count#${key}`, sk: 'count' }
      for (;;) {
        const counted = await increment(Key, now)
        if (counted !== null) return counted
        const resetsAt = now + windowMs
        const put = new PutCommand({
          TableName,
          Item: { ...Key, v: recordVersion, hits: 1, resetsAt, [expiresAttribute]: expiresSeconds(resetsAt) },
          ConditionExpression: 'attribute_not_exists(pk) OR resetsAt <= :now',
          ExpressionAttributeValues: { ':now': now },
        })
        if (await conditionally(client.send(put))) return { count: 1, resetsAt }
        // Somebody else opened the window in between: count in theirs.
      }
    },
  }
}
