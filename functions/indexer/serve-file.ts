/** The parent's half of a file that lies elsewhere: hands the indexer's process the bytes it asks for, and only of this file. */
import type { Duplex } from 'node:stream'
import { mostRequestBytes, requestBytes } from './remote-file.ts'

/** A file that is read in pieces from somewhere, as a bucket. */
export type FileSource = {
  sizeBytes: number
  /** Exactly the bytes `from` to `to` (exclusive). Rejects when they can't be had, or are not of the same content any more. */
  read(from: number, to: number, signal?: AbortSignal): Promise<Uint8Array>
}

/**
 * Answers one request after the other; the process that asks waits for each. The process parses what anybody may have
 * made, so what it asks for is checked: anything odd ends it.
 * @param failed called once; the process is to be ended, as HDF5 would take a missing block for damage of the file
 */
export function serveFile(
  channel: Duplex,
  source: FileSource,
  signal: AbortSignal | undefined,
  failed: (error: unknown) => void,
): void {
  let asked: Buffer = Buffer.alloc(0)
  let answering = false
  channel.on('error', () => {}) // it ended; how is told by its exit
  channel.on('data', (chunk: Buffer) => {
    asked = Buffer.concat([asked, chunk])
    if (answering || asked.byteLength > requestBytes) return failed(new Error('the reader does not wait its turn'))
    if (asked.byteLength < requestBytes) return
    const from = Number(asked.readBigUInt64LE(0))
    const to = from + asked.readUInt32LE(8)
    asked = Buffer.alloc(0)
    if (to > source.sizeBytes || to - from > mostRequestBytes || to <= from)
      return failed(new Error('the reader asked for what is not in the file'))
    answering = true
    source
      .read(from, to, signal)
      .then((bytes) => {
        if (bytes.byteLength !== to - from) throw new Error('fewer bytes came than were asked for')
        answering = false
        channel.write(bytes)
      })
      .catch(failed)
  })
}
