/**
 * The indexer's Lambda: one look at the bucket with the data files, and everything that can be read is read. What it reads
 * anybody may have made, so it has no more than it needs: no secret, no viewer, no session. Viewers of a version that is no
 * more are ended by the reaper's next minute, which also lets in who waits for their places.
 */
import { fileURLToPath } from 'node:url'
import type { S3Client } from '@aws-sdk/client-s3'
import { LauncherError } from '../../core/errors.ts'
import type { Ports } from '../../core/ports.ts'
import { createIndexer, type Indexer } from '../../indexer/client.ts'
import { createIndexDatasets } from '../../launcher/index-dataset.ts'
import { createCatalogue } from '../dynamo/catalogue.ts'
import { openTable, type Table } from '../dynamo/table.ts'
import { createCellNames } from './cells.ts'
import { createDataClients } from './clients.ts'
import { createDatasetFiles } from './dataset-files.ts'
import { bucketTimes, createInspector } from './inspector.ts'
import { jsonLog } from './log.ts'
import { readEnvironment } from './settings.ts'
import { createTurn } from './turn.ts'

export type Bucket = {
  ports: Pick<Ports, 'files' | 'catalogue' | 'cells' | 'clock' | 'log'>
  s3: S3Client
  dataBucket: string
  table: Table
}

/** For what must end after the last file: a last write, the turn given back. */
const marginMs = 20_000

/** Makes no call. */
export async function openBucket(env: Readonly<Record<string, string | undefined>>): Promise<Bucket> {
  const { table: name, dataBucket, vaultBucket } = readEnvironment(env)
  const { dynamo, s3 } = createDataClients(env)
  const table = openTable(dynamo, name)
  const clock = { now: () => Date.now() }
  const [files, catalogue] = [createDatasetFiles(s3, dataBucket), createCatalogue(table)]
  const cells = createCellNames(s3, vaultBucket, clock)
  return { ports: { files, catalogue, cells, clock, log: jsonLog }, s3, dataBucket, table }
}

/** The worker lies beside the Lambda's own bundle. */
const bundled = (): Indexer => createIndexer({ program: fileURLToPath(new URL('indexer.mjs', import.meta.url)) })

/**
 * @param requestId of the invocation; a repeat of the same event has the same
 * @param remainingMs of the invocation
 * Throws `unavailable` when something was left to do, so that Lambda repeats the event (after one minute, then two).
 */
export async function lookAtBucket(
  { ports, s3, dataBucket, table }: Bucket,
  requestId: string,
  remainingMs: number,
  indexer: Pick<Indexer, 'indexFile' | 'readCells'> = bundled(),
): Promise<void> {
  const { clock, log } = ports
  const until = clock.now() + Math.max(0, remainingMs - marginMs)
  const turn = createTurn(table, clock)
  if (!(await turn.take(requestId, clock.now() + remainingMs)))
    return log('info', 'somebody looks at the bucket already')
  const look = () =>
    createIndexDatasets(ports, {
      inspect: createInspector(s3, dataBucket, indexer),
      datasetChanged: async (dataset) => log('info', 'a dataset changed', { dataset }),
      ...bucketTimes,
    }).settle(until)
  let settled = false
  try {
    do settled = await look()
    while ((await turn.end(requestId)) === 'again' && clock.now() < until)
  } catch (error) {
    // Others need not wait for a turn that failed; it is repeated, and looks for them as well.
    while ((await turn.end(requestId).catch(() => 'over')) === 'again');
    throw error
  }
  if (settled && clock.now() < until) return
  throw new LauncherError('unavailable', 'Some data files are still to be read; the next look goes on.')
}
