/** Annotations and gene sets in the vault: what a gate saves, and what their owner reads, downloads and restores. */
import { createHash } from 'node:crypto'
import type { SavedVersion, UploadAnswer, UploadRequest } from '../api/contract/gate.ts'
import { LauncherError } from '../core/errors.ts'
import type { VaultKind, VaultVersion } from '../core/ports.ts'
import type { GatePrincipal, Principal } from '../core/principal.ts'
import { isLive, type Session } from '../core/session.ts'
import { type Context, sessionOfGate } from './context.ts'
import { bodyOf, offer } from './large-bodies.ts'
import { openable } from './launch.ts'
import type { KeptAnnotations, Uploaded } from './types.ts'

/** The live session of a gate; a dying gate must not be able to harm its successor. */
async function liveSession(context: Context, gate: GatePrincipal): Promise<Session> {
  const session = await sessionOfGate(context, gate)
  if (session === null || !isLive(session))
    throw new LauncherError('session-over', 'This viewer’s session is over; the next one saves for it.')
  return session
}

export async function vaultRead(
  context: Context,
  gate: GatePrincipal,
  kind: VaultKind,
  version: string,
): Promise<Uint8Array> {
  const { ownerId, datasetId } = await liveSession(context, gate)
  return context.ports.vault.read({ ownerId, datasetId, kind }, version)
}

export async function vaultUpload(context: Context, gate: GatePrincipal, body: UploadRequest): Promise<UploadAnswer> {
  return offer(context, (await liveSession(context, gate)).id, body)
}

export async function vaultPut(
  context: Context,
  gate: GatePrincipal,
  kind: VaultKind,
  given: Uint8Array | Uploaded,
  save: { base: string | null; requestSha256: string },
): Promise<SavedVersion> {
  const { ports } = context
  const session = await liveSession(context, gate)
  // Its gate refuses already; but a gate shares its task with a viewer that reads untrusted files.
  if (session.mode === 'view')
    throw new LauncherError('read-only', 'This viewer is for looking only; nothing is saved from it.')
  const body = await bodyOf(context, session.id, given)
  const { ownerId, datasetId, datasetVersion, obsIndexHash } = session
  const saved = await ports.vault.put({ ownerId, datasetId, kind }, body, {
    ...save,
    savedBy: session.ownerName,
    origin: `session:${session.id}`,
    datasetVersion,
    obsIndexHash,
  })
  ports.log('info', 'annotations saved', { session: session.id, kind, version: saved.version, bytes: saved.sizeBytes })
  return { version: saved.version, savedAt: saved.savedAt, savedBy: saved.savedBy, requestSha256: saved.requestSha256 }
}

/** Everything `who` keeps, whether or not its dataset is still there or still theirs to open: labels belong to who made them. */
export async function listAnnotations({ ports }: Context, who: Principal): Promise<KeptAnnotations[]> {
  const kept: KeptAnnotations[] = []
  for (const datasetId of await ports.vault.listDatasets(who.id)) {
    const dataset = await ports.catalogue.get(datasetId)
    if (dataset === null) continue
    const [labels, geneSets] = await Promise.all([
      ports.vault.latest({ ownerId: who.id, datasetId, kind: 'labels' }),
      ports.vault.latest({ ownerId: who.id, datasetId, kind: 'genesets' }),
    ])
    kept.push({ dataset, labels, geneSets })
  }
  return kept
}

export function history(
  { ports }: Context,
  who: Principal,
  datasetId: string,
  kind: VaultKind,
): Promise<VaultVersion[]> {
  return ports.vault.history({ ownerId: who.id, datasetId, kind })
}

export function readVersion(
  { ports }: Context,
  who: Principal,
  datasetId: string,
  kind: VaultKind,
  version: string,
): Promise<Uint8Array> {
  return ports.vault.read({ ownerId: who.id, datasetId, kind }, version)
}

/** Makes an old version the newest one again; nothing is deleted. A live viewer reads it at its gate's next beat. */
export async function restore(
  { ports }: Context,
  who: Principal,
  datasetId: string,
  kind: VaultKind,
  version: string,
  base: string | null,
): Promise<VaultVersion> {
  openable(who, await ports.catalogue.get(datasetId), datasetId)
  const ref = { ownerId: who.id, datasetId, kind }
  const old = (await ports.vault.history(ref)).find((candidate) => candidate.version === version)
  if (old === undefined) throw new LauncherError('not-found', `There is no version ${version} of these ${kind}.`)
  const body = await ports.vault.read(ref, version)
  return ports.vault.put(ref, body, {
    base,
    savedBy: who.name,
    origin: `restore:${version}`,
    datasetVersion: old.datasetVersion,
    obsIndexHash: old.obsIndexHash,
    requestSha256: createHash('sha256').update(`restore:${version}:`).update(body).digest('hex'),
  })
}
