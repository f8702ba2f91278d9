/** Notices at once that the viewer is gone: holds a connection open that breaks when its process ends, whoever ended it. */
import net from 'node:net'
import type { Address } from './config.ts'
import { pause } from './timing.ts'

export type Watch = { stop(): void }

/** A refused connection is tried this often before it counts: a full listen queue refuses too (EAGAIN on a Unix socket). */
const tries = 3
const pauseMs = 100
const connectMs = 5_000

/** @param onGone called once, when nothing listens any more */
export function watchViewer(viewer: Address, onGone: () => void): Watch {
  const over = new AbortController()
  void (async () => {
    while (!over.signal.aborted) {
      const socket = await connectRepeatedly(viewer, over.signal)
      if (over.signal.aborted) return socket?.destroy()
      if (socket === null) return onGone()
      // Waitress closes a silent connection after two minutes: then a new one shows that it is still there.
      await new Promise<void>((resolve) => {
        socket.once('close', resolve)
        socket.resume()
        over.signal.addEventListener('abort', () => socket.destroy(), { once: true })
      })
    }
  })()
  return { stop: () => over.abort() }
}

/** Does anything listen there right now? */
export async function viewerListens(viewer: Address): Promise<boolean> {
  const socket = await connectRepeatedly(viewer, new AbortController().signal)
  socket?.destroy()
  return socket !== null
}

async function connectRepeatedly(viewer: Address, signal: AbortSignal): Promise<net.Socket | null> {
  for (let attempt = 0; attempt < tries && !signal.aborted; attempt += 1) {
    if (attempt > 0) await pause(pauseMs, signal)
    const socket = await connectOnce(viewer)
    if (socket) return socket
  }
  return null
}

function connectOnce(viewer: Address): Promise<net.Socket | null> {
  return new Promise((resolve) => {
    const socket = 'socketPath' in viewer ? net.connect(viewer.socketPath) : net.connect(viewer.port, viewer.host)
    const fail = () => {
      clearTimeout(timer)
      socket.destroy()
      resolve(null)
    }
    const timer = setTimeout(fail, connectMs)
    socket.once('error', fail)
    socket.once('connect', () => {
      clearTimeout(timer)
      socket.removeListener('error', fail)
      socket.on('error', () => {})
      resolve(socket)
    })
  })
}
