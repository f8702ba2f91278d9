/** Receipts: what each session cost, written once. */
import { PutCommand } from '@aws-sdk/lib-dynamodb'
import type { ReceiptStore } from '../../core/ports.ts'
import type { Receipt } from '../../core/session.ts'
import { type Item, listItems } from './query.ts'
import { assertVersion, conditionally, type Table, withoutKeys } from './table.ts'

const recordVersion = 1

export function readReceipt(item: Item): Receipt {
  assertVersion(item, 'receipt', recordVersion)
  return withoutKeys(item) as Receipt
}

export function createReceiptStore(table: Table): ReceiptStore {
  return {
    async put(receipt) {
      // Only what does not change between repeats is in the key: `from` is the session's creation.
      const from = String(receipt.from).padStart(16, '0')
      await conditionally(
        table.client.send(
          new PutCommand({
            TableName: table.name,
            Item: {
              pk: `owner#${receipt.ownerId}`,
              sk: `receipt#${from}#${receipt.sessionId}`,
              v: recordVersion,
              ...receipt,
            },
            ConditionExpression: 'attribute_not_exists(pk)',
          }),
        ),
      )
    },
    async listByOwner(ownerId) {
      return (await listItems(table, `owner#${ownerId}`, 'receipt#', true)).map(readReceipt)
    },
  }
}
