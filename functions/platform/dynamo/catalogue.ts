/** The catalogue: one item per dataset, removed ones too, since labels outlive files. */
import { GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb'
import type { Dataset } from '../../core/dataset.ts'
import type { Catalogue } from '../../core/ports.ts'
import { type Item, listItems } from './query.ts'
import { assertVersion, conditionally, type Table, withoutKeys } from './table.ts'

const recordVersion = 1
/** Where everything that reading files may write is, but for the turn of who reads (infra/rights.ts). */
export const cataloguePk = 'datasets'
const skOf = (id: string) => `dataset#${id}`
const write = (dataset: Dataset): Item => ({ pk: cataloguePk, sk: skOf(dataset.id), v: recordVersion, ...dataset })

export function readDataset(item: Item): Dataset {
  assertVersion(item, 'dataset', recordVersion)
  return withoutKeys(item) as Dataset
}

export function createCatalogue(table: Table): Catalogue {
  const { client, name: TableName } = table
  return {
    async get(id) {
      // Longer than any that was ever given, and than a key may be: an address that somebody made up.
      if (id.length > 200) return null
      const { Item } = await client.send(
        new GetCommand({ TableName, Key: { pk: cataloguePk, sk: skOf(id) }, ConsistentRead: true }),
      )
      return Item === undefined ? null : readDataset(Item)
    },
    async list() {
      return (await listItems(table, cataloguePk, 'dataset#')).map(readDataset)
    },
    create(dataset) {
      const put = { TableName, Item: write(dataset), ConditionExpression: 'attribute_not_exists(pk)' }
      return conditionally(client.send(new PutCommand(put)))
    },
    async put(dataset) {
      await client.send(new PutCommand({ TableName, Item: write(dataset) }))
    },
  }
}
