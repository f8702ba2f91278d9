/**
 * A file that lies elsewhere, as the indexer's process sees it: HDF5 reads it through node's `fs` like any other, and
 * blocks of it come over a socket from the parent, which alone has network and credentials. HDF5 can't wait for a promise,
 * so the socket is read synchronously, which stops this process (and nobody else) until the block is there.
 */
import fs from 'node:fs'
import { noteOpen } from './opened-files.ts'

/** Where the parent's socket is, and the name under which HDF5 opens the file. No file of this name is ever opened. */
export const remoteChannel = 3
export const remotePath = '/dataset.h5ad'

/** What is asked for at once: a round trip to a bucket costs about as much time as a megabyte. */
const blockBytes = 2 ** 20
/** Reading on where the last request ended asks for twice as much, up to this. */
export const mostRequestBytes = 4 * blockBytes
/** Blocks that are kept: names of cells are walked two or three times. */
const keptBlocks = 64

export const requestBytes = 12

export type RemoteFile = { sizeBytes: number; readAt(from: number, length: number): Uint8Array }

/** @param ask fetches bytes `from` to `to` (exclusive); at most `mostRequestBytes` */
export function createBlockCache(sizeBytes: number, ask: (from: number, to: number) => Uint8Array): RemoteFile {
  const blocks = new Map<number, Uint8Array>()
  const last = Math.ceil(sizeBytes / blockBytes)
  let [expected, atOnce] = [-1, 1]

  function block(index: number, wantedTo: number): Uint8Array {
    const kept = blocks.get(index)
    if (kept !== undefined) {
      blocks.delete(index)
      blocks.set(index, kept)
      return kept
    }
    const most = mostRequestBytes / blockBytes
    atOnce = index === expected ? Math.min(most, atOnce * 2) : 1
    let end = index + 1
    const until = Math.min(last, index + most, Math.max(wantedTo, index + atOnce))
    while (end < until && !blocks.has(end)) end++
    expected = end
    const bytes = ask(index * blockBytes, Math.min(sizeBytes, end * blockBytes))
    for (let one = index; one < end; one++) {
      // Copies, so that one block that is still wanted does not keep its neighbours in memory.
      blocks.set(one, bytes.slice((one - index) * blockBytes, (one - index + 1) * blockBytes))
      const oldest = blocks.size > keptBlocks ? blocks.keys().next().value : undefined
      if (oldest !== undefined && oldest !== index) blocks.delete(oldest)
    }
    return blocks.get(index) as Uint8Array
  }

  return {
    sizeBytes,
    readAt(from, length) {
      const to = Math.min(sizeBytes, from + length)
      const found = new Uint8Array(Math.max(0, to - from))
      for (let at = from; at < to; ) {
        const index = Math.floor(at / blockBytes)
        const part = block(index, Math.ceil(to / blockBytes)).subarray(at - index * blockBytes)
        const taken = part.subarray(0, to - at)
        found.set(taken, at - from)
        at += taken.byteLength
      }
      return found
    },
  }
}

/** The file of the parent's socket. */
export function openRemoteFile(sizeBytes: number): RemoteFile {
  const { readSync, writeSync } = fs
  return createBlockCache(sizeBytes, (from, to) => {
    const request = Buffer.alloc(requestBytes)
    request.writeBigUInt64LE(BigInt(from))
    request.writeUInt32LE(to - from, 8)
    writeSync(remoteChannel, request)
    const bytes = new Uint8Array(to - from)
    for (let at = 0; at < bytes.byteLength; ) {
      const read = readSync(remoteChannel, bytes, at, bytes.byteLength - at, null)
      if (read === 0) throw new Error('the file is not handed over any more')
      at += read
    }
    return bytes
  })
}

let mounts = 0

/**
 * Puts it into this process's `fs`, under `remotePath`: what h5wasm's node build calls, and no more.
 * @returns takes it out again
 */
export function mountRemoteFile(file: RemoteFile): () => void {
  const own = { ...fs }
  /** No process has as many descriptors. */
  const descriptor = 2 ** 30
  const time = new Date(0)
  const stat = {
    // HDF5 takes two files of one number for one file.
    ...{ dev: 2 ** 30, ino: ++mounts, mode: 0o100400, nlink: 1, uid: 0, gid: 0, rdev: 0, blksize: 4096 },
    ...{ size: file.sizeBytes, blocks: Math.ceil(file.sizeBytes / 512) },
    ...{ atimeMs: 0, mtimeMs: 0, ctimeMs: 0, birthtimeMs: 0, atime: time, mtime: time, ctime: time, birthtime: time },
    isDirectory: () => false,
    isFile: () => true,
    isSymbolicLink: () => false,
  }
  const mounted = {
    openSync: (path: fs.PathLike, ...more: [fs.OpenMode]) => {
      if (path !== remotePath) return own.openSync(path, ...more)
      noteOpen(remotePath)
      return descriptor
    },
    lstatSync: (path: fs.PathLike) => (path === remotePath ? stat : own.lstatSync(path)),
    statSync: (path: fs.PathLike) => (path === remotePath ? stat : own.statSync(path)),
    fstatSync: (fd: number) => (fd === descriptor ? stat : own.fstatSync(fd)),
    closeSync: (fd: number) => (fd === descriptor ? undefined : own.closeSync(fd)),
    readSync: (fd: number, into: Uint8Array, offset: number, length: number, position: number | null) => {
      if (fd !== descriptor) return own.readSync(fd, into, offset, length, position)
      const bytes = file.readAt(Number(position ?? 0), length)
      new Uint8Array(into.buffer, into.byteOffset, into.byteLength).set(bytes, offset)
      return bytes.byteLength
    },
  }
  const put = (functions: typeof mounted | typeof own) => {
    for (const name of Object.keys(mounted) as (keyof typeof mounted)[])
      Object.defineProperty(fs, name, { configurable: true, value: functions[name] })
  }
  put(mounted)
  return () => put(own)
}
