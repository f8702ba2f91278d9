/**
 * What a viewer writes, copied into the launcher's log. Not the log's own descriptor: through /proc/self/fd a process can open
 * what it holds once more, for reading, whatever its sandbox hides. And not without end: what a file makes a viewer say is
 * nobody's reason to fill the disk.
 */
import type { ChildProcess } from 'node:child_process'
import { writeSync } from 'node:fs'

/** Most of one viewer, bytes. */
const most = 2 ** 20
/** A line longer than this is written in pieces. */
const longestLine = 2 ** 16
/** Enough of the end for a sandbox's reason not to start. */
const tailBytes = 500
const tooMuch = Buffer.from('\n{"level":"warn","event":"a viewer wrote too much; the rest is left out"}\n')

export type ViewerOutput = {
  /** Its last words so far. */
  tail(): string
}

/** @param to descriptor of the log; null: nothing is kept */
export function copyOutput({ stdout, stderr }: ChildProcess, to: number | null): ViewerOutput {
  let left = most
  let tail = ''

  function write(bytes: Uint8Array): void {
    if (to === null) return
    try {
      writeSync(to, bytes)
    } catch {
      // A full disk must not end the launcher because of its log.
    }
  }

  function keep(bytes: Buffer): void {
    if (left <= 0 || bytes.length === 0) return
    write(bytes.subarray(0, left))
    left -= bytes.length
    if (left <= 0) write(tooMuch)
  }

  for (const stream of [stdout, stderr]) {
    // Whole lines, or two viewers' lines would mix.
    let pending = Buffer.alloc(0)
    stream?.on('data', (chunk: Buffer) => {
      tail = (tail + chunk.toString('utf8')).slice(-tailBytes)
      pending = Buffer.concat([pending, chunk])
      const end = pending.length > longestLine ? pending.length : pending.lastIndexOf(10) + 1
      keep(pending.subarray(0, end))
      pending = pending.subarray(end)
    })
    stream?.on('end', () => keep(pending.length > 0 ? Buffer.concat([pending, Buffer.from('\n')]) : pending))
    stream?.on('error', () => {})
  }
  return { tail: () => tail }
}
