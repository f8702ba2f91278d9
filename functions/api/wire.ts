/** From the launcher's records to what goes over the wire: nothing leaves that is not named here. */
import type { Dataset } from '../core/dataset.ts'
import { endsAt, sleepAt } from '../core/deadlines.ts'
import { endingWords } from '../core/ending-words.ts'
import type { Limits } from '../core/limits.ts'
import { type LaunchLink, linkOver } from '../core/link.ts'
import type { VaultVersion } from '../core/ports.ts'
import type { Principal } from '../core/principal.ts'
import type { Receipt, Session } from '../core/session.ts'
import type { WireDataset, WireLink, WireMe, WireReceipt, WireSession, WireVersion } from './contract/public.ts'

const iso = (ms: number): string => new Date(ms).toISOString()
const isoOrNull = (ms: number | null): string | null => (ms === null ? null : iso(ms))

/** The dataset's page on the view origin: stable, so it can be kept and shared. */
export const viewUrl = (viewOrigin: string, datasetId: string): string =>
  `${viewOrigin}/v/${encodeURIComponent(datasetId)}/`

export const wireMe = ({ id, name, email, groups, admin }: Principal): WireMe => ({
  id,
  name,
  email,
  groups: [...groups],
  admin,
})

export function wireDataset(dataset: Dataset, viewOrigin: string): WireDataset {
  const { id, title, group, path, state, problem, version, sizeBytes, index } = dataset
  return {
    ...{ id, title, group, path, state, problem, version, sizeBytes },
    modifiedAt: iso(dataset.modifiedAt),
    cells: index?.cells ?? null,
    genes: index?.genes ?? null,
    storedValues: index?.storedValues ?? null,
    dtype: index?.dtype ?? null,
    layout: index?.layout ?? null,
    embeddings: [...(index?.embeddings ?? [])],
    memoryMiB: index?.memoryMiB ?? null,
    viewUrl: viewUrl(viewOrigin, id),
  }
}

export function wireSession(
  session: Session,
  queue: WireSession['queue'],
  limits: Limits,
  viewOrigin: string,
): WireSession {
  const { id, datasetId, datasetVersion, state, version, size, ending, progress } = session
  const ready = state === 'ready'
  return {
    ...{ id, datasetId, datasetVersion, state, version },
    ...stageOf(session),
    queue,
    doneBytes: progress?.doneBytes ?? 0,
    totalBytes: progress?.totalBytes ?? 0,
    memoryMiB: size.memoryMiB,
    vcpu: size.vcpu,
    createdAt: iso(session.createdAt),
    readyAt: isoOrNull(session.readyAt),
    lastActiveAt: iso(session.lastActiveAt),
    sleepsAt: ready ? iso(sleepAt(session, limits)) : null,
    endsAt: ready ? iso(endsAt(session, limits)) : null,
    ending: ending === null ? null : { ...wordsOf(ending), at: iso(ending.at) },
    viewUrl: viewUrl(viewOrigin, datasetId),
  }
}

function stageOf({ state, progress }: Session): Pick<WireSession, 'stage'> {
  if (state !== 'requested' && state !== 'starting') return { stage: null }
  return { stage: progress?.stage ?? 'starting' }
}

function wordsOf({ cause, detail: own }: Pick<Receipt, 'cause' | 'detail'>) {
  const { title, remedy, detail } = endingWords(cause, own)
  return { cause, title, remedy, detail }
}

export function wireVersion(of: VaultVersion): WireVersion {
  const { version, base, savedBy, origin, datasetVersion, sizeBytes, contentSha256 } = of
  return { version, base, savedAt: iso(of.savedAt), savedBy, origin, datasetVersion, sizeBytes, sha256: contentSha256 }
}

export function wireLink(of: LaunchLink, now: number, url: string | null): WireLink {
  const { id, datasetId, mode, note, guests, maxGuests, guestNames } = of
  const full = maxGuests !== null && guests >= maxGuests
  return {
    ...{ id, datasetId, mode, note, guests, maxGuests, url },
    guestNames: guestNames === null ? null : [...guestNames],
    createdBy: of.createdByName,
    createdAt: iso(of.createdAt),
    expiresAt: iso(of.expiresAt),
    revokedAt: isoOrNull(of.revokedAt),
    state: linkOver(of, now) ?? (full ? 'used up' : 'open'),
  }
}

export function wireReceipt({ sessionId, datasetId, from, readyAt, to, size, cause, detail }: Receipt): WireReceipt {
  const words = endingWords(cause, detail)
  return {
    ...{ sessionId, datasetId, cause, title: words.title, detail: words.detail },
    ...{ from: iso(from), readyAt: isoOrNull(readyAt), to: iso(to) },
    ...{ memoryMiB: size.memoryMiB, vcpu: size.vcpu },
  }
}
