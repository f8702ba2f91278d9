/** The indexer's Lambda: one look at the bucket with the data files, and everything that can be read is read. */
import { fileURLToPath } from 'node:url'
import type { S3Client } from '@aws-sdk/client-s3'
import { LauncherError } from '../../core/errors.ts'
import type { Ports } from '../../core/ports.ts'
import { createIndexer, type Indexer } from '../../indexer/client.ts'
import { createIndexDatasets, outdatedDatasets } from '../../launcher/index-dataset.ts'
import type { Launcher } from '../../launcher/types.ts'
import type { Table } from '../dynamo/table.ts'
import { bucketTimes, createInspector } from './inspector.ts'
import { createTurn } from './turn.ts'

type Deps = {
  ports: Pick<Ports, 'files' | 'catalogue' | 'cells' | 'sessions' | 'clock' | 'log'>
  launcher: Pick<Launcher, 'datasetChanged'>
  clients: { s3: S3Client }
  environment: { dataBucket: string }
  table: Table
}

/** For what must end after the last file: a last write, the turn given back. */
const marginMs = 20_000

/** The worker lies beside the Lambda's own bundle. */
const bundled = (): Indexer => createIndexer({ program: fileURLToPath(new URL('indexer.mjs', import.meta.url)) })

/**
 * @param requestId of the invocation; a repeat of the same event has the same
 * @param remainingMs of the invocation
 * Throws `unavailable` when something was left to do, so that Lambda repeats the event (after one minute, then two).
 */
export async function lookAtBucket(
  { ports, launcher, clients, environment, table }: Deps,
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
      inspect: createInspector(clients.s3, environment.dataBucket, indexer),
      datasetChanged: launcher.datasetChanged,
      outdated: () => outdatedDatasets(ports),
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
