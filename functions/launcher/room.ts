/** Is there room for one more viewer? Two caps: how many run at once, and how much memory they have together. */
import { setTimeout as pause } from 'node:timers/promises'
import { LauncherError } from '../core/errors.ts'
import { holdsPlace, inOrder, isLive, type Session } from '../core/session.ts'
import type { TaskSize } from '../core/sizing.ts'
import type { Context } from './context.ts'

/** What is taken, of what there is. */
type Taken = { viewers: number; memoryMiB: number }

/** Sessions that hold a place, and tasks that were told to stop but still hold their memory. */
export async function taken({ ports }: Context, live: readonly Session[], but?: Session): Promise<Taken> {
  const holders = live.filter((session) => holdsPlace(session) && session.id !== but?.id)
  const held = await ports.tasks.heldMiB(new Set(holders.map(({ id }) => id)))
  return { viewers: holders.length, memoryMiB: holders.reduce((sum, { size }) => sum + size.memoryMiB, held) }
}

export function fits({ limits }: Context, { viewers, memoryMiB }: Taken, size: TaskSize): boolean {
  return viewers < limits.liveSessions && memoryMiB + size.memoryMiB <= limits.memoryBudgetMiB
}

/** Throws `no-room` for what no waiting would make fit. */
export function assertCanEverFit({ limits }: Context, size: TaskSize): void {
  if (size.memoryMiB <= limits.memoryBudgetMiB) return
  const gib = (mib: number) => `${Math.round((mib / 1024) * 10) / 10} GB`
  throw new LauncherError(
    'no-room',
    `This viewer needs ${gib(size.memoryMiB)} of memory, and all viewers of this launcher together may have ${gib(limits.memoryBudgetMiB)}. Ask whoever runs it for a larger machine or a larger --viewer-memory.`,
    { needMiB: size.memoryMiB, budgetMiB: limits.memoryBudgetMiB, never: true },
  )
}

/**
 * Two processes that both found the last place: after the claim both see both, and the younger gives way. On one machine
 * counting and taking happen under one lock, so there this never says no.
 */
export async function stillFits(context: Context, session: Session): Promise<boolean> {
  const live = await context.ports.sessions.listLive()
  const before = live.filter((other) => other.state !== 'requested' || inOrder(other, session) < 0)
  return fits(context, await taken(context, before, session), session.size)
}

/**
 * Throws `too-many-sessions`: what a person, or the guests of one link together, may have at once.
 * @param own a session that was claimed already: of those claimed at the same moment in other processes, the younger give way
 */
export async function assertMayHaveMore(
  { ports, limits }: Context,
  { ownerId, linkId }: Pick<Session, 'ownerId' | 'linkId'>,
  own?: Session,
): Promise<void> {
  const { liveSessionsPerUser, liveSessionsPerLink } = limits
  // Their own records, which never lag: who opens ten datasets at once has no more than the cap.
  const theirs = async () => (await ports.sessions.listByOwner(ownerId)).filter(isLive)
  if ((await countBefore(own, liveSessionsPerUser, theirs)) >= liveSessionsPerUser)
    throw new LauncherError(
      'too-many-sessions',
      `You have ${liveSessionsPerUser === 1 ? 'a viewer' : `${liveSessionsPerUser} viewers`} running or in line, which is as many as one person may have. Stop one under “My sessions”, then try again.`,
      { cap: liveSessionsPerUser, scope: 'user' },
    )
  if (linkId === null) return
  const ofLink = async () => (await ports.sessions.listLive()).filter((session) => session.linkId === linkId)
  if ((await countBefore(own, liveSessionsPerLink, ofLink)) >= liveSessionsPerLink)
    throw new LauncherError(
      'too-many-sessions',
      `${liveSessionsPerLink === 1 ? 'Somebody who came by this link has' : `${liveSessionsPerLink} people who came by this link have`} a viewer now, which is as many as may at once. It is tried again as soon as one of them leaves.`,
      { cap: liveSessionsPerLink, scope: 'link' },
    )
}

/** A call that is to give way does so within milliseconds of its claim. */
const lookAgain = { times: 6, pauseMs: 250 }

/**
 * How many of the sessions listed count against `own`, as far as the cap goes. The older ones do, and those that have a
 * task. A younger one that has none gives way when it looks, unless it has looked before `own` was there to be seen (clocks
 * of two processes differ by milliseconds, so the younger may have come first). Only where that decides is it waited for.
 */
async function countBefore(
  own: Session | undefined,
  cap: number,
  list: () => Promise<readonly Session[]>,
): Promise<number> {
  for (let looks = 1; ; looks++) {
    const others = (await list()).filter(({ id }) => id !== own?.id)
    if (own === undefined || others.length < cap || looks === lookAgain.times) return others.length
    const mayGiveWay = ({ state }: Session) => state === 'requested' || state === 'queued'
    const sure = others.filter((other) => !mayGiveWay(other) || inOrder(other, own) < 0)
    if (sure.length >= cap) return sure.length
    await pause(lookAgain.pauseMs)
  }
}
