/**
 * The indexer's own process, one per file: `node indexer.mjs hash|index|cells <file> <lzf plugin folder>`, or with `index`
 * and `cells` a fourth word, the size in bytes of a file that comes over descriptor 3 (`remote-file.ts`). It parses files that anybody may have made, so it can only read (node's permission model), has bounded memory and is killed when slow;
 * see `client.ts`. Says what it has done, and its result, as lines of JSON.
 */
import './no-process-binding.ts' // first: before h5wasm is loaded
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readCells } from './cells.ts'
import { loadHdf5, openHdf5 } from './hdf5.ts'
import { inspectFile } from './inspect.ts'
import { mountRemoteFile, openRemoteFile } from './remote-file.ts'
import { findSuperblock } from './superblock.ts'

/** Keeps the client from taking a long file for a stuck one. */
const progressBytes = 64 * 2 ** 20

async function hash(path: string): Promise<{ sha256: string }> {
  const sum = createHash('sha256')
  let unsaid = 0
  for await (const chunk of createReadStream(path, { highWaterMark: 2 ** 20 }) as AsyncIterable<Buffer>) {
    sum.update(chunk)
    unsaid += chunk.byteLength
    if (unsaid < progressBytes) continue
    say({ hashed: unsaid })
    unsaid = 0
  }
  return { sha256: sum.digest('hex') }
}

function say(line: unknown): void {
  process.stdout.write(`${JSON.stringify(line)}\n`)
}

try {
  const [what, path = '', pluginFolder = '', remoteBytes] = process.argv.slice(2)
  const remote = remoteBytes === undefined ? null : openRemoteFile(Number(remoteBytes))
  if (remote) mountRemoteFile(remote)
  const superblock = remote ? () => findSuperblock(remote.sizeBytes, remote.readAt) : undefined
  const result =
    what === 'hash'
      ? await hash(path)
      : what === 'cells'
        ? readCells(openHdf5(await loadHdf5(pluginFolder), path), (names) => say({ names }))
        : await inspectFile(await loadHdf5(pluginFolder), path, pluginFolder, superblock)
  // After a damaged file HDF5's own clean-up may abort, so it is never asked to: the line is out, the process ends.
  process.stdout.write(`${JSON.stringify({ result })}\n`, () => process.exit(0))
} catch (error) {
  // Not the file's fault: the reader itself can't be loaded, or the file went away.
  const broken = error instanceof Error ? error.message : String(error)
  process.stdout.write(`${JSON.stringify({ broken: broken.slice(0, 300) })}\n`, () => process.exit(70))
}
