/** Receipts: what each session cost, written once. */
import { PutCommand } from '@aws-sdk/lib-dynamodb'
import type { ReceiptStore } from '../../core/ports.ts'
import type { Receipt } from '../../core/session.ts'
import { listItems } from './query.ts'
import { conditionally, type Table, withoutKeys } from './table.ts'

export function createReceiptStore(table: Table): ReceiptStore {
  return {
    async put(receipt) {
      // Only what does not change between repeats is in the key: `from` is the session's creation.
      const from = String(receipt.from).padStart(16, '0')
      await conditionally(
        table.client.send(
          new PutCommand({
            TableName: table.name,
            Item: { pk: `owner#${receipt.ownerId}`, sk: `receipt#${from}#${receipt.sessionId}`, v: 1, ...receipt },
            ConditionExpression: 'attribute_not_exists(pk)',
          }),
        ),
      )
    },
    async listByOwner(ownerId) {
      return (await listItems(table, `owner#${ownerId}`, 'receipt#', true)).map((item) => withoutKeys(item) as Receipt)
    },
  }
}
