/** Empty tables on Amazon's own DynamoDB Local, one for each test that asks. */
import { randomUUID } from 'node:crypto'
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { ensureTable, type Table } from '../../functions/platform/dynamo/table.ts'
import { startDynamoDbLocal } from './dynamodb-local.ts'

export type Tables = { empty(): Promise<Table>; endpoint: string; stop(): Promise<void> }

export async function startTables(): Promise<Tables> {
  const { endpoint, stop } = await startDynamoDbLocal()
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' }
  const client = new DynamoDBClient({ endpoint, region: 'us-east-1', credentials })
  return {
    endpoint,
    empty: () => ensureTable(client, `t-${randomUUID()}`),
    async stop() {
      client.destroy()
      await stop()
    },
  }
}
