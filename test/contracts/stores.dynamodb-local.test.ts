/** The contract suites on Amazon's own DynamoDB Local, so that the embedded store's habits don't become ours. */
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { afterAll } from 'vitest'
import { ensureTable } from '../../functions/platform/dynamo/table.ts'
import { startDynamoDbLocal } from '../support/dynamodb-local.ts'
import { allStoreContracts } from './all-stores.ts'

const local = await startDynamoDbLocal()
const client = new DynamoDBClient({
  endpoint: local.endpoint,
  region: 'eu-central-1',
  credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
})
afterAll(async () => {
  client.destroy()
  await local.stop()
})

allStoreContracts('DynamoDB Local', await ensureTable(client))
