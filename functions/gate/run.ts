/** A gate's life: its parts put together, from the first knock to the goodbye. */
import { join } from 'node:path'
import type { ByeReport, Work } from '../api/contract/gate.ts'
import type { Clock, Log, VaultKind } from '../core/ports.ts'
import { createActivity } from './activity.ts'
import { createApiClient } from './api-client.ts'
import { begin } from './begin.ts'
import { bodiesWithin, createBudget } from './body.ts'
import type { GateConfig } from './config.ts'
import { createDiffexpQueue } from './diffexp-queue.ts'
import { createForward, type Forward } from './forward.ts'
import { createLater } from './later.ts'
import { createLeaving, drain, sayBye } from './leaving.ts'
import { listenOn, stopServer } from './listen.ts'
import { jsonLog } from './log.ts'
import { type PinnedSocket, pinSocket, unpin } from './pin-socket.ts'
import { createCookieCheck } from './route-cookie.ts'
import { createSaves, type Saves } from './saves.ts'
import { createGateServer, type GateState } from './server.ts'
import { createTalk, Left, type Talk } from './talk.ts'
import { makeSocketFolder } from './task-folder.ts'
import { serveTaskSocket, type ViewerWork } from './task-socket.ts'
import { deferred, pause } from './timing.ts'
import { defaultTuning, type Tuning } from './tuning.ts'
import { createVaultSync, type VaultSync } from './vault-sync.ts'
import { createViewerLife } from './viewer-life.ts'

export type RunOptions = {
  /** Where SIGTERM and SIGINT come from: `process`, or a stand-in. */
  signals?: { once(name: 'SIGTERM' | 'SIGINT', heard: () => void): unknown }
  tuning?: Partial<Tuning>
  log?: Log
  clock?: Clock
}

/** Resolves when the gate has left and closed everything; the report says why. Rejects only when it could not begin. */
export async function run(config: GateConfig, options: RunOptions = {}): Promise<ByeReport> {
  const tuning = { ...defaultTuning, ...options.tuning }
  const log = options.log ?? jsonLog
  const clock = options.clock ?? { now: () => Date.now() }
  const api = createApiClient(config, { timeoutMs: tuning.apiTimeoutMs, clock })
  const leaving = createLeaving(log)
  const talk = createTalk({ api, leaving, clock, log, tuning })
  const viewer = { ...config.viewer }
  const forward = createForward(viewer)
  const life = createViewerLife(viewer, leaving)
  const activity = createActivity(clock)
  const state: GateState = { open: null, ready: false, leaving: false, busy: 0 }
  const later = createLater(join(config.taskDir, 'later'), () => state.open?.work.routePath ?? '/', tuning)
  const viewerWork = deferred<ViewerWork>()
  const viewerLoaded = deferred<void>()
  let kept: { sync: VaultSync; saves: Saves } | null = null
  let pinned: PinnedSocket | null = null
  const keptNow = () => kept // assigned in a callback, which the type checker does not follow

  async function onWork(work: Work): Promise<void> {
    const sync = createVaultSync(work, {
      api,
      reload: (kind) => reloadViewer(forward, kind),
      onSessionOver: () => leaving.leave('told', 'The session is over.'),
      onStuck: (detail) => leaving.leave('viewer-lost', detail),
      clock,
      log,
      tuning,
    })
    const saves = createSaves(sync, work.routePath, tuning)
    const queue = createDiffexpQueue(tuning.diffexpWaiting)
    const budget = createBudget(bodiesWithin(tuning.bodiesBytes, process.constrainedMemory?.()))
    const onViewerGone = () => void life.look()
    const answering = { work, forward, sync, saves, queue, later, budget, onViewerGone, log, tuning }
    kept = { sync, saves }
    state.open = { work, answering, checkCookie: await createCookieCheck(work, clock) }
    endAt(work.endsAt)
  }

  function endAt(endsAt: number): void {
    const wait = Math.min(Math.max(0, endsAt - clock.now()), 2 ** 31 - 1) // longer than this a timer fires at once
    const timer = setTimeout(() => leaving.leave('lifetime', null), wait)
    leaving.signal.addEventListener('abort', () => clearTimeout(timer))
  }

  // First of all: told to leave before it has begun, a gate must leave too.
  for (const name of ['SIGTERM', 'SIGINT'] as const) options.signals?.once(name, () => void life.terminate())
  makeSocketFolder(config.taskSocket)
  const taskServer = await serveTaskSocket(config.taskSocket, {
    work: viewerWork.promise,
    sync: () => keptNow()?.sync ?? null,
    onLoaded: () => {
      if (pinned !== null) return
      pinned = pinSocket(viewer)
      if (pinned === null) leaving.leave('viewer-lost', 'The viewer’s socket is none.')
      else viewerLoaded.resolve()
    },
    onFailed: ({ cause, detail }) => leaving.leave(cause, detail),
    taskDir: config.taskDir,
    log,
    tuning,
  })
  const server = createGateServer({ state, later, activity, log, tuning })
  await listenOn(server, config.listen)

  const serving = (async () => {
    const giveToViewer = viewerWork.resolve
    const loaded = viewerLoaded.promise.then(life.watch)
    const work = await begin({
      talk,
      leaving,
      taskDir: config.taskDir,
      viewerFile: config.viewerFile ?? null,
      onWork,
      giveToViewer,
      viewerLoaded: loaded,
      clock,
      log,
      tuning,
    })
    state.ready = true
    log('info', 'ready', { session: work.sessionId })
    const sync = keptNow()?.sync
    if (sync) await beats(talk, sync, activity.agoMs, work.limits.beatMs, leaving.signal)
  })().catch((error: unknown) => {
    if (error instanceof Left) return
    const detail = error instanceof Error ? error.message : 'unknown'
    log('error', 'unexpected', { detail: error instanceof Error ? (error.stack ?? detail).slice(0, 2000) : detail })
    leaving.leave('load-failed', `The gate met an unexpected error: ${detail}`)
  })

  const report = await leaving.reason
  state.leaving = true
  await drain({ state, saves: () => keptNow()?.saves ?? null }, tuning)
  await sayBye(api, report, tuning, log)
  life.stop()
  await Promise.all([serving, stopServer(server), stopServer(taskServer), later.close()])
  forward.close()
  api.close()
  unpin(pinned)
  return report
}

/** Says that the gate is alive and when the page was last used, until it leaves. */
async function beats(
  talk: Talk,
  sync: VaultSync,
  activeAgoMs: () => number | null,
  beatMs: number,
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    let marks = ''
    const answer = await talk.ask((api) => {
      marks = sync.marks()
      return api.beat({ activeAgoMs: activeAgoMs() })
    })
    sync.afterBeat(answer, marks)
    await pause(beatMs, signal)
  }
}

const reloadMs = 60_000

async function reloadViewer(forward: Forward, kind: VaultKind): Promise<number> {
  const body = Buffer.from(JSON.stringify({ kind }))
  const headers = { host: 'viewer', 'content-type': 'application/json' }
  const res = await forward.send({ method: 'POST', path: '/-/reload', headers, body, timeoutMs: reloadMs })
  res.resume()
  return res.statusCode ?? 0
}
