/** Signed-in browsers: one item each, by the hash of the cookie's value. */
import { DeleteCommand, GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb'
import type { Login, LoginStore } from '../../core/ports.ts'
import { expiresAttribute, expiresSeconds } from './expired.ts'
import type { Item } from './query.ts'
import { assertVersion, type Table } from './table.ts'

const recordVersion = 2
const keyOf = (id: string) => ({ pk: `login#${id}`, sk: 'login' })

export function readLogin(item: Item): Login {
  assertVersion(item, 'login', recordVersion)
  // Version 1 knew no generations.
  const { id, userName, generation = 0, createdAt, expiresAt } = item as Omit<Login, 'generation'> & Partial<Login>
  return { id, userName, generation, createdAt, expiresAt }
}

export function createLoginStore(table: Table): LoginStore {
  const { client, name: TableName } = table
  return {
    async create(login) {
      const Item = {
        ...login,
        ...keyOf(login.id),
        v: recordVersion,
        [expiresAttribute]: expiresSeconds(login.expiresAt),
      }
      await client.send(new PutCommand({ TableName, Item }))
    },
    async get(id) {
      const { Item } = await client.send(new GetCommand({ TableName, Key: keyOf(id), ConsistentRead: true }))
      return Item === undefined ? null : readLogin(Item)
    },
    async delete(id) {
      await client.send(new DeleteCommand({ TableName, Key: keyOf(id) }))
    },
  }
}
