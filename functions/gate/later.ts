/** Long answers: the browser is told where to ask (202), the answer is spooled to disk, and fetched when it is there. */
import { randomBytes } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { type Answer, problem } from './answer.ts'
import { viewerHeader } from './header-names.ts'
import { within } from './timing.ts'
import type { Tuning } from './tuning.ts'

export type Later = {
  /**
   * Takes an answer that is still being made. Null when there is no room: then the browser waits on its connection.
   * @param abandon called when nobody asked for the answer in time
   */
  adopt(making: Promise<Answer>, abandon: () => void): Answer | null
  /** The spooled answer, 202 again after a while, or 404. */
  fetch(id: string, signal: AbortSignal): Promise<Answer>
  /** Answers still being made. */
  readonly pending: number
  close(): Promise<void>
}

type Spooled = {
  status: number
  headers: Answer['headers']
  /** In the file, or a short one at hand. */
  body: 'file' | Buffer
  file: string
  bytes: number
}

type Entry = {
  /** The answer, its body in a file; null while it is being made. */
  answer: Spooled | null
  done: Promise<void>
  abandon: () => void
  timer: NodeJS.Timeout
}

type Limits = Pick<Tuning, 'laterPollMs' | 'laterKeepMs' | 'laterFetchedMs' | 'laterMost' | 'laterBytes'>

/** @param dir private folder, made on first use; `routePath`: the answers' place is told below it */
export function createLater(dir: string, routePath: () => string, limits: Limits): Later {
  const entries = new Map<string, Entry>()
  let bytesOnDisk = 0

  function drop(id: string): void {
    const entry = entries.get(id)
    if (!entry) return
    entries.delete(id)
    clearTimeout(entry.timer)
    if (entry.answer === null) entry.abandon()
    else void discard(entry.answer)
  }

  async function discard({ file, bytes }: { file: string; bytes: number }): Promise<void> {
    bytesOnDisk -= bytes
    await rm(file, { force: true })
  }

  function keepWhileAsked(id: string): NodeJS.Timeout {
    return setTimeout(() => drop(id), limits.laterKeepMs).unref()
  }

  async function spool(id: string, making: Promise<Answer>): Promise<void> {
    const file = join(dir, id)
    const answer = await making
    if (!entries.has(id)) {
      if (answer.body && !Buffer.isBuffer(answer.body)) answer.body.destroy()
      return // nobody waits for it any more
    }
    await mkdir(dir, { recursive: true, mode: 0o700 })
    let bytes = 0
    const count = new Transform({
      transform(part: Buffer, _encoding, done) {
        bytes += part.length
        bytesOnDisk += part.length
        done(bytesOnDisk > limits.laterBytes ? new Error('no room on disk') : null, part)
      },
    })
    let spooled = answer
    try {
      const body = answer.body ?? Buffer.alloc(0)
      await pipeline(Buffer.isBuffer(body) ? [body] : body, count, createWriteStream(file, { mode: 0o600 }))
    } catch {
      bytesOnDisk -= bytes
      spooled = problem(
        503,
        'unavailable',
        'Not available just now',
        'The answer broke off while it was kept. Ask again.',
      )
      bytes = 0
      await rm(file, { force: true })
    }
    const entry = entries.get(id)
    const { status, headers, body } = spooled
    if (entry)
      entry.answer = {
        status,
        headers,
        body: spooled === answer || !Buffer.isBuffer(body) ? 'file' : body,
        file,
        bytes,
      }
    else await discard({ file, bytes }) // nobody came for it
  }

  const place = (id: string): Answer => ({
    status: 202,
    headers: { [viewerHeader]: 'later', location: `${routePath()}-/later/${id}`, 'retry-after': '0' },
    body: null,
  })

  /** Makes room by dropping the oldest answer that is there and was not fetched. */
  function room(): boolean {
    if (entries.size < limits.laterMost) return true
    for (const [id, entry] of entries) {
      if (entry.answer === null) continue
      drop(id)
      return true
    }
    return false
  }

  return {
    get pending() {
      let count = 0
      for (const entry of entries.values()) if (entry.answer === null) count += 1
      return count
    },
    adopt(making, abandon) {
      if (!room()) return null
      const id = randomBytes(16).toString('hex')
      // A disk that can't be written to leaves the entry without an answer: the browser asks on, and its time ends.
      const done = spool(id, making).catch(() => drop(id))
      entries.set(id, { answer: null, done, abandon, timer: keepWhileAsked(id) })
      return place(id)
    },
    async fetch(id, signal) {
      const entry = entries.get(id)
      const gone = problem(404, 'not-found', 'Not found', 'This answer is not kept any more. Ask for it again.')
      if (!entry) return gone
      clearTimeout(entry.timer)
      entry.timer = keepWhileAsked(id)
      if (entry.answer === null) await within(entry.done, limits.laterPollMs, signal)
      if (!entries.has(id)) return gone
      if (entry.answer === null) return place(id)
      const { status, headers, file, bytes, body } = entry.answer
      if (body !== 'file') return { status, headers, body }
      const content = createReadStream(file)
      // `close` and not `end`: a browser that has all its bytes may be gone before the stream has ended.
      content.once('close', () => {
        if (content.bytesRead < bytes) return
        // Not removed at once: it may have lost its connection on the last stretch, and asks again.
        clearTimeout(entry.timer)
        entry.timer = setTimeout(() => drop(id), limits.laterFetchedMs).unref()
      })
      return { status, headers: { ...headers, 'content-length': String(bytes) }, body: content }
    },
    async close() {
      const under = [...entries.values()].map(({ done }) => done)
      for (const id of [...entries.keys()]) drop(id)
      await Promise.all(under) // or one of them could write after the removal
      await rm(dir, { recursive: true, force: true })
    },
  }
}
