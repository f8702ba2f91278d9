/** What AWS tells us: the minute, tasks that change, files that come and go. Each may come twice, late, or never; nothing depends on one. */
import { z } from 'zod'
import type { Clock } from '../../core/ports.ts'
import { lookAtBucket, openBucket } from './look.ts'
import { oncePer } from './once-per.ts'
import { openPlatform } from './platform.ts'
import { reaperTick } from './reaper-tick.ts'

const clock: Clock = { now: () => Date.now() }
const keptMs = 10 * 60_000

/** A failure is thrown: AWS counts it, its alarm hears of it, and the next event tries again. */
function eventHandler<Opened>(
  open: (env: Readonly<Record<string, string | undefined>>) => Promise<Opened>,
  act: (opened: Opened, event: unknown, remainingMs: number, requestId: string) => Promise<void>,
) {
  const current = oncePer(keptMs, () => open(process.env), clock)
  return async (event: unknown, context: Invocation): Promise<void> =>
    act(await current(), event, context.getRemainingTimeInMillis(), context.awsRequestId)
}

/** What Lambda says of an invocation, as far as we read it. */
export type Invocation = { getRemainingTimeInMillis(): number; awsRequestId: string }

/** “ECS Task State Change” (EventBridge), as far as we read it. */
const taskEvent = z.object({ detail: z.object({ startedBy: z.string().min(1), lastStatus: z.string() }) })

/** Ends a session at once when its task stopped by itself; everything else the gate says sooner. */
export const taskEvents = () =>
  eventHandler(openPlatform, async ({ launcher, log }, event) => {
    const parsed = taskEvent.safeParse(event)
    // Somebody's own task in our cluster has another form of `startedBy`, or none.
    if (!parsed.success) return log('info', 'event of another task', {})
    const { startedBy, lastStatus } = parsed.data.detail
    if (['RUNNING', 'PROVISIONING', 'PENDING', 'ACTIVATING'].includes(lastStatus)) return
    await launcher.taskChanged(startedBy)
  })

/** What is due is ended, orphans are collected, and who waits is let in. */
export const everyMinute = () =>
  eventHandler(openPlatform, async (platform, _event, remainingMs) => {
    await reaperTick(platform, remainingMs)
  })

/** Files came, went or changed; which ones is not read from the event, as another may have been lost. */
export const bucketEvents = () =>
  eventHandler(openBucket, (bucket, _event, remainingMs, requestId) => lookAtBucket(bucket, requestId, remainingMs))
