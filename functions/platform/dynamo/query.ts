/** Reads every page of a query, so that no caller forgets the second one. */
import { QueryCommand, type QueryCommandInput } from '@aws-sdk/lib-dynamodb'
import type { Table } from './table.ts'

export type Item = Record<string, unknown>

/** Items of one query, page by page; the next page is asked for only when the caller goes on. */
export async function* queryPages(table: Table, input: Omit<QueryCommandInput, 'TableName'>): AsyncIterable<Item> {
  let start: QueryCommandInput['ExclusiveStartKey']
  do {
    const page = await table.client.send(
      new QueryCommand({ ...input, TableName: table.name, ExclusiveStartKey: start }),
    )
    yield* page.Items ?? []
    start = page.LastEvaluatedKey
  } while (start !== undefined)
}

/** All items with this `pk` whose `sk` begins with `prefix`, strongly consistent, in order of `sk`. */
export async function listItems(table: Table, pk: string, prefix: string, newestFirst = false): Promise<Item[]> {
  const items: Item[] = []
  const pages = queryPages(table, {
    ConsistentRead: true,
    ScanIndexForward: !newestFirst,
    KeyConditionExpression: 'pk = :pk AND begins_with(sk, :prefix)',
    ExpressionAttributeValues: { ':pk': pk, ':prefix': prefix },
  })
  for await (const item of pages) items.push(item)
  return items
}
