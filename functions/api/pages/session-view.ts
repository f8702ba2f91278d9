/** Sessions as the pages show them. */

import type { SessionView } from '../../../web/session-state.tsx'
import type { ReceiptView } from '../../../web/sessions.tsx'
import type { Dataset } from '../../core/dataset.ts'
import { sleepAt } from '../../core/deadlines.ts'
import { endingWords } from '../../core/ending-words.ts'
import type { Limits } from '../../core/limits.ts'
import { isLive, type Receipt, type Session } from '../../core/session.ts'
import type { Launcher } from '../../launcher/types.ts'

/** Titles by dataset id; a dataset that is gone is known by its id. */
export const titlesOf = (datasets: readonly Dataset[]) => {
  const titles = new Map(datasets.map(({ id, title }) => [id, title]))
  return (datasetId: string): string => titles.get(datasetId) ?? datasetId
}

/** A session and where it waits in line, if it does. Who looks at it here is still there, and keeps their place. */
export type PlacedSession = Session & { position: number | null }

export const placeSessions = (launcher: Pick<Launcher, 'waitInLine'>, sessions: readonly Session[]) =>
  Promise.all(
    sessions.map(async (session): Promise<PlacedSession> => {
      const place = await launcher.waitInLine(session)
      return { ...session, position: place?.position ?? null }
    }),
  )

export function sessionView(session: PlacedSession, datasetTitle: string, limits: Limits, now: number): SessionView {
  const { id, version, datasetId, state, position, progress, createdAt, readyAt, size, ending } = session
  const starting = state === 'requested' || state === 'starting'
  return {
    ...{ id, version, datasetId, datasetTitle, state, position, createdAt, readyAt },
    live: isLive(session),
    stage: starting ? (progress?.stage ?? 'starting') : null,
    percent: starting ? fetched(progress) : null,
    memoryMiB: size.memoryMiB,
    vcpu: size.vcpu,
    sleepsInMs: state === 'ready' ? Math.max(0, sleepAt(session, limits) - now) : null,
    ending: ending && {
      ...endingWords(ending.cause, ending.detail),
      at: ending.at,
      outOfMemory: ending.cause === 'out-of-memory',
    },
  }
}

function fetched(progress: Session['progress']): number | null {
  if (progress?.stage !== 'downloading' || progress.totalBytes === 0) return null
  return Math.floor((100 * progress.doneBytes) / progress.totalBytes)
}

export function receiptView(receipt: Receipt, datasetTitle: string): ReceiptView {
  const { datasetId, from, to, size, cause } = receipt
  const { title, detail } = endingWords(cause, receipt.detail)
  return { datasetId, datasetTitle, from, ranMs: to - from, memoryMiB: size.memoryMiB, vcpu: size.vcpu, title, detail }
}
