/** Items that may go after a time: the attribute DynamoDB's TTL reads, and the same housekeeping for the embedded store, which has none. */
import { DeleteCommand, ScanCommand } from '@aws-sdk/lib-dynamodb'
import { conditionally, type Table } from './table.ts'

/** Name of the TTL attribute (infra switches it on), seconds since 1970. */
export const expiresAttribute = 'expires'

/** Kept a day longer than it counts: clocks differ, and "once" must not be forgotten a second too early. */
const marginMs = 24 * 60 * 60_000

export const expiresSeconds = (expiresAt: number): number => Math.ceil((expiresAt + marginMs) / 1000)

/**
 * Deletes what has expired; a whole scan, so for once a day on one machine. Nothing depends on it but the size of the disk.
 * @param now ms since 1970
 * @returns how many items went
 */
export async function deleteExpired(table: Table, now: number): Promise<number> {
  const seconds = Math.floor(now / 1000)
  const expired = { '#expires': expiresAttribute }
  let deleted = 0
  let start: Record<string, unknown> | undefined
  do {
    const page = await table.client.send(
      new ScanCommand({
        TableName: table.name,
        FilterExpression: '#expires < :now',
        ProjectionExpression: 'pk, sk',
        ExpressionAttributeNames: expired,
        ExpressionAttributeValues: { ':now': seconds },
        ExclusiveStartKey: start,
      }),
    )
    for (const { pk, sk } of page.Items ?? []) {
      // Again a condition: a counter may have been started anew since the page was read.
      const gone = await conditionally(
        table.client.send(
          new DeleteCommand({
            TableName: table.name,
            Key: { pk, sk },
            ConditionExpression: '#expires < :now',
            ExpressionAttributeNames: expired,
            ExpressionAttributeValues: { ':now': seconds },
          }),
        ),
      )
      if (gone) deleted += 1
    }
    start = page.LastEvaluatedKey
  } while (start !== undefined)
  return deleted
}
