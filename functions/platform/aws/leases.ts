/** Who has which slot: one item per leased slot, so that “free or mine” is a condition on one key. */
import { DeleteCommand, PutCommand, QueryCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb'
import { assertVersion, conditionally, type Table } from '../dynamo/table.ts'

const recordVersion = 1
const pk = 'slots'
const keyOf = (slot: string) => ({ pk, sk: `slot#${slot}` })

export type Lease = {
  /** Two digits, as in the listener rule. */
  slot: string
  sessionId: string
  leasedAt: number
  /** Where the session's gate listens, once its target is registered: `http://<address>:<port>`. */
  endpoint: string | null
}

export type Leases = {
  /** Every lease there is, strongly consistent (at most as many as an ALB has target groups: 100 items, one read). */
  all(): Promise<Lease[]>
  /** True when the slot was free or this session's already. */
  take(slot: string, sessionId: string, now: number): Promise<boolean>
  /** Remembers where the gate listens; false when the lease is no longer this session's. */
  setEndpoint(slot: string, sessionId: string, endpoint: string): Promise<boolean>
  /** Harmless when it is another's by now. */
  give(slot: string, sessionId: string): Promise<void>
}

export function createLeases({ client, name: TableName }: Table): Leases {
  return {
    async all() {
      const { Items = [] } = await client.send(
        new QueryCommand({
          TableName,
          ConsistentRead: true,
          KeyConditionExpression: 'pk = :pk AND begins_with(sk, :slot)',
          ExpressionAttributeValues: { ':pk': pk, ':slot': 'slot#' },
        }),
      )
      return Items.map((item) => {
        assertVersion(item, 'slot', recordVersion)
        const { slot, sessionId, leasedAt, endpoint } = item as Lease
        return { slot, sessionId, leasedAt, endpoint }
      })
    },

    take(slot, sessionId, now) {
      const lease: Lease = { slot, sessionId, leasedAt: now, endpoint: null }
      const put = new PutCommand({
        TableName,
        Item: { ...keyOf(slot), v: recordVersion, ...lease },
        ConditionExpression: 'attribute_not_exists(pk)',
      })
      return conditionally(client.send(put)).then(async (taken) => {
        if (taken) return true
        // Ours already: an earlier try, whose answer was lost.
        return (await this.all()).some((one) => one.slot === slot && one.sessionId === sessionId)
      })
    },

    setEndpoint(slot, sessionId, endpoint) {
      const update = new UpdateCommand({
        TableName,
        Key: keyOf(slot),
        UpdateExpression: 'SET endpoint = :endpoint',
        ConditionExpression: 'sessionId = :session',
        ExpressionAttributeValues: { ':endpoint': endpoint, ':session': sessionId },
      })
      return conditionally(client.send(update))
    },

    async give(slot, sessionId) {
      const remove = new DeleteCommand({
        TableName,
        Key: keyOf(slot),
        ConditionExpression: 'sessionId = :session',
        ExpressionAttributeValues: { ':session': sessionId },
      })
      await conditionally(client.send(remove))
    },
  }
}
