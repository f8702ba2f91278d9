/** A launcher without machines: one session per (owner, dataset), moved by the test. Typed as the real one. */
import { EventEmitter } from 'node:events'
import { mayOpen } from '../../functions/core/access.ts'
import type { Dataset } from '../../functions/core/dataset.ts'
import { LauncherError } from '../../functions/core/errors.ts'
import { isLive, type Session } from '../../functions/core/session.ts'
import type { LaunchOptions } from '../../functions/launcher/types.ts'
import type { LobbyDeps } from '../../functions/lobby/deps.ts'
import { aSession } from '../support/sessions.ts'

export function aDataset(over: Partial<Dataset> = {}): Dataset {
  return {
    id: 'pbmc',
    path: 'public/pbmc.h5ad',
    group: 'public',
    title: 'PBMC 68k',
    state: 'usable',
    problem: null,
    sizeBytes: 1_772_368,
    modifiedAt: 0,
    version: 'v1',
    index: {
      cells: 700,
      genes: 765,
      storedValues: 535_500,
      dtype: 'float32',
      layout: 'dense',
      embeddings: ['umap'],
      obsIndexHash: 'h1',
      distribution: 'normal',
      memoryMiB: 303,
    },
    firstSeenAt: 0,
    updatedAt: 0,
    ...over,
  }
}

export type FakeLauncher = LobbyDeps['launcher'] & {
  datasets: Map<string, Dataset>
  launches: { datasetId: string; options: LaunchOptions }[]
  session(ownerId: string, datasetId: string): Session | null
  change(ownerId: string, datasetId: string, change: Partial<Session>): Session
}

/** @param onLaunch what a real launcher would set going */
export function fakeLauncher(now: () => number, onLaunch: (session: Session) => void = () => {}): FakeLauncher {
  const news = new EventEmitter().setMaxListeners(0)
  const sessions = new Map<string, Session>()
  const key = (ownerId: string, datasetId: string) => `${ownerId} ${datasetId}`
  let count = 0
  const put = (session: Session) => {
    sessions.set(key(session.ownerId, session.datasetId), session)
    news.emit(key(session.ownerId, session.datasetId))
    return session
  }
  const launcher: FakeLauncher = {
    datasets: new Map([['pbmc', aDataset()]]),
    launches: [],
    session: (ownerId, datasetId) => sessions.get(key(ownerId, datasetId)) ?? null,
    change: (ownerId, datasetId, change) =>
      put({
        ...(sessions.get(key(ownerId, datasetId)) ?? aSession({ ownerId, datasetId, createdAt: now() })),
        ...change,
      }),
    async getDataset(who, datasetId) {
      const dataset = launcher.datasets.get(datasetId)
      if (!dataset) throw new LauncherError('not-found', 'There is no such dataset.')
      if (!mayOpen(who, dataset))
        throw new LauncherError('not-allowed', `Only the group “${dataset.group}” may open this.`)
      return dataset
    },
    findSession: async (who, datasetId) => launcher.session(who.id, datasetId),
    history: async () => [],
    carried: async () => null,
    lend: async () => null,
    directBytes: null,
    uploadPlace: async () => null,
    offerUpload: async () => ({ status: 'direct' }),
    keepBeside: async () => {
      throw new LauncherError('bad-request', 'nothing is kept here')
    },
    readVersion: async () => {
      throw new LauncherError('not-found', 'There is no such version.')
    },
    waitInLine: async ({ state }) => (state === 'queued' ? { position: 1, length: 1 } : null),
    async launch(who, datasetId, options) {
      const dataset = await launcher.getDataset(who, datasetId)
      const live = launcher.session(who.id, datasetId)
      if (live && isLive(live)) return live
      launcher.launches.push({ datasetId, options })
      const id = `session${String(++count).padStart(13, 'a')}`
      const session = put(
        aSession({
          id,
          ownerId: who.id,
          ownerName: who.name,
          datasetId,
          datasetVersion: dataset.version,
          state: 'starting',
          createdAt: now(),
          lastActiveAt: now(),
          routePath: `/s/${id}/`,
        }),
      )
      onLaunch(session)
      return session
    },
    waitForChange: (ownerId, datasetId, timeoutMs, signal) =>
      new Promise((resolve) => {
        const done = () => {
          clearTimeout(timer)
          news.off(key(ownerId, datasetId), done)
          resolve()
        }
        const timer = setTimeout(done, timeoutMs)
        news.once(key(ownerId, datasetId), done)
        signal?.addEventListener('abort', done, { once: true })
      }),
    keep: async (who, sessionId) => own(who.id, sessionId, { lastActiveAt: now() }),
    stop: async (who, sessionId) => own(who.id, sessionId, { state: 'stopping' }),
  }
  function own(ownerId: string, sessionId: string, change: Partial<Session>): Session {
    const session = [...sessions.values()].find((one) => one.id === sessionId && one.ownerId === ownerId)
    if (!session) throw new LauncherError('not-found', 'There is no such session.')
    return put({ ...session, ...change })
  }
  return launcher
}
