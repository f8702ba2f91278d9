/** The line as those in it see it: where each stands, and that its user is still there. */
import type { Clock, SessionStore } from '../core/ports.ts'
import { inOrder, type Session } from '../core/session.ts'
import type { Context } from './context.ts'

/** Another process may move the line too, and nobody tells us. */
const knownForMs = 1000
/** A page asks every few seconds; what it says is written at most this often. */
const heardEveryMs = 10_000

export type Place = { position: number; length: number }

export type Line = {
  /** Where a session waits, 1 is next; null when it does not. */
  place(session: Session): Promise<Place | null>
  /** This process has changed who waits: what was counted is no longer true. */
  moved(): void
}

export function lineOf(live: readonly Session[]): Session[] {
  return live.filter(({ state }) => state === 'queued').sort(inOrder)
}

/** Every page in line asks whenever it moves; it is counted once for all of them. */
export function createLine(sessions: Pick<SessionStore, 'listLive'>, clock: Clock): Line {
  let known: { at: number; places: Promise<Map<string, number>> } | null = null
  const count = async () => new Map(lineOf(await sessions.listLive()).map(({ id }, at) => [id, at + 1]))
  return {
    async place({ id }) {
      const now = clock.now()
      if (known === null || Math.abs(now - known.at) >= knownForMs) known = { at: now, places: count() }
      const mine = known
      try {
        const places = await mine.places
        const position = places.get(id)
        return position === undefined ? null : { position, length: places.size }
      } catch (error) {
        if (known === mine) known = null
        throw error
      }
    },
    moved() {
      known = null
    },
  }
}

/**
 * Its user is still there: a queued session leaves when they do.
 * @returns true when this is the first that is heard of them since the launcher was started
 */
export async function stillWaiting(context: Context, session: Session): Promise<boolean> {
  const { ports, limits } = context
  const now = ports.clock.now()
  const first = !heardOf(context, session)
  if (
    session.state !== 'queued' ||
    (!first && now - session.lastSeenAt < Math.min(heardEveryMs, limits.queueSilenceMs / 4))
  )
    return false
  const lastSeenAt = Math.max(now, context.here.since + 1)
  const clocks = { lastActiveAt: session.lastActiveAt, lastSeenAt, dueAt: lastSeenAt + limits.queueSilenceMs }
  return (await ports.sessions.touch(session, clocks)) && first
}

/** Since this launcher was started: after a night without it, a place is for who is there, and not for a closed tab. */
export function heardOf({ here }: Context, session: Session): boolean {
  return session.lastSeenAt > here.since
}

/** For who waits when a launcher starts again: the time that it was down is not held against them. */
export async function keepTheLine(context: Context): Promise<void> {
  const { ports, limits, here } = context
  const now = ports.clock.now()
  here.since = now
  for (const session of lineOf(await ports.sessions.listLive()))
    await ports.sessions.touch(session, {
      lastActiveAt: session.lastActiveAt,
      lastSeenAt: now,
      dueAt: now + limits.queueSilenceMs,
    })
}
