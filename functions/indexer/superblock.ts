/** The first bytes of an HDF5 file: is it one, and is all of it there? Cheap, and safe on any file. */
import { open } from 'node:fs/promises'
import { ProblemFound } from './problems.ts'

export type Superblock =
  | { kind: 'whole' }
  | { kind: 'empty' }
  | { kind: 'not-hdf5' }
  /** The file says that it is longer than it is: a copy under way or broken off. */
  | { kind: 'cut-short'; hasBytes: number; needsBytes: number }

const signature = Buffer.from('\x89HDF\r\n\x1a\n', 'latin1')
/** A user block may come first; HDF5 then looks at 512, 1024, 2048, … bytes. */
const lastStart = 2 ** 24
const headBytes = 96

/**
 * Source: HDF5 File Format Specification 3.0, section II.A. The end-of-file address is counted from the base address,
 * and may be a little less than the file (an editor that appended something), never more.
 * @param read as many of the bytes as there are
 */
export async function findSuperblock(
  size: number,
  read: (from: number, length: number) => Uint8Array | Promise<Uint8Array>,
): Promise<Superblock> {
  if (size === 0) return { kind: 'empty' }
  for (let start = 0; start < size && start <= lastStart; start = start === 0 ? 512 : start * 2) {
    const head = Buffer.alloc(headBytes)
    const found = await read(start, headBytes)
    head.set(found)
    if (found.byteLength < 48 || !head.subarray(0, 8).equals(signature)) continue
    const ends = endAddress(head)
    if (ends === null) return { kind: 'not-hdf5' }
    // A base address other than where the superblock lies means a user block was added or removed afterwards.
    const needsBytes = start + ends
    return size < needsBytes ? { kind: 'cut-short', hasBytes: size, needsBytes } : { kind: 'whole' }
  }
  return { kind: 'not-hdf5' }
}

/** Throws what `fs` throws. */
export async function readSuperblock(path: string): Promise<Superblock> {
  const file = await open(path, 'r')
  try {
    const { size } = await file.stat()
    return await findSuperblock(size, async (from, length) => {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, from)
      return buffer.subarray(0, bytesRead)
    })
  } finally {
    await file.close()
  }
}

/** End-of-file address less base address, in bytes; null when the block makes no sense. */
function endAddress(head: Buffer): number | null {
  const version = head[8] ?? 0
  const old = version <= 1
  const offsetSize = head[old ? 13 : 9] ?? 0
  if (version > 3 || ![4, 8].includes(offsetSize)) return null
  const first = old ? (version === 0 ? 24 : 28) : 12
  const address = (at: number) => (offsetSize === 8 ? Number(head.readBigUInt64LE(at)) : head.readUInt32LE(at))
  // Base address, then free-space or extension address, then end-of-file address.
  return address(first + 2 * offsetSize) - address(first)
}

/** In words. */
export function incomplete(start: Exclude<Superblock, { kind: 'whole' }>): ProblemFound {
  if (start.kind === 'empty') return new ProblemFound('empty-file', 'The file is empty.')
  if (start.kind === 'not-hdf5')
    return new ProblemFound('not-hdf5', 'This is not an HDF5 file, whatever its name says.')
  const [has, needs] = [start.hasBytes, start.needsBytes].map((bytes) => bytes.toLocaleString('en'))
  return new ProblemFound(
    'cut-short',
    `The file has ${has} of ${needs} bytes: its copy broke off, or is still under way.`,
  )
}
