/** The companion's rules without a browser: a lobby and a gate that answer as the test says, and time that the test moves. */
import { vi } from 'vitest'
import type { LobbyStatus, MergeAnswer } from '../../../functions/api/contract/lobby.ts'
import { createBases } from '../../../web/companion/base.ts'
import type { PageConfig } from '../../../web/companion/config.ts'
import type { Env } from '../../../web/companion/env.ts'
import { wrapFetch } from '../../../web/companion/fetch.ts'
import { createLost } from '../../../web/companion/lost.ts'
import { createSaves } from '../../../web/companion/saves.ts'
import { createLink } from '../../../web/companion/status.ts'
import { createTurns } from '../../../web/companion/turns.ts'

export const config: PageConfig = {
  owner: { id: 'local:ada', name: 'ada' },
  guest: false,
  mode: 'annotate',
  dataset: { id: 'pbmc', title: 'PBMC', version: 'v1' },
  home: '/v/pbmc/',
  appUrl: 'http://localhost/',
  idleMs: 1_800_000,
  snapshots: false,
  directBytes: null,
}

export const noReport: MergeAnswer['report'] = {
  labelledCells: 0,
  matchedCells: 0,
  unmatchedCells: 0,
  unmatchedSample: [],
  renamed: [],
}

const origin = 'http://view.test'
let count = 0

export function aStatus(over: Partial<LobbyStatus> = {}): LobbyStatus {
  const ready = over.state === 'ready'
  return {
    state: 'none',
    seen: `seen-${++count}`,
    owner: config.owner,
    guest: false,
    mode: 'annotate',
    queue: null,
    carried: null,
    dataset: config.dataset,
    sessionId: ready ? 'one' : null,
    stage: over.state === 'starting' ? 'starting' : null,
    doneBytes: 0,
    totalBytes: 0,
    route: ready ? `/s/${over.sessionId ?? 'one'}/` : null,
    sleepInMs: ready ? config.idleMs : null,
    endsInMs: ready ? 12 * 3_600_000 : null,
    problem: null,
    ...over,
  }
}

export const json = (value: unknown, status = 200, headers: Record<string, string> = {}): Response =>
  new Response(JSON.stringify(value), { status, headers: { 'content-type': 'application/json', ...headers } })

export type Asked = { path: string; method: string; headers: Headers; body: string; bytes: ArrayBuffer }

export function scripted(over: Partial<PageConfig> = {}) {
  const page = { ...config, ...over }
  const world = {
    /** The wake's answer: this status from now on. */
    becomes(status: LobbyStatus): Response {
      world.status = status
      return json(status)
    },
    status: aStatus(),
    /** Replaces the lobby's answer to a status call. */
    onStatus: null as (() => Response | Promise<Response>) | null,
    onWake: (_request: { by: string; larger?: boolean }): Response => json(world.status),
    onRoute: (_asked: Asked): Response | Promise<Response> => json({}),
    onSnapshot: (_asked: Asked): Response => new Response(null, { status: 202 }),
    onMerge: (_asked: Asked): Response | Promise<Response> => json({ version: '9', report: noReport }),
    here: true,
    visible: true,
    statusCalls: [] as { at: number; query: string }[],
    wakes: [] as { by: string; larger?: boolean }[],
    /** What reached a gate. */
    routed: [] as Asked[],
    /** What reached `-/merge/…`. */
    merged: [] as Asked[],
    stops: 0,
    readOnly: 0,
    kept: [] as { kind: string; answer: MergeAnswer }[],
  }
  const env: Env = {
    now: () => Date.now(),
    visible: () => world.visible,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted) return resolve()
        const timer = Number.isFinite(ms) ? setTimeout(resolve, ms) : undefined
        signal?.addEventListener('abort', () => {
          clearTimeout(timer)
          resolve()
        })
      }),
    async fetch(path, init) {
      const request = new Request(new URL(path, origin), init)
      request.signal.throwIfAborted()
      if (path.startsWith('/v/pbmc/-/status'))
        return Promise.race([askStatus(path, request.signal), aborted(request.signal)])
      if (path === '/v/pbmc/-/wake') {
        const wake = (await request.json()) as { by: string; larger?: boolean }
        world.wakes.push(wake)
        return world.onWake(wake)
      }
      if (path === '/v/pbmc/-/keep') return json(world.status)
      if (path === '/v/pbmc/-/stop') {
        world.stops++
        return json(world.status)
      }
      const { method, headers } = request
      const bytes = await request.arrayBuffer()
      const asked = { path, method, headers, body: new TextDecoder().decode(bytes), bytes }
      if (path.startsWith('/v/pbmc/api/')) return world.onSnapshot(asked)
      if (path.startsWith('/v/pbmc/-/merge/')) {
        world.merged.push(asked)
        return world.onMerge(asked)
      }
      world.routed.push(asked)
      return world.onRoute(asked)
    },
  }

  /** Waits as the lobby does: until `seen` is old, or the poll's time is over. */
  async function askStatus(path: string, signal: AbortSignal): Promise<Response> {
    const query = new URL(path, origin).searchParams
    world.statusCalls.push({ at: Date.now(), query: query.toString() })
    if (world.onStatus) return world.onStatus()
    const until = Date.now() + Number(query.get('wait') ?? 0) * 1000
    while (query.get('seen') === world.status.seen && Date.now() < until) {
      await new Promise((resolve) => setTimeout(resolve, 100))
      signal.throwIfAborted()
    }
    return json(world.status)
  }

  const link = createLink(page, env, () => world.here && world.visible)
  const saves = createSaves(
    () => {},
    (kind, answer) => void world.kept.push({ kind, answer }),
  )
  link.onChange(() => {
    if (link.moved() !== null) saves.resendAll()
  })
  const lost = createLost(() => {})
  const bases = createBases()
  const real = vi.fn(async () => new Response('real'))
  const deps = {
    config: page,
    env,
    link,
    bases,
    saves,
    lost,
    turns: createTurns(),
    answered: () => {},
    readOnly: () => void world.readOnly++,
  }
  const fetch = wrapFetch(deps, real, `${origin}/v/pbmc/`)
  // After the test has set its scene.
  void Promise.resolve().then(() => link.start())
  return { world, env, link, saves, bases, lost, real, fetch, api: `${origin}/v/pbmc/api/v0.2/` }
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
}

/** Time stands still but for `pass`; what reads bodies still runs on the real event loop. */
export const stopTime = (): unknown =>
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date', 'performance'] })

/** Lets everything run for `ms` of the test's time: from timer to timer, and whatever each sets going. */
export async function pass(ms = 0): Promise<void> {
  let over = false
  setTimeout(() => {
    over = true
  }, ms)
  while (!over) {
    await settled()
    await vi.advanceTimersToNextTimerAsync()
  }
  await settled()
}

async function settled(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve))
}

/** What became of a promise so far. */
export function watch<T>(promise: Promise<T>): { value: T | null; error: unknown } {
  const seen: { value: T | null; error: unknown } = { value: null, error: null }
  promise.then(
    (value) => {
      seen.value = value
    },
    (error: unknown) => {
      seen.error = error
    },
  )
  return seen
}
