/**
 * The page's line to the lobby: asks for the status, knows when to ask again, and wakes the viewer when the page needs
 * data and somebody is there. One loop; everything else nudges it.
 */
import type { LobbyStatus } from '../../functions/api/contract/lobby.ts'
import type { PageConfig } from './config.ts'
import { type Env, type Problem, readProblem } from './env.ts'
import {
  askTimeoutMs,
  createCalls,
  datasetChanged,
  offline,
  readStatus,
  type Trouble,
  troubleOf,
} from './lobby-calls.ts'
import { listens, pauseMs, type Situation, shouldWake, wakeEveryMs, warnMs } from './pace.ts'

/** Where calls go now. */
export type Place = { route: string; sessionId: string }

export type Link = {
  status(): LobbyStatus | null
  trouble(): Trouble | null
  /** A wake that was refused, until something changes. */
  refusal(): Problem | null
  /** Calls that wait for a viewer. */
  waiting(): number
  /** How long until it sleeps or ends if nobody does anything, ms; null when unknown. `ends`: nothing can put it off. */
  sleepsIn(): { ms: number; ends: boolean } | null
  onChange(listener: () => void): void
  /** Resolves when a viewer is ready; starts one by itself where that is right. Rejects only when the signal aborts. */
  ready(signal: AbortSignal): Promise<Place>
  /** A call failed: ask anew. Null when there is trouble, and then `ready` waits until it is over. */
  recheck(): Promise<LobbyStatus | null>
  /** The status says ready and calls fail all the same: have the launcher look at the viewer. */
  examine(): Promise<void>
  wake(by: 'click' | 'page', larger?: boolean): Promise<void>
  keep(): Promise<void>
  /** Gives up the place in the line; nothing starts by itself until somebody clicks. */
  leave(): Promise<void>
  left(): boolean
  /** The file that this page shows is another one now, or gone: no viewer will ever take a save of it. */
  moved(): 'changed' | 'removed' | null
  /** The gate has heard that somebody uses the page. */
  used(): void
  /** Look again now: the tab came into view, or somebody came back. */
  nudge(): void
  start(): void
}

export function createLink(config: PageConfig, env: Env, here: () => boolean): Link {
  const calls = createCalls(config, env)
  let status: LobbyStatus | null = null
  let trouble: Trouble | null = null
  let refusal: Problem | null = null
  let failures = 0
  let trusted = false
  let sleepAt = Infinity
  let endsAt = Infinity
  let wokenAt = -Infinity
  let asking: { long: boolean; abort: AbortController } | null = null
  let pausing: AbortController | null = null
  let nudged = false
  let left = false
  /** Remembered while the lobby can't be reached: what was true before is still true then. */
  let moved: 'changed' | 'removed' | null = null
  const listeners: (() => void)[] = []
  const waiters = new Set<(place: Place) => void>()
  let rechecks: ((status: LobbyStatus | null) => void)[] = []

  const changed = () => {
    for (const listener of listeners) listener()
  }

  function place(): Place | null {
    if (!trusted || trouble !== null || status?.state !== 'ready' || !status.route || !status.sessionId) return null
    return { route: status.route, sessionId: status.sessionId }
  }

  function settle(): void {
    const at = place()
    if (at !== null) {
      for (const resolve of waiters) resolve(at)
      waiters.clear()
    }
    changed()
  }

  /** @param trust false: something failed since this was asked for, so it may be what was true before */
  function learn(next: LobbyStatus, trust = true): void {
    failures = 0
    trouble = next.dataset.version === config.dataset.version ? null : datasetChanged
    moved = trouble ? 'changed' : next.problem?.code === 'dataset-removed' ? 'removed' : null
    const isNews = next.state !== status?.state || next.sessionId !== status?.sessionId
    // The record of the wake that was refused is no news of another one.
    if (refusal !== null && isNews && next.problem?.code !== 'not-started') refusal = null
    status = next
    trusted = trust
    sleepAt = next.sleepInMs === null ? Infinity : env.now() + next.sleepInMs
    endsAt = next.endsInMs === null ? Infinity : env.now() + next.endsInMs
    settle()
  }

  async function fail(response: Response | null): Promise<void> {
    trusted = false
    const found = response === null ? null : await troubleOf(response)
    if (found === null) failures++
    // One lost call is no news; a second one is.
    if (found !== null || failures >= 2) trouble = found ?? offline
    if (found?.kind === 'dataset-changed') moved = 'changed'
    // To whom nothing is kept yet, a removed dataset is none at all.
    if (found?.code === 'not-found') moved = 'removed'
    changed()
  }

  async function ask(long: boolean): Promise<void> {
    const abort = new AbortController()
    asking = { long, abort }
    // Whoever asks from now on wants what comes after: the answer to this may be older than the failure of their call.
    const askers = rechecks
    rechecks = []
    let answered = false
    let learned: LobbyStatus | null = null
    let late = false
    // A connection that hangs (a laptop that slept, a train) must not hold the page for ever.
    const timer = setTimeout(() => {
      late = true
      abort.abort()
    }, askTimeoutMs)
    try {
      const response = await calls.status(long ? (status?.seen ?? null) : null, abort.signal)
      if (response.ok) {
        learn(readStatus(await response.json()), rechecks.length === 0)
        learned = status
      } else await fail(response)
      answered = true
    } catch {
      if (!abort.signal.aborted || late) {
        await fail(null)
        answered = true
      }
    } finally {
      clearTimeout(timer)
      asking = null
    }
    if (answered) for (const tell of askers) tell(trouble === null ? learned : null)
    else rechecks = [...askers, ...rechecks]
  }

  async function wake(by: 'click' | 'page', larger = false): Promise<void> {
    wokenAt = env.now()
    if (by === 'click') {
      refusal = null
      left = false
    }
    changed()
    const response = await calls.post('wake', larger ? { by, larger } : { by })
    if (response?.ok) learn(readStatus(await response.json()))
    else if (response !== null && response.status !== 401) {
      const problem = await readProblem(response)
      if (problem.code === 'owner-changed' || problem.code === 'dataset-changed') await fail(response)
      else refusal = problem
      changed()
    } else await fail(response)
    // Whatever the loop was waiting for was asked before this.
    nudge()
  }

  const situation = (): Situation => ({
    status,
    trouble,
    refusal,
    failures,
    trusted,
    needed: waiters.size > 0,
    here: here(),
    visible: env.visible(),
    asked: rechecks.length > 0,
    left,
    sinceWakeMs: env.now() - wokenAt,
    untilWarningMs: Math.min(sleepAt, endsAt) - warnMs(config.idleMs) - env.now(),
  })

  async function run(): Promise<never> {
    for (;;) {
      nudged = false
      const long = listens(situation())
      const [before, seen] = [env.now(), status?.seen]
      await ask(long && rechecks.length === 0)
      if (shouldWake(situation())) await wake('page')
      // A lobby that does not wait must not be asked in a circle.
      const idle = long && status?.seen === seen && env.now() - before < 1000 ? 1000 : 0
      const ms = Math.max(pauseMs(situation()), idle)
      if (nudged) continue
      pausing = new AbortController()
      await env.sleep(ms, pausing.signal)
      pausing = null
    }
  }

  function nudge(): void {
    nudged = true
    pausing?.abort()
    if (asking?.long) asking.abort.abort()
  }

  return {
    status: () => status,
    trouble: () => trouble,
    refusal: () => refusal,
    waiting: () => waiters.size,
    sleepsIn() {
      if (status?.state !== 'ready') return null
      const at = Math.min(sleepAt, endsAt)
      return Number.isFinite(at) ? { ms: Math.max(0, at - env.now()), ends: endsAt <= sleepAt } : null
    },
    onChange: (listener) => void listeners.push(listener),
    ready(signal) {
      const at = place()
      if (at !== null) return Promise.resolve(at)
      return new Promise((resolve, reject) => {
        if (signal.aborted) return reject(signal.reason)
        waiters.add(resolve)
        signal.addEventListener('abort', () => {
          waiters.delete(resolve)
          reject(signal.reason)
        })
        // A short question on its way is as new as another one would be; the loop looks at who waits when it is answered.
        if (asking === null || asking.long) nudge()
        changed()
      })
    },
    recheck() {
      trusted = false
      const answer = new Promise<LobbyStatus | null>((resolve) => rechecks.push(resolve))
      nudge()
      return answer
    },
    async examine() {
      if (env.now() - wokenAt >= wakeEveryMs && here()) await wake('page')
    },
    wake,
    async keep() {
      const response = await calls.post('keep', {})
      if (response?.ok) learn(readStatus(await response.json()))
      else await fail(response)
    },
    async leave() {
      left = true
      const response = await calls.post('stop', {})
      if (response?.ok) learn(readStatus(await response.json()))
      else await fail(response)
      nudge()
    },
    left: () => left,
    moved: () => moved,
    used() {
      // The launcher hears it with the gate's next beat; until then this is the better knowledge.
      if (status?.state === 'ready') sleepAt = Math.max(sleepAt, env.now() + config.idleMs)
      changed()
    },
    nudge,
    start: () => void run(),
  }
}
