/** When a session is due, and what for. Pure: time comes in, a decision comes out. */
import type { Limits } from './limits.ts'
import type { EndCause, Session } from './session.ts'

/** When the reaper must look at a session in this condition, ms since 1970. */
export function dueAt(session: Session, now: number, limits: Limits): number {
  switch (session.state) {
    case 'queued':
      return session.lastSeenAt + limits.queueSilenceMs
    case 'requested':
      return session.unsettledAt + limits.requestedMs
    case 'starting':
      return Math.min(startQuietUntil(session, limits), session.startCapAt)
    case 'ready':
      return Math.min(sleepAt(session, limits), session.lastSeenAt + limits.silenceMs)
    case 'stopping':
      return now + limits.releaseRetryMs
    case 'stopped':
    case 'failed':
      return Number.MAX_SAFE_INTEGER
  }
}

/**
 * Until when a starting session may be silent, ms since 1970. While the viewer loads there is nothing to report, so the
 * file's size buys time: 10 MiB a second, far below what cellxgene loads (790 MB in 5 s).
 */
function startQuietUntil(session: Session, limits: Limits): number {
  const { progress, unsettledAt } = session
  if (progress === null) return unsettledAt + limits.startQuietMs
  const loadingMs = progress.stage === 'loading' ? (progress.totalBytes / (10 * 2 ** 20)) * 1000 : 0
  return progress.at + limits.startQuietMs + Math.round(loadingMs)
}

/** When a ready session will be put to sleep if nobody uses it any more, ms since 1970. */
export function sleepAt(session: Session, limits: Limits): number {
  return Math.min(session.lastActiveAt + limits.idleMs, endsAt(session, limits))
}

/** When a ready session ends whatever happens, ms since 1970. */
export function endsAt(session: Session, limits: Limits): number {
  return (session.readyAt ?? session.createdAt) + limits.lifetimeMs
}

/** Why a live session must end now; `inspect` when only a look at its task can tell; null when it need not. */
export function dueCause(session: Session, now: number, limits: Limits): EndCause | 'inspect' | null {
  if (session.state === 'queued') return now >= session.lastSeenAt + limits.queueSilenceMs ? 'left' : null
  if (session.state === 'requested') return now >= session.unsettledAt + limits.requestedMs ? 'start-timeout' : null
  if (session.state === 'starting') return now >= dueAt(session, now, limits) ? 'start-timeout' : null
  if (session.state !== 'ready') return null
  if (now >= endsAt(session, limits)) return 'lifetime'
  if (now >= session.lastActiveAt + limits.idleMs) return 'idle'
  return now >= session.lastSeenAt + limits.silenceMs ? 'inspect' : null
}

/**
 * From when on a stopping session may be declared over (the *grace* rule), ms since 1970.
 * @param final the platform's stop and close are final (see `TaskRunner.final`), so that no late call can start anything
 */
export function releasableAt(session: Session, limits: Limits, final: boolean): number {
  return final ? 0 : session.unsettledAt + limits.graceMs
}
