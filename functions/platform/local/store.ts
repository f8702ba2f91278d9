/** The embedded store: dynalite on disk, behind a Unix socket that only the launcher's user can open. */
import { chmodSync, mkdirSync, rmSync } from 'node:fs'
import { statfs } from 'node:fs/promises'
import { Agent } from 'node:http'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { PutCommand, ScanCommand } from '@aws-sdk/lib-dynamodb'
import { NodeHttpHandler } from '@smithy/node-http-handler'
import dynalite from 'dynalite'
import { LauncherError } from '../../core/errors.ts'
import { conditionally, ensureTable, type Table } from '../dynamo/table.ts'
import { openRunDir } from './run-dir.ts'

export type LocalStore = {
  table: Table
  /** True when this process holds the files; false when it talks to a launcher that runs. */
  owner: boolean
  close(): Promise<void>
}

/** Node's own agent, but every connection goes to one Unix socket (its types know no `socketPath`). */
class SocketAgent extends Agent {
  constructor(private readonly socketPath: string) {
    super({ keepAlive: true, maxSockets: 32 })
  }
  override createConnection(): Socket {
    return connect(this.socketPath)
  }
}

/** A DynamoDB client that speaks to a Unix socket. The keys are not secrets: the socket's folder is the lock. */
function clientFor(socketPath: string, freeBytes: () => Promise<number>): DynamoDBClient {
  const client = new DynamoDBClient({
    endpoint: 'http://localhost',
    region: 'local',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    maxAttempts: 3,
    requestHandler: new NodeHttpHandler({ httpAgent: new SocketAgent(socketPath) }),
  })
  client.middlewareStack.add(
    (next, { commandName }) =>
      async (args) => {
        if (writes.includes(String(commandName)) && (await freeBytes()) < spareBytes) throw diskFull()
        return next(args)
      },
    { step: 'initialize', name: 'room-on-disk' },
  )
  return client
}

const writes = ['PutItemCommand', 'UpdateItemCommand', 'DeleteItemCommand']
/**
 * Below this nothing is written: dynalite throws away the whole process when LevelDB meets a full disk. Room for its log, a
 * table of 4 MiB, a merge of some, and for annotations, which go on being saved until the disk is full indeed.
 */
const spareBytes = 16 * 2 ** 20

const diskFull = () =>
  new LauncherError(
    'unavailable',
    'The disk of this server is almost full, so nothing new can be started or changed. What was saved is kept. Ask whoever runs the server to make room; it then goes on by itself.',
    { reason: 'ENOSPC' },
  )

/** Of the disk that `path` lies on, for us. */
async function freeBytesAt(path: string): Promise<number> {
  try {
    const { bavail, bsize } = await statfs(path)
    return bavail * bsize
  } catch {
    return Number.POSITIVE_INFINITY // not known here; the write itself will tell
  }
}

function answers(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(socketPath)
    socket.once('connect', () => resolve(true))
    socket.once('error', () => resolve(false))
    socket.once('close', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}

/**
 * Opens the store of a state folder, or joins the launcher that has it open.
 * @param stateDir the launcher's state folder
 * @param freeBytes room on its disk
 */
export async function openStore(stateDir: string, freeBytes = () => freeBytesAt(stateDir)): Promise<LocalStore> {
  const socketPath = join(openRunDir(stateDir), 'dynamo.sock')
  const client = clientFor(socketPath, freeBytes)
  if (await answers(socketPath)) {
    const table = await ensureTable(client)
    return { table, owner: false, close: async () => client.destroy() }
  }
  const path = join(stateDir, 'dynamo')
  mkdirSync(path, { recursive: true, mode: 0o700 })
  rmSync(socketPath, { force: true })
  const server = dynalite({ path, createTableMs: 0, deleteTableMs: 0 })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(socketPath, resolve)
  })
  chmodSync(socketPath, 0o600)
  const table = await ensureTable(client)
  await mendIndex(table)
  return {
    table,
    owner: true,
    async close() {
      client.destroy()
      server.closeAllConnections()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}

/**
 * dynalite writes an item's index entries before the item, in separate writes: a kill -9 in between can take a live
 * session out of the `due` index, and the reaper would never see it again. Writing each live item once more as it is
 * puts its entry back.
 */
async function mendIndex(table: Table): Promise<void> {
  let start: Record<string, unknown> | undefined
  do {
    const page = await table.client.send(
      new ScanCommand({
        TableName: table.name,
        FilterExpression: 'attribute_exists(live)',
        ConsistentRead: true,
        ExclusiveStartKey: start,
      }),
    )
    for (const item of page.Items ?? [])
      await conditionally(
        table.client.send(
          new PutCommand({
            TableName: table.name,
            Item: item,
            ConditionExpression: '#version = :version AND dueAt = :dueAt',
            ExpressionAttributeNames: { '#version': 'version' },
            ExpressionAttributeValues: { ':version': item.version, ':dueAt': item.dueAt },
          }),
        ),
      )
    start = page.LastEvaluatedKey
  } while (start !== undefined)
}
