/** The transition table: every change of a session's state and the only steps that may make it. */
import { LauncherError } from './errors.ts'
import { liveStates, type SessionState } from './session.ts'

export type Step = 'launch' | 'promote' | 'admit' | 'progress' | 'stop' | 'reap' | 'index-dataset'

export type Transition = { from: SessionState | 'none'; to: SessionState; by: readonly Step[] }

/**
 * *Over* is entered only from `stopping`, after task and route are confirmed gone, or from `requested` when the start
 * was refused outright; so nothing that is over can hold anything, by construction.
 */
export const transitions: readonly Transition[] = [
  { from: 'none', to: 'queued', by: ['launch'] },
  { from: 'stopped', to: 'queued', by: ['launch'] },
  { from: 'failed', to: 'queued', by: ['launch'] },
  { from: 'none', to: 'requested', by: ['launch'] },
  { from: 'stopped', to: 'requested', by: ['launch'] },
  { from: 'failed', to: 'requested', by: ['launch'] },
  { from: 'queued', to: 'requested', by: ['promote'] },
  // Two found the last place: the younger goes back into the line before it has reserved anything.
  { from: 'requested', to: 'queued', by: ['launch', 'promote'] },
  { from: 'requested', to: 'starting', by: ['launch', 'promote'] },
  { from: 'requested', to: 'failed', by: ['launch', 'promote'] },
  { from: 'queued', to: 'stopping', by: ['stop', 'reap', 'index-dataset'] },
  { from: 'starting', to: 'starting', by: ['admit', 'progress'] },
  { from: 'starting', to: 'ready', by: ['admit'] },
  // By who starts it, when that failed and something may run all the same.
  { from: 'requested', to: 'stopping', by: ['launch', 'promote', 'stop', 'reap', 'index-dataset'] },
  { from: 'starting', to: 'stopping', by: ['stop', 'reap', 'index-dataset'] },
  { from: 'ready', to: 'stopping', by: ['stop', 'reap', 'index-dataset'] },
  { from: 'stopping', to: 'stopping', by: ['reap'] },
  { from: 'stopping', to: 'stopped', by: ['reap'] },
  { from: 'stopping', to: 'failed', by: ['reap'] },
]

/** Throws when the table does not allow it: a bug in a step, never a user's mistake. */
export function assertTransition(from: SessionState | 'none', to: SessionState, by: Step): void {
  const allowed = transitions.some((row) => row.from === from && row.to === to && row.by.includes(by))
  if (!allowed) throw new LauncherError('conflict', `${by} may not change a session from ${from} to ${to}.`)
}

export const canStop = (state: SessionState): boolean =>
  (liveStates as readonly string[]).includes(state) && state !== 'stopping'
