/** The one table of the store: its keys, its creation, and the few ways it is written (single-item conditional writes only). */
import {
  ConditionalCheckFailedException,
  CreateTableCommand,
  DescribeTableCommand,
  type DynamoDBClient,
  DynamoDBServiceException,
  ResourceInUseException,
  ResourceNotFoundException,
} from '@aws-sdk/client-dynamodb'
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import { LauncherError } from '../../core/errors.ts'

/**
 * Everything lives in one table: `pk` groups what is read together, `sk` names the item. `live` and `dueAt` are set on
 * live sessions alone and make the sparse index `due`, so that the reaper's cost follows what is due. Every item
 * carries `v`, the version of its record, and is upgraded on read.
 */
export type Table = { client: DynamoDBDocumentClient; name: string }

export const dueIndex = 'due'
/** Value of `live` on every live session: one partition (some thousand sessions at once is far beyond what a lab runs). */
export const livePartition = 'live'

/**
 * Wraps a raw client; `undefined` members are left out of items. What the store can't do just now (throttled, no answer, a
 * fault of its own, after the client's own repeats) is thrown as `unavailable`, so that whoever asked is told to try again.
 */
export function openTable(client: DynamoDBClient, name = 'cellxgene-on-demand'): Table {
  const document = DynamoDBDocumentClient.from(client, { marshallOptions: { removeUndefinedValues: true } })
  // A stack of its own: who has the raw client (the creation of the table) tells errors apart by their names.
  document.middlewareStack = client.middlewareStack.clone()
  document.middlewareStack.add(
    (next) => async (args) => {
      try {
        return await next(args)
      } catch (error) {
        throw isPassing(error) ? storeUnavailable(error) : error
      }
    },
    { step: 'initialize', priority: 'high', name: 'unavailable' },
  )
  return { name, client: document }
}

const unreachable = /^(ECONN(REFUSED|RESET|ABORTED)|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|ENOENT|UND_ERR_SOCKET)$/

/** Not a bug, not a condition that did not hold, not a right that lacks: a repeat may succeed. */
function isPassing(error: unknown): error is Error {
  if (!(error instanceof Error)) return false
  if (error instanceof DynamoDBServiceException) {
    const { httpStatusCode = 0 } = error.$metadata
    return httpStatusCode >= 500 || httpStatusCode === 429 || /thrott|limitexceeded|throughput/i.test(error.name)
  }
  return (
    /^(TimeoutError|ThrottlingException)$/.test(error.name) || ('code' in error && unreachable.test(String(error.code)))
  )
}

const storeUnavailable = (error: Error): LauncherError =>
  new LauncherError(
    'unavailable',
    `The launcher’s store can’t be reached now (${error.name}). Nothing that was saved is lost. Try again in a minute; if it stays so, ask whoever runs this launcher.`,
    { reason: error.name },
    { cause: error },
  )

/** Creates the table where infra does not (one machine, tests). May be repeated. */
export async function ensureTable(client: DynamoDBClient, name = 'cellxgene-on-demand'): Promise<Table> {
  try {
    await client.send(new DescribeTableCommand({ TableName: name }))
  } catch (error) {
    if (!(error instanceof ResourceNotFoundException)) throw error
    await client.send(new CreateTableCommand({ TableName: name, ...tableShape })).catch((failure: unknown) => {
      if (!(failure instanceof ResourceInUseException)) throw failure
    })
  }
  for (let tries = 0; tries < 100; tries++) {
    const { Table: described } = await client.send(new DescribeTableCommand({ TableName: name }))
    if (described?.TableStatus === 'ACTIVE') break
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return openTable(client, name)
}

/** Shared with infra, so that the table made here and the one on AWS can't differ. */
export const tableShape = {
  BillingMode: 'PAY_PER_REQUEST' as const,
  AttributeDefinitions: [
    { AttributeName: 'pk', AttributeType: 'S' as const },
    { AttributeName: 'sk', AttributeType: 'S' as const },
    { AttributeName: 'live', AttributeType: 'S' as const },
    { AttributeName: 'dueAt', AttributeType: 'N' as const },
  ],
  KeySchema: [
    { AttributeName: 'pk', KeyType: 'HASH' as const },
    { AttributeName: 'sk', KeyType: 'RANGE' as const },
  ],
  GlobalSecondaryIndexes: [
    {
      IndexName: dueIndex,
      KeySchema: [
        { AttributeName: 'live', KeyType: 'HASH' as const },
        { AttributeName: 'dueAt', KeyType: 'RANGE' as const },
      ],
      Projection: { ProjectionType: 'ALL' as const },
    },
  ],
}

/** Runs a conditional write; false when its condition did not hold. Any other failure is thrown. */
export async function conditionally(write: Promise<unknown>): Promise<boolean> {
  try {
    await write
    return true
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return false
    throw error
  }
}

/** Takes the storage members off an item; the rest is the domain's record. */
export function withoutKeys(item: Record<string, unknown>): Record<string, unknown> {
  const { pk: _pk, sk: _sk, v: _v, live: _live, writer: _writer, ...rest } = item
  return rest
}

/**
 * Refuses a record that a newer program wrote: half understood, it would be written back without what we don't know. An
 * older one is upgraded by its own reader before this is asked.
 */
export function assertVersion(item: Record<string, unknown>, kind: string, current: number): void {
  if (!(typeof item.v === 'number' && item.v >= 1 && item.v <= current))
    throw new Error(`A ${kind} record of version ${String(item.v)} is newer than this program.`)
}
