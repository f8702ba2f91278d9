/** From the knock to *ready*: fetches the work and the file, has the viewer load it, and is let in. */
import type { KnockAnswer, Work } from '../api/contract/gate.ts'
import { isLauncherError } from '../core/errors.ts'
import type { Clock, Log } from '../core/ports.ts'
import { download } from './download.ts'
import type { Leaving } from './leaving.ts'
import { startProgress } from './progress.ts'
import { Left, type Talk } from './talk.ts'
import type { ViewerWork } from './task-socket.ts'
import { pause } from './timing.ts'
import type { Tuning } from './tuning.ts'

export type BeginDeps = {
  talk: Talk
  leaving: Leaving
  taskDir: string
  viewerFile?: string | null
  /** The work is known: the route can be answered, and the viewer asks for its labels. */
  onWork(work: Work): Promise<void>
  giveToViewer(work: ViewerWork): void
  /** Resolves when the viewer says that it can answer. */
  viewerLoaded: Promise<void>
  clock: Clock
  log: Log
  tuning: Tuning
}

/** @returns when the API has said that the session is ready. Rejects with `Left` when the gate leaves before. */
export async function begin(deps: BeginDeps): Promise<Work> {
  const { talk, leaving, taskDir, viewerFile, tuning, clock, log } = deps
  const { signal } = leaving
  const work = await knock(talk, signal)
  talk.allowSilence(work.limits.apiSilenceMs)
  log('info', 'work', { session: work.sessionId, dataset: work.datasetId, bytes: work.file.sizeBytes })
  await deps.onWork(work)
  const total = work.file.sizeBytes
  const progress = startProgress(total, { talk, clock, tuning, signal })
  try {
    const path = await download(work.file, {
      taskDir,
      viewerFile,
      freshFile: async () => (await knock(talk, signal)).file,
      onProgress: (doneBytes) => progress.set('downloading', doneBytes),
      signal,
      tuning,
    })
    progress.set('loading', total)
    const { distribution, limits, title, mode } = work
    deps.giveToViewer({ path, distribution, diffexpCells: limits.diffexpCells, title, mode })
    await orLeft(deps.viewerLoaded, signal)
  } catch (error) {
    if (isLauncherError(error)) leaving.leave('load-failed', error.message)
    if (signal.aborted) throw new Left()
    throw error
  } finally {
    progress.stop()
  }
  await letIn(talk, signal)
  return work
}

async function knock(talk: Talk, signal: AbortSignal): Promise<Work> {
  for (;;) {
    const answer: Exclude<KnockAnswer, { status: 'leave' }> = await talk.ask((api) => api.knock())
    if (answer.status === 'work') return answer.work
    await pause(answer.retryMs, signal)
  }
}

async function letIn(talk: Talk, signal: AbortSignal): Promise<void> {
  for (;;) {
    const answer = await talk.ask((api) => api.loaded())
    if (answer.status === 'stay') return
    await pause(answer.retryMs, signal)
  }
}

function orLeft(done: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const left = () => reject(new Left())
    if (signal.aborted) return left()
    signal.addEventListener('abort', left, { once: true })
    done.then(resolve)
  })
}
