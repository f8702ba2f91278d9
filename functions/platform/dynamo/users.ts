/** People with an account on this launcher: one item each. */
import { GetCommand, PutCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb'
import type { UserRecord, UserStore } from '../../core/ports.ts'
import { type Item, listItems } from './query.ts'
import { assertVersion, conditionally, type Table, withoutKeys } from './table.ts'

const pk = 'users'
const recordVersion = 2
const keyOf = (name: string) => ({ pk, sk: `user#${name}` })
const write = (user: UserRecord): Item => ({ ...user, ...keyOf(user.name), v: recordVersion })

export function readUser(item: Item): UserRecord {
  assertVersion(item, 'user', recordVersion)
  // Version 1 knew no generations.
  return { generation: 0, ...withoutKeys(item) } as UserRecord
}

export function createUserStore(table: Table): UserStore {
  const { client, name: TableName } = table
  return {
    async get(name) {
      const { Item } = await client.send(new GetCommand({ TableName, Key: keyOf(name), ConsistentRead: true }))
      return Item === undefined ? null : readUser(Item)
    },
    async list() {
      return (await listItems(table, pk, 'user#')).map(readUser)
    },
    create(user) {
      const put = { TableName, Item: write(user), ConditionExpression: 'attribute_not_exists(pk)' }
      return conditionally(client.send(new PutCommand(put)))
    },
    async put(user) {
      await client.send(new PutCommand({ TableName, Item: write(user) }))
    },
    async setPassword(name, from, to, endLogins) {
      const update = new UpdateCommand({
        TableName,
        Key: keyOf(name),
        UpdateExpression: 'SET passwordHash = :to, generation = if_not_exists(generation, :zero) + :more, v = :v',
        // Members of their own, not the whole record: a change of groups at the same moment must not be undone.
        ConditionExpression: 'attribute_exists(pk) AND passwordHash = :from',
        ExpressionAttributeValues: {
          ':from': from,
          ':to': to,
          ':zero': 0,
          ':more': endLogins ? 1 : 0,
          ':v': recordVersion,
        },
      })
      return conditionally(client.send(update))
    },
  }
}
