/** The line: who waits for a place gets one in order of arrival, when a place frees and at each tick. */
import { dueCause } from '../core/deadlines.ts'
import type { Session } from '../core/session.ts'
import { type Context, change } from './context.ts'
import { heardOf, lineOf } from './line.ts'
import { end } from './reap.ts'
import { fits, taken } from './room.ts'
import { start } from './start.ts'

/**
 * Lets in whom there is room for, first come, first served: nobody overtakes, not even somebody small when the first is
 * large. Otherwise a large dataset would wait as long as there are small ones, which is for ever on a busy day.
 * @returns how many were let in
 */
export async function promote(context: Context): Promise<number> {
  let letIn = 0
  // A bound, not a plan: two processes that promote at once each see the other's work as a lost race and look again.
  for (let looks = 0; looks < 1000; looks++) {
    const next = await context.here.admission(() => takeFirst(context))
    if (next === 'nobody') return letIn
    if (next === 'again') continue
    letIn++
    await start(context, 'promote', next).catch(() => {
      // It was written to the log, and its page is told; the next in line is not kept waiting for it.
    })
  }
  return letIn
}

/** The first in line as `requested`, if there is room for it. */
async function takeFirst(context: Context): Promise<Session | 'nobody' | 'again'> {
  const { ports, limits, here } = context
  if (here.goingDown) return 'nobody'
  const { live, first } = await lookAtLine(context)
  if (first === undefined) return 'nobody'
  const now = ports.clock.now()
  if (dueCause(first, now, limits) === 'left') {
    await end(context, 'reap', first, 'left')
    return 'again'
  }
  // Not passed over yet: their page is about to ask, and then they are let in at once.
  if (!heardOf(context, first)) return 'nobody'
  if (first.refusal !== null && now - first.refusal.at < limits.refusedPauseMs) return 'nobody'
  if (!fits(context, await taken(context, live), first.size)) return 'nobody'
  const place = { state: 'requested', requestedAt: now, startCapAt: now + limits.startCapMs } as const
  return (await change(context, 'promote', first, place)) ?? 'again'
}

/** The list may lag behind; the records of those who seem to wait are read anew until one does. */
async function lookAtLine({ ports }: Context): Promise<{ live: Session[]; first: Session | undefined }> {
  const live = [...(await ports.sessions.listLive())]
  for (const listed of lineOf(live)) {
    const session = await ports.sessions.get(listed.ownerId, listed.datasetId)
    if (session?.id === listed.id && session.state === 'queued') return { live, first: session }
    live.splice(live.indexOf(listed), 1, ...(session === null ? [] : [session]))
  }
  return { live, first: undefined }
}
