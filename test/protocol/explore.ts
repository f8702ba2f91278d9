/** Walks every interleaving of a few calls of the real launcher, with crashes between any two effects, and asks of every state whether it heals. */
import { createHash } from 'node:crypto'
import type { Limits } from '../../functions/core/limits.ts'
import type { Ports } from '../../functions/core/ports.ts'
import type { User } from '../../functions/core/principal.ts'
import { holdsPlace, inOrder, isLive } from '../../functions/core/session.ts'
import { createHere, type Here } from '../../functions/launcher/context.ts'
import { createLauncher, type Launcher } from '../../functions/launcher/index.ts'
import { type Trouble, troubles, World } from './world.ts'

export type Bounds = {
  /** How often each call may be made in one history. */
  calls: Partial<Record<CallName, number>>
  /** Jumps of the clock to the next moment that matters. */
  jumps: number
  /** How many calls of a platform that is down or asks for patience. */
  troubles?: number
}

export type CallName =
  | 'launch'
  | 'launchBob'
  | 'stop'
  | 'stopBob'
  | 'promote'
  | 'knock'
  | 'loaded'
  | 'beat'
  | 'bye'
  | 'reap'
  | 'taskDies'

export type Finding = { path: string[]; leak: string }

/**
 * One machine: calls share a launcher and its lock, a stop is final, and a call ends when it ends. A cloud: each call has
 * a process of its own, which its platform ends in time.
 */
export type Place = 'one machine' | 'several processes, final' | 'cloud'

const user = (name: string): User => {
  return { kind: 'user', id: `local:${name}`, name, email: null, groups: [], admin: false, loginId: null }
}
const [ada, bob] = [user('ada'), user('bob')]

/** Rules that the world breaks, to see that the exploration finds what follows. */
export type Broken = { callLifetimeMs?: number; claimsFinal?: boolean; claimsNothingStarted?: boolean }

type Explored = { states: number; findings: Finding[] }

class Run {
  readonly world: World
  private readonly used = new Map<string, number>()
  /** Of the one process that there is, if there is one. */
  private readonly here: Here | undefined
  constructor(
    readonly limits: Limits,
    place: Place,
    readonly bounds: Bounds,
    { callLifetimeMs, claimsFinal, claimsNothingStarted }: Broken,
  ) {
    const one = place === 'one machine'
    const lifetimeMs = callLifetimeMs ?? (one ? Number.POSITIVE_INFINITY : undefined)
    this.world = new World(limits, place !== 'cloud', lifetimeMs, claimsFinal)
    this.world.claimsNothingStarted = claimsNothingStarted ?? false
    this.here = one ? createHere() : undefined
  }

  private launcher(ports: Ports, here = this.here): Launcher {
    return createLauncher(ports, this.limits, { apiSilenceMs: 1, beatMs: 1, routeKey: {} }, here)
  }

  private left(name: string, most: number): boolean {
    return (this.used.get(name) ?? 0) < most
  }

  /** What may happen next. Gates exist while their task runs, or a call of theirs is repeated late. */
  options(): string[] {
    const { world, bounds } = this
    const most = (name: CallName) => bounds.calls[name] ?? 0
    const options: string[] = []
    const may = (name: CallName, when: boolean) => {
      if (when && this.left(name, most(name))) options.push(name)
    }
    const running = [...world.tasks.values()].includes('running')
    const liveOf = ({ id }: User) => world.live().find(({ ownerId }) => ownerId === id)
    may('launch', true)
    may('launchBob', true)
    may('stop', liveOf(ada) !== undefined)
    may('stopBob', liveOf(bob) !== undefined)
    may(
      'promote',
      world.live().some(({ state }) => state === 'queued'),
    )
    may('knock', running)
    may('loaded', running)
    may('beat', running && liveOf(ada)?.state === 'ready')
    may('bye', running)
    may('taskDies', running)
    may(
      'reap',
      world.live().some(({ dueAt }) => dueAt <= world.now),
    )
    if (this.left('jump', bounds.jumps) && this.nextMoment() !== null) options.push('jump')
    for (const [index, actor] of world.actors.entries()) {
      if (actor.done || actor.blocked) continue
      options.push(`step ${index}`)
      if (this.left('trouble', bounds.troubles ?? 0))
        for (const trouble of troubles[actor.next?.label ?? ''] ?? []) options.push(`step ${index} ${trouble}`)
    }
    return options
  }

  /** The next deadline; there, everything older than the API's time-out has been ended by its platform. */
  private nextMoment(): number | null {
    const moments = this.world.live().map(({ dueAt }) => dueAt)
    const next = Math.min(...moments.filter((dueAt) => dueAt > this.world.now))
    return Number.isFinite(next) ? next : null
  }

  async take(option: string): Promise<void> {
    const { world } = this
    const [verb = '', index = '', trouble] = option.split(' ')
    const count = (name: string) => this.used.set(name, (this.used.get(name) ?? 0) + 1)
    const actor = world.actors[Number(index)]
    if (verb === 'step' && actor) {
      if (trouble !== undefined) count('trouble')
      return world.step(actor, trouble as Trouble | undefined)
    }
    count(verb)
    if (verb === 'jump') return world.advanceTo(this.nextMoment() ?? world.now)
    if (verb === 'taskDies') {
      for (const [id, task] of world.tasks) if (task === 'running') world.tasks.set(id, 'gone')
      return
    }
    const idOf = ({ id }: User) => world.sessions.get(id)?.id ?? ''
    const sessionId = idOf(ada)
    const gate = { kind: 'gate', sessionId, ownerId: ada.id, datasetId: 'pbmc' } as const
    const calls: Record<string, (launcher: Launcher) => Promise<unknown>> = {
      launch: (launcher) => launcher.launch(ada, 'pbmc', { by: 'click' }),
      launchBob: (launcher) => launcher.launch(bob, 'pbmc', { by: 'click' }),
      stop: (launcher) => launcher.stop(ada, sessionId),
      stopBob: (launcher) => launcher.stop(bob, idOf(bob)),
      promote: (launcher) => launcher.promote(),
      knock: (launcher) => launcher.knock(gate),
      loaded: (launcher) => launcher.loaded(gate),
      beat: (launcher) => launcher.beat(gate, { activeAgoMs: null }),
      bye: (launcher) => launcher.bye(gate, { cause: 'viewer-lost', detail: null }),
      reap: (launcher) => launcher.reap(),
    }
    const call = calls[verb]
    if (!call) throw new Error(`no such option: ${option}`)
    await world.begin(verb, (ports) => call(this.launcher(ports)))
  }

  key(): string {
    return `${this.world.key()}|${[...this.used].sort().join(' ')}`
  }

  /** What may never be, not even for a moment. */
  wrongNow(): string | null {
    const { world, limits, here } = this
    const live = world.live()
    const line = live.filter(({ state }) => state === 'queued').sort(inOrder)
    for (const { id, ownerName } of line)
      if (world.tasks.get(id) === 'running' || world.routes.has(id)) return `${ownerName} waits and holds something`
    const owners = [...world.tasks].flatMap(([id, task]) => (task === 'running' ? [world.owners.get(id)] : []))
    const twice = owners.find((owner, n) => owners.indexOf(owner) !== n)
    if (twice) return `two tasks of ${twice}`
    // Across processes the younger of two gives way a moment later; what there is of places is the platform's to bound.
    if (here === undefined) return null
    // Who left the line is `stopping` for a moment and holds nothing; what still runs is counted below.
    const holders = live.filter((session) => holdsPlace(session) && session.state !== 'stopping')
    if (holders.length > limits.liveSessions) return `${holders.length} have a place`
    const running = [...world.tasks.values()].filter((task) => task === 'running').length
    if (running > limits.liveSessions) return `${running} tasks run`
    const [first] = line
    if (first === undefined) return null
    const overtook = holders.find((holder) => inOrder(first, holder) < 0)
    if (overtook) return `${overtook.ownerName} has overtaken ${first.ownerName}`
    const quiet = world.running().length === 0 && running === 0
    if (quiet && holders.length < limits.liveSessions) return `${first.ownerName} waits beside a free place`
    return null
  }

  /**
   * Everybody dies; only the reaper's ticks go on, without the sweep. Afterwards nothing may be held and nothing may be
   * live, and what has ended has a receipt.
   */
  async heal(): Promise<string | null> {
    const { world } = this
    for (const actor of world.running()) world.crash(actor)
    const over = new Set([...world.sessions.values()].filter((session) => !isLive(session)).map(({ id }) => id))
    for (let tick = 0; tick < 80 && world.live().length > 0; tick++) {
      const due = Math.min(...world.live().map(({ dueAt }) => dueAt))
      world.advanceTo(Math.max(world.now + 60_000, Math.min(due, world.now + this.limits.lifetimeMs)))
      await world.begin('reap', (ports) => this.launcher(ports, createHere()).reap())
      for (const actor of world.running()) while (!actor.done) await world.step(actor)
    }
    const [stuck] = world.live()
    if (stuck) return `session of ${stuck.ownerName} stuck in ${stuck.state}`
    const tasks = [...world.tasks].filter(([, task]) => task === 'running').map(([id]) => id)
    if (tasks.length > 0) return `task held by nobody: ${tasks.join()}`
    if (world.routes.size > 0) return `route held by nobody: ${[...world.routes.keys()].join()}`
    for (const session of world.sessions.values()) {
      const nothing = session.ending?.cause === 'refused' || session.ending?.cause === 'not-started'
      const started = session.requestedAt !== null && !nothing
      if (started && !world.receipts.some(({ sessionId }) => sessionId === session.id))
        return `no receipt for ${session.ownerName}${over.has(session.id) ? ' (was over)' : ''}`
    }
    return null
  }
}

/**
 * Depth-first over all histories within bounds; a state that was seen is not walked twice. A call that crashes is a call
 * that is never stepped again: every such history is among those walked, and `heal` ends everybody at every state, so
 * crashes between any two effects need no option of their own.
 */
export async function explore(limits: Limits, place: Place, bounds: Bounds, broken: Broken = {}): Promise<Explored> {
  const seen = new Set<string>()
  const findings: Finding[] = []
  const replay = async (path: readonly string[]) => {
    const run = new Run(limits, place, bounds, broken)
    for (const option of path) await run.take(option)
    return run
  }
  const frontier: string[][] = [[]]
  let walked = 0
  for (let path = frontier.pop(); path !== undefined; path = frontier.pop()) {
    // Launchers set timers; without a turn of the event loop none of them would ever let go of its world.
    if (++walked % 20 === 0) await new Promise((resolve) => setTimeout(resolve, 0))
    let run: Run | null = await replay(path)
    // Follow one child in place; the others are replayed later.
    for (let here = path; run !== null; ) {
      const key = createHash('sha1').update(run.key()).digest('base64')
      if (seen.has(key)) break
      seen.add(key)
      const options: string[] = run.options()
      const { world } = run
      const stuck = world.running().length > 0 && world.running().every(({ blocked }) => blocked)
      const leak = stuck ? 'calls that wait for one another' : (run.wrongNow() ?? (await (await replay(here)).heal()))
      if (leak !== null) findings.push({ path: here, leak })
      const [first, ...others] = options
      for (const option of others) frontier.push([...here, option])
      if (first === undefined) break
      await run.take(first)
      here = [...here, first]
    }
    run = null
  }
  return { states: seen.size, findings }
}
