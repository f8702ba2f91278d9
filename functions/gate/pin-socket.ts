/**
 * Holds on to the very socket that the viewer made. The folder that it lies in is the viewer's: one that a file has taken over
 * could put a link there instead, and the gate, which sees more than the viewer, would speak to whatever that leads to (the
 * launcher's store, another's gate) in the name of the page.
 */
import { closeSync, constants, fstatSync, openSync } from 'node:fs'
import type { Address } from './config.ts'

export type PinnedSocket = { descriptor: number | null }

/** open(2) on Linux: names the file without opening it; with O_NOFOLLOW a link is named itself. Node has no name for it. */
const O_PATH = 0o10000000

/**
 * From now on `address` leads to the socket that is there now, whatever its name leads to later.
 * @returns null when no socket is there
 */
export function pinSocket(address: Address): PinnedSocket | null {
  if (!('socketPath' in address) || process.platform !== 'linux') return { descriptor: null }
  try {
    const descriptor = openSync(address.socketPath, O_PATH | constants.O_NOFOLLOW)
    if (fstatSync(descriptor).isSocket()) {
      address.socketPath = `/proc/self/fd/${descriptor}`
      return { descriptor }
    }
    closeSync(descriptor)
  } catch {
    // Not there: said below.
  }
  return null
}

export function unpin(pinned: PinnedSocket | null): void {
  if (pinned?.descriptor != null) closeSync(pinned.descriptor)
}
