/** One viewer for one (owner, dataset). The record that every step of the launcher reads and compares before it acts. */
import type { ViewMode } from './principal.ts'
import type { TaskSize } from './sizing.ts'

/** Live: may hold a task or a route, or waits in line for them (`queued` holds nothing yet). Over: holds neither. */
export const liveStates = ['queued', 'requested', 'starting', 'ready', 'stopping'] as const
export const overStates = ['stopped', 'failed'] as const
export type LiveState = (typeof liveStates)[number]
export type OverState = (typeof overStates)[number]
export type SessionState = LiveState | OverState

/** Why a session ends. The page and the receipt say it in words. */
export type EndCause =
  | 'user' // its owner stopped it
  | 'idle' // nobody used it for the idle time
  | 'lifetime' // the longest a session may live
  | 'not-started' // a part of the platform was down or asked for patience; nothing was started
  | 'start-timeout' // no progress before the start deadline, or nobody knows whether it was started
  | 'task-lost' // the task is gone without having been told to
  | 'out-of-memory' // the viewer met its memory bound
  | 'load-failed' // cellxgene could not open the file
  | 'refused' // the platform refused to start a task
  | 'dataset-changed' // the file was replaced or removed
  | 'shutdown' // the launcher was stopped
  | 'link-over' // the launch link it came by was revoked
  | 'left' // its user left the queue

export type Ending = {
  cause: EndCause /** The viewer's or platform's own words, if any. */
  detail: string | null
  at: number
}

export type Stage = 'starting' | 'downloading' | 'loading' | 'opening'
export type Progress = { stage: Stage; doneBytes: number; totalBytes: number; at: number }

export type Session = {
  /** 20 characters of [a-z2-7]; new for every claim. Not a secret: it shows in paths. */
  id: string
  ownerId: string
  ownerName: string
  /** The launch link it came by; null for a user's own. */
  linkId: string | null
  mode: ViewMode
  datasetId: string
  datasetVersion: string
  /** Of the dataset version, so that what is saved can say which cells it belongs to. */
  obsIndexHash: string
  state: SessionState
  /** Grows with every change of state or content but `touch`; compare-and-set is on it and `dueAt`. */
  version: number
  /** When the reaper must look at it (ms since 1970). */
  dueAt: number
  createdAt: number
  /** When it got its place; null while it waits in line for the first time. The receipt counts from here. */
  requestedAt: number | null
  /** The platform had no room when its turn came, so it went back into the line. */
  refusal: { at: number; detail: string; times: number } | null
  /** When it was last seen `requested` or `starting`: until `graceMs` later a late call may still start something. 0: never. */
  unsettledAt: number
  /** The start is given up then, whatever it reports. */
  startCapAt: number
  readyAt: number | null
  lastActiveAt: number
  lastSeenAt: number
  size: TaskSize
  /** Part of the task's idempotency key; grows only after a definite refusal. */
  attempt: number
  routePath: string
  progress: Progress | null
  ending: Ending | null
  /** Starts that failed in a row before this one, within `failureWindowMs`. */
  failedStarts: number
}

/** Holds a place: may have a task or a route. What waits in line holds nothing. */
export function holdsPlace(session: Session): boolean {
  return isLive(session) && session.state !== 'queued'
}

/** The order of the line, and of everything else that is served in turn. */
export function inOrder(a: Session, b: Session): number {
  return a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1)
}

export function isLive(session: Session): session is Session & { state: LiveState } {
  return (liveStates as readonly string[]).includes(session.state)
}

/** Ends that say that something went wrong, as opposed to ends somebody wanted. */
export const failureCauses: readonly EndCause[] = [
  'not-started',
  'start-timeout',
  'task-lost',
  'out-of-memory',
  'load-failed',
  'refused',
]

export function isFailure(ending: Ending | null): boolean {
  return ending !== null && failureCauses.includes(ending.cause)
}

/** What a session cost, written once when it is over. */
export type Receipt = {
  sessionId: string
  ownerId: string
  datasetId: string
  from: number
  readyAt: number | null
  to: number
  size: TaskSize
  cause: EndCause
  detail: string | null
}
