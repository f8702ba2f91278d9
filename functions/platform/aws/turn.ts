/**
 * One look at the bucket at a time: fifty files that are uploaded together are fifty events, and each look sees them all. Who
 * comes while somebody looks only leaves word, and that one looks once more before it goes.
 */
import { DeleteCommand, PutCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb'
import type { Clock } from '../../core/ports.ts'
import { conditionally, type Table } from '../dynamo/table.ts'

export const turnKey = { pk: 'look', sk: 'turn' } as const

export type Turn = {
  /**
   * True: it is the caller's until `end` says so, or until `until` (ms) if that is never said. False: somebody else's, who
   * will look again.
   * @param holder the same when the caller comes back after it died: Lambda repeats a failed event under its own id
   */
  take(holder: string, until: number): Promise<boolean>
  /** `again`: word was left meanwhile, and the turn is still the caller's. `over`: it is given back. */
  end(holder: string): Promise<'again' | 'over'>
}

export function createTurn({ client, name: TableName }: Table, clock: Clock): Turn {
  return {
    async take(holder, until) {
      for (;;) {
        const mine = new PutCommand({
          TableName,
          Item: { ...turnKey, v: 1, holder, until },
          ConditionExpression: 'attribute_not_exists(pk) OR holder = :holder OR #until < :now',
          ExpressionAttributeNames: { '#until': 'until' },
          ExpressionAttributeValues: { ':holder': holder, ':now': clock.now() },
        })
        if (await conditionally(client.send(mine))) return true
        const word = new UpdateCommand({
          TableName,
          Key: turnKey,
          UpdateExpression: 'SET again = :yes',
          ConditionExpression: 'attribute_exists(pk)',
          ExpressionAttributeValues: { ':yes': true },
        })
        if (await conditionally(client.send(word))) return false
        // Given back between the two: it is free.
      }
    },

    async end(holder) {
      const mine = { ':holder': holder }
      const give = new DeleteCommand({
        TableName,
        Key: turnKey,
        ConditionExpression: 'holder = :holder AND attribute_not_exists(again)',
        ExpressionAttributeValues: mine,
      })
      if (await conditionally(client.send(give))) return 'over'
      const goOn = new UpdateCommand({
        TableName,
        Key: turnKey,
        UpdateExpression: 'REMOVE again',
        ConditionExpression: 'holder = :holder',
        ExpressionAttributeValues: mine,
      })
      // Not its own any more: it took too long, and somebody else looks.
      return (await conditionally(client.send(goOn))) ? 'again' : 'over'
    },
  }
}
