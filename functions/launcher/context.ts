/** What every step shares: ports, limits, and the two ways a record is changed. */
import { dueAt } from '../core/deadlines.ts'
import { LauncherError } from '../core/errors.ts'
import { assertTransition, type Step } from '../core/lifecycle.ts'
import type { Limits } from '../core/limits.ts'
import type { Ports } from '../core/ports.ts'
import type { GatePrincipal } from '../core/principal.ts'
import type { EndCause, Ending, Session } from '../core/session.ts'
import { createTurns } from './in-steps.ts'

/** What all calls of one process share. */
export type Here = {
  /** One at a time: counting what room there is, and taking it. */
  admission: <T>(act: () => Promise<T>) => Promise<T>
  /** One at a time: labels of a million cells take a gigabyte while they are read and brought together. */
  tables: <T>(act: () => Promise<T>) => Promise<T>
  /** When it took over from a launcher that is gone (one machine only), ms since 1970. */
  since: number
  /** From now on nobody is let in. */
  goingDown: boolean
}

export function createHere(): Here {
  return { admission: createTurns(), tables: createTurns(), since: 0, goingDown: false }
}

export type Context = { ports: Ports; limits: Limits; here: Here }

/**
 * Compare-and-set of one session, checked against the transition table; the deadline follows from the new condition.
 * @returns the stored record, or null when somebody else was first
 */
export function change(
  { ports, limits }: Context,
  step: Step,
  from: Session,
  change: Partial<Session>,
): Promise<Session | null> {
  const now = ports.clock.now()
  const next = { ...from, ...change }
  assertTransition(from.state, next.state, step)
  // Whoever read it as requested or starting may still act on that: see the grace rule. Back into the line goes only the
  // call that would have started it, and before it has started anything.
  if (next.state === 'queued') next.unsettledAt = 0
  else if (next.state === 'requested' || from.state === 'requested' || from.state === 'starting') next.unsettledAt = now
  return ports.sessions.advance(from, { ...next, dueAt: change.dueAt ?? dueAt(next, now, limits) })
}

export const ending = (cause: EndCause, at: number, detail: string | null = null): Ending => ({
  cause,
  // Shown to people and kept in a record of at most 400 KB.
  detail: detail === null ? null : detail.slice(0, 2000),
  at,
})

/** The session a gate speaks for, or null when it no longer owns its (owner, dataset). */
export async function sessionOfGate({ ports }: Context, gate: GatePrincipal): Promise<Session | null> {
  const session = await ports.sessions.get(gate.ownerId, gate.datasetId)
  return session?.id === gate.sessionId ? session : null
}

export function lostRace(what: string): LauncherError {
  return new LauncherError('conflict', `Somebody else changed the session while it was to be ${what}. Try again.`)
}
