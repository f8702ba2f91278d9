/**
 * The reaper's minute on AWS: the launcher's tick, and once an hour what only looks for leaks: targets that no lease
 * accounts for, and names of cells that nobody needs any more. Remembers nothing between two ticks; all of it may be repeated.
 */
import type { Ports } from '../../core/ports.ts'
import type { Launcher } from '../../launcher/types.ts'
import type { SlotRouter } from './router.ts'

type Deps = {
  launcher: Pick<Launcher, 'tick' | 'taskChanged'>
  ports: Pick<Ports, 'catalogue' | 'cells' | 'clock' | 'log' | 'tasks'>
  router: Pick<SlotRouter, 'strayTargets' | 'removeTarget' | 'lostSessionIds'>
  /** How long the index of live sessions is given to follow its table, before anything is taken for a leak. */
  settleMs?: number
}

export type ReaperTick = {
  liveSessions: number
  oldestMs: number
  tasksWithoutSession: number
  routesWithoutSession: number
  dueEnded: number
  dueLeft: number
}

/** What is begun must end within the Lambda's own time: a release waits for throttled services for up to 10 s. */
const marginMs = 15_000
/** DeregisterTargets allows about 4 a second, and each session needs one. */
const atOnce = 6
/** An index of DynamoDB follows its table within milliseconds, seconds on a bad day. */
const defaultSettleMs = 3_000

/**
 * @param remainingMs of the Lambda's invocation (`context.getRemainingTimeInMillis()`)
 * Logs one line `tick`, whose names the alarms read. Throws when the store can't be read, so that the Lambda's errors count.
 */
export async function reaperTick(deps: Deps, remainingMs: number): Promise<ReaperTick> {
  const { launcher, ports, router, settleMs = defaultSettleMs } = deps
  const { clock, log } = ports
  const began = clock.now()
  const until = began + Math.max(0, remainingMs - marginMs)
  const settle = () => new Promise<void>((resolve) => setTimeout(resolve, settleMs))
  const report = await launcher.tick({ until, atOnce, settle })
  log('info', 'tick', report)
  if (isHourly(began) && clock.now() < until) {
    for (const work of [() => removeStrays(router, log), () => endLost(deps), () => pruneCells(ports)])
      await work().catch((error: unknown) => log('error', 'hourly work failed', { error: String(error) }))
  }
  return report
}

/** In the first minute of each hour: a schedule of one minute comes by once. One that is missed is made up for in an hour. */
const isHourly = (now: number): boolean => Math.floor(now / 60_000) % 60 === 0

async function removeStrays(router: Deps['router'], log: Ports['log']): Promise<void> {
  const strays = await router.strayTargets()
  for (const { slot, endpoint } of strays) await router.removeTarget(slot, endpoint)
  if (strays.length > 0) log('warn', 'targets collected', { slots: strays.map(({ slot }) => slot).join(' ') })
}

/** A viewer that works but can't be reached would be kept for its whole life, and its page would wait for it. */
async function endLost({ router, launcher, ports }: Deps): Promise<void> {
  for (const id of await router.lostSessionIds()) {
    ports.log('warn', 'a session’s slot is no more', { session: id })
    await ports.tasks.stop(id)
    await launcher.taskChanged(id)
  }
}

async function pruneCells({ catalogue, cells }: Deps['ports']): Promise<void> {
  const datasets = await catalogue.list()
  // A version being kept too long costs a cent; one that is forgotten too early can't be had again.
  if (datasets.length > 0) await cells.prune(new Set(datasets.map(({ version }) => version)))
}
