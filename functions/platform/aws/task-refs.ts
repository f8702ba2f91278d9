/** Which ECS tasks were started for a session: ECS's own lists lag behind, and a session must never look as if it had none. */
import { GetCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb'
import { expiresAttribute, expiresSeconds } from '../dynamo/expired.ts'
import { assertVersion, type Table } from '../dynamo/table.ts'

const recordVersion = 1
/** ECS forgets a stopped task after an hour; nobody asks about one for longer than a session lives. */
const keptMs = 3 * 24 * 60 * 60_000

export type TaskRefs = {
  /** Strongly consistent. */
  get(sessionId: string): Promise<string[]>
  add(sessionId: string, arn: string, now: number): Promise<void>
}

export function createTaskRefs({ client, name: TableName }: Table): TaskRefs {
  const keyOf = (sessionId: string) => ({ pk: `task#${sessionId}`, sk: 'refs' })
  return {
    async get(sessionId) {
      const { Item } = await client.send(new GetCommand({ TableName, Key: keyOf(sessionId), ConsistentRead: true }))
      if (Item === undefined) return []
      assertVersion(Item, 'task', recordVersion)
      return [...((Item.arns as Set<string> | undefined) ?? [])]
    },
    async add(sessionId, arn, now) {
      await client.send(
        new UpdateCommand({
          TableName,
          Key: keyOf(sessionId),
          UpdateExpression: 'SET v = :v, #expires = :expires ADD arns :arn',
          ExpressionAttributeNames: { '#expires': expiresAttribute },
          ExpressionAttributeValues: {
            ':v': recordVersion,
            ':expires': expiresSeconds(now + keptMs),
            ':arn': new Set([arn]),
          },
        }),
      )
    },
  }
}
