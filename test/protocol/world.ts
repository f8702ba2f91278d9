/** A small world for the exploration: ports in memory whose every call waits for its turn, so that a test decides all interleavings. */
import { LauncherError } from '../../functions/core/errors.ts'
import type { Limits } from '../../functions/core/limits.ts'
import type { Ports, TaskStatus } from '../../functions/core/ports.ts'
import { isLive, type Receipt, type Session } from '../../functions/core/session.ts'
import { stillPorts, t0 } from './still-ports.ts'

/** One call of the launcher under way: stopped before its next effect. */
export type Actor = {
  name: string
  /** Everything it has seen so far; two actors with the same trace go on in the same way. */
  trace: string[]
  next: { label: string; run(trouble?: Trouble): void } | null
  /** Waits for another call of its process (the launcher's lock). */
  blocked: boolean
  done: boolean
  startedAt: number
}

/** What may go wrong with one call: it has no effect, and that is known or not; or it has, and its answer is lost. */
export type Trouble = 'throttled' | 'dropped' | 'lost'
export const troubles: Readonly<Record<string, readonly Trouble[]>> = {
  start: ['throttled', 'dropped', 'lost'],
  reserve: ['dropped', 'lost'],
  'advance:starting': ['dropped', 'lost'],
  close: ['dropped'],
}

export class World {
  now = t0
  /** By owner: one dataset is enough. */
  sessions = new Map<string, Session>()
  /** Per session id: a task that runs, and whether it was told to stop. */
  tasks = new Map<string, 'running' | 'gone'>()
  routes = new Map<string, 'reserved' | 'open'>()
  closed = new Set<string>()
  receipts: Receipt[] = []
  /** By session id. */
  owners = new Map<string, string>()
  actors: Actor[] = []
  /** Who waits for another call, in the order in which they began to. */
  private waiting: Actor[] = []
  private ids = 0
  /** Of calls that were not answered: a platform that lies. */
  claimsNothingStarted = false

  constructor(
    readonly limits: Limits,
    /** Are stop and close final, as on one machine? */
    readonly final: boolean,
    /** How long the platform really lets a call live, ms: `limits.apiTimeoutMs`, or longer to see the rules broken. */
    readonly callLifetimeMs: number = limits.apiTimeoutMs,
    /** What the ports say of themselves; another value than `final` is a platform that lies. */
    readonly claimsFinal: boolean = final,
  ) {}

  /** Begins a call; it stands before its first effect when this returns. */
  async begin(name: string, call: (ports: Ports) => Promise<unknown>): Promise<void> {
    const actor: Actor = { name, trace: [], next: null, blocked: false, done: false, startedAt: this.now }
    this.actors.push(actor)
    call(this.portsFor(actor))
      .catch((error: unknown) => {
        if (!(error instanceof LauncherError)) throw error
      })
      .finally(() => {
        actor.done = true
      })
    await this.settle()
  }

  /** Lets one call make its next effect, or meet some trouble there, and run up to the one after. */
  async step(actor: Actor, trouble?: Trouble): Promise<void> {
    const { next } = actor
    if (next === null) throw new Error(`${actor.name} has no next step`)
    actor.next = null
    next.run(trouble)
    await this.settle()
  }

  /** The process dies: what it has done stays done, the rest never happens. */
  crash(actor: Actor): void {
    actor.done = true
    actor.next = null
  }

  /** Time passes; a call that is older than the API's time-out is ended by its platform. */
  advanceTo(now: number): void {
    this.now = now
    for (const actor of this.running()) if (now - actor.startedAt > this.callLifetimeMs) this.crash(actor)
  }

  running(): Actor[] {
    return this.actors.filter((actor) => !actor.done)
  }

  live(): Session[] {
    return [...this.sessions.values()].filter(isLive)
  }

  private down(trouble: Trouble): LauncherError {
    const nothingStarted = trouble === 'throttled' || this.claimsNothingStarted
    return new LauncherError('unavailable', trouble, nothingStarted ? { nothingStarted } : {})
  }

  /** Until every call stands before an effect, is over, or waits for another one. */
  private async settle(): Promise<void> {
    const moving = () => this.running().filter(({ next }) => next === null)
    for (let turns = 0; turns < 200 && moving().length > 0; turns++) await null
    for (const actor of this.running()) {
      const blocked = actor.next === null
      if (blocked && !actor.blocked) this.waiting.push(actor)
      actor.blocked = blocked
    }
    this.waiting = this.waiting.filter(({ blocked, done }) => blocked && !done)
  }

  /** Everything that the future depends on, times relative to now. */
  key(): string {
    const rel = (time: number) => time - this.now
    const record = (session: Session) => ({
      ...session,
      dueAt: Math.min(rel(session.dueAt), 1e9),
      createdAt: rel(session.createdAt),
      unsettledAt: rel(session.unsettledAt),
      lastActiveAt: rel(session.lastActiveAt),
      lastSeenAt: rel(session.lastSeenAt),
      readyAt: session.readyAt && rel(session.readyAt),
      startCapAt: rel(session.startCapAt),
      ending: session.ending?.cause,
      progress: session.progress && [session.progress.stage, rel(session.progress.at)],
      requestedAt: session.requestedAt && rel(session.requestedAt),
      refusal: session.refusal && [rel(session.refusal.at), session.refusal.times],
    })
    const sorted = (map: Map<string, string>) => [...map].sort()
    const calls = this.running().map((actor) => [actor.name, actor.trace, actor.next?.label, rel(actor.startedAt)])
    return JSON.stringify([
      [...this.sessions.values()].sort((a, b) => (a.ownerId < b.ownerId ? -1 : 1)).map(record),
      sorted(this.tasks),
      sorted(this.routes),
      [...this.closed],
      this.receipts.length,
      calls,
      this.waiting.map((actor) => this.running().indexOf(actor)),
    ])
  }

  private portsFor(actor: Actor): Ports {
    /** Waits for its turn, then acts at once: calls are atomic, everything between them is not. */
    const turn = <T>(label: string, act: () => T): Promise<T> =>
      new Promise((resolve, reject) => {
        actor.next = {
          label,
          run: (trouble) => {
            try {
              if (trouble === 'throttled' || trouble === 'dropped') throw this.down(trouble)
              const result = act()
              if (trouble === 'lost') throw this.down(trouble)
              actor.trace.push(`${label}=${JSON.stringify(result)}`)
              resolve(structuredClone(result))
            } catch (error) {
              actor.trace.push(`${label}!${trouble ?? ''}`)
              reject(error)
            }
          },
        }
      })
    /** What it reads together with its last effect; it goes on according to that. */
    const read = (label: string, result: Session[]): Session[] => {
      actor.trace.push(`${label}=${result.map(({ id, state }) => `${id} ${state}`)}`)
      return structuredClone(result)
    }
    const over = () => new LauncherError('session-over', 'closed')
    return {
      sessions: {
        claim: (fresh) =>
          turn(`claim:${fresh.state}`, () => {
            const there = this.sessions.get(fresh.ownerId)
            if (there && isLive(there)) return { created: false, session: there }
            this.sessions.set(fresh.ownerId, structuredClone(fresh))
            this.owners.set(fresh.id, fresh.ownerName)
            return { created: true, session: fresh }
          }),
        get: (ownerId) => turn('get', () => this.sessions.get(ownerId) ?? null),
        listByOwner: async (ownerId) => {
          const session = this.sessions.get(ownerId)
          return session ? [structuredClone(session)] : []
        },
        advance: (from, next) =>
          turn(`advance:${next.state}`, () => {
            const now = this.sessions.get(from.ownerId)
            if (now?.id !== from.id || now.version !== from.version || now.dueAt !== from.dueAt) return null
            const stored = { ...structuredClone(next), version: from.version + 1 }
            this.sessions.set(from.ownerId, stored)
            return stored
          }),
        touch: (session, clocks) =>
          turn('touch', () => {
            const now = this.sessions.get(session.ownerId)
            if (now?.id !== session.id || (now.state !== 'ready' && now.state !== 'queued')) return false
            Object.assign(now, clocks)
            return true
          }),
        listDue: async function* (this: World, now: number) {
          const due = this.live().filter(({ dueAt }) => dueAt <= now)
          for (const session of read('listDue', due)) yield session
        }.bind(this),
        listLive: async () => read('listLive', this.live()),
      },
      receipts: {
        put: (receipt) =>
          turn('receipt', () => {
            if (!this.receipts.some((other) => other.sessionId === receipt.sessionId)) this.receipts.push(receipt)
          }),
        listByOwner: async () => this.receipts,
      },
      tasks: {
        final: this.claimsFinal,
        start: ({ sessionId }) =>
          turn('start', () => {
            if (this.final && this.tasks.get(sessionId) === 'gone') throw over()
            // ECS: the same client token gives the original task, also one that has been stopped.
            if (!this.tasks.has(sessionId) || this.final) this.tasks.set(sessionId, 'running')
          }),
        inspect: (sessionId) =>
          turn('inspect', (): TaskStatus => {
            const task = this.tasks.get(sessionId)
            if (task === undefined) return { status: 'none' }
            return task === 'gone'
              ? { status: 'gone', cause: null, detail: null }
              : { status: 'running', endpoint: `unix:${sessionId}` }
          }),
        stop: (sessionId) =>
          turn('stop', () => {
            if (this.final || this.tasks.has(sessionId)) this.tasks.set(sessionId, 'gone')
          }),
        listSessionIds: async () => [...this.tasks.keys()],
        heldMiB: async () => 0,
      },
      router: {
        final: this.claimsFinal,
        reserve: (sessionId) =>
          turn('reserve', () => {
            if (this.final && this.closed.has(sessionId)) throw over()
            if (!this.routes.has(sessionId)) this.routes.set(sessionId, 'reserved')
            return { path: `/s/${sessionId}/` }
          }),
        open: (sessionId) =>
          turn('open', () => {
            if (this.final && this.closed.has(sessionId)) throw over()
            this.routes.set(sessionId, 'open')
          }),
        status: (sessionId) => turn('status', () => this.routes.get(sessionId) ?? 'none'),
        close: (sessionId) =>
          turn('close', () => {
            this.routes.delete(sessionId)
            if (this.final) this.closed.add(sessionId)
          }),
        listSessionIds: async () => [...this.routes.keys()],
      },
      ...stillPorts,
      clock: { now: () => this.now },
      newId: () => `s${++this.ids}`,
      gateToken: async () => 'token',
      log: () => {},
    }
  }
}
