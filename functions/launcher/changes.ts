/** Lets a long poll sleep until its session changes: a SessionStore that tells, in this process, what it wrote. */
import type { SessionStore } from '../core/ports.ts'
import type { Session } from '../core/session.ts'

export type Changes = {
  /** The store to use from now on; every write through it wakes the sleepers of that session. */
  sessions: SessionStore
  /** Resolves at the next write to (owner, dataset), after `timeoutMs`, or when `signal` aborts. */
  wait(ownerId: string, datasetId: string, timeoutMs: number, signal?: AbortSignal): Promise<void>
}

const recentMs = 400

/** @param lineMoved somebody has come into the line or left it: told before those who wait are woken */
export function watchSessions(store: SessionStore, lineMoved: () => void = () => {}): Changes {
  const sleepers = new Map<string, Set<() => void>>()
  const keyOf = (ownerId: string, datasetId: string) => JSON.stringify([ownerId, datasetId])
  /** Written a moment ago: who read just before and goes to sleep just after would miss it, so that sleep is short. */
  const recent = new Set<string>()
  /** Who waits in line hears of every move of it: their place has changed. */
  const line = new Set<string>()
  const wake = (session: Session) => {
    const key = keyOf(session.ownerId, session.datasetId)
    const moved = line.has(key) !== (session.state === 'queued')
    if (session.state === 'queued') line.add(key)
    else line.delete(key)
    if (moved) {
      lineMoved()
      for (const other of line) if (other !== key) for (const sleeper of [...(sleepers.get(other) ?? [])]) sleeper()
    }
    recent.add(key)
    setTimeout(() => recent.delete(key), recentMs).unref()
    for (const sleeper of [...(sleepers.get(key) ?? [])]) sleeper()
  }
  return {
    sessions: {
      ...store,
      async claim(fresh) {
        const claim = await store.claim(fresh)
        if (claim.created) wake(claim.session)
        return claim
      },
      async advance(from, next) {
        const advanced = await store.advance(from, next)
        if (advanced !== null) wake(advanced)
        return advanced
      },
      async touch(session, clocks) {
        const touched = await store.touch(session, clocks)
        if (touched) wake(session)
        return touched
      },
    },
    wait(ownerId, datasetId, timeoutMs, signal) {
      return new Promise((resolve) => {
        const key = keyOf(ownerId, datasetId)
        const mine = sleepers.get(key) ?? new Set()
        sleepers.set(key, mine)
        const done = () => {
          clearTimeout(timer)
          signal?.removeEventListener('abort', done)
          mine.delete(done)
          if (mine.size === 0 && sleepers.get(key) === mine) sleepers.delete(key)
          resolve()
        }
        const timer = setTimeout(done, recent.has(key) ? Math.min(timeoutMs, recentMs / 4) : timeoutMs)
        mine.add(done)
        if (signal?.aborted) done()
        else signal?.addEventListener('abort', done)
      })
    },
  }
}
