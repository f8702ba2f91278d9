/** Labels that meet others: carried over to another dataset version, kept beside what somebody else saved, uploaded. */
import { createHash } from 'node:crypto'
import { isUsable } from '../core/dataset.ts'
import { isLauncherError, LauncherError } from '../core/errors.ts'
import { carryOver as bring, keepBoth, matching, replaceCells } from '../core/label-table.ts'
import type { MergeReport } from '../core/merge-report.ts'
import type { DatasetCells, VaultKind, VaultRef, VaultVersion } from '../core/ports.ts'
import { modeOf, type Principal } from '../core/principal.ts'
import type { Session } from '../core/session.ts'
import type { Context } from './context.ts'
import { formatGeneSets, keepBothSets, parseGeneSets } from './gene-sets-csv.ts'
import { formatLabels, parseLabels, parseUpload } from './labels-csv.ts'
import { openable } from './launch.ts'
import { visible } from './list-datasets.ts'
import { readGeneSets, readLabels } from './page-save.ts'
import type { Merged } from './types.ts'

const sha256 = (...parts: (string | Uint8Array)[]) => {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return hash.digest('hex')
}
const nothing: MergeReport = { labelledCells: 0, matchedCells: 0, unmatchedCells: 0, unmatchedSample: [], renamed: [] }
/** Somebody may save between our look and our write: look again. */
const tries = 5

/**
 * Before a viewer of another dataset version reads the labels: a vault version of their own, with a report of what became
 * of them. May be repeated. Without the version's cells nothing is written: the viewer joins by name all the same.
 */
export async function carryOver(
  { ports }: Context,
  {
    ownerId,
    datasetId,
    datasetVersion,
    obsIndexHash,
  }: Pick<Session, 'ownerId' | 'datasetId' | 'datasetVersion' | 'obsIndexHash'>,
): Promise<VaultVersion | null> {
  const ref: VaultRef = { ownerId, datasetId, kind: 'labels' }
  for (let left = tries; left > 0; left--) {
    const latest = await ports.vault.latest(ref)
    if (latest === null || latest.datasetVersion === datasetVersion || latest.sizeBytes === 0) return null
    const cells = await ports.cells.get(datasetVersion)
    if (cells === null) return null
    const before = parseLabels(await ports.vault.read(ref, latest.version))
    const { table, report } = bring(before, { names: new Set(cells.names), columns: cells.columns })
    const origin = `carry-over:${latest.version}`
    try {
      const kept = await ports.vault.put(ref, formatLabels(table), {
        ...{ base: latest.version, savedBy: latest.savedBy, origin, datasetVersion, obsIndexHash, report },
        requestSha256: sha256(origin, datasetVersion),
      })
      const { matchedCells, unmatchedCells } = report
      ports.log('info', 'labels carried over', {
        dataset: datasetId,
        version: kept.version,
        matchedCells,
        unmatchedCells,
      })
      return kept
    } catch (error) {
      if (!isLauncherError(error, 'base-mismatch')) throw error
    }
  }
  return null
}

/** The newest labels, if they were brought over from another dataset version and nobody has saved since. */
export async function carried({ ports }: Context, who: Principal, datasetId: string) {
  const latest = await ports.vault.latest({ ownerId: who.id, datasetId, kind: 'labels' })
  if (latest?.report == null || !latest.origin.startsWith('carry-over:')) return null
  return { version: latest.version, report: latest.report }
}

type HeldSave = { datasetVersion: string; base: string | null; body: Uint8Array }

/**
 * What a page could not save, byte for byte as cellxgene sent it: kept as a version of the dataset version that the page
 * was loaded from; beside what somebody else saved meanwhile; and carried over to the file as it is now. By cell name.
 * Throws `read-only`, `bad-request`, `too-large`, `dataset-changed` (a version whose cells nobody knows).
 */
export async function keepBeside(
  context: Context,
  who: Principal,
  datasetId: string,
  kind: VaultKind,
  save: HeldSave,
): Promise<Merged> {
  const { ports } = context
  const dataset = visible(who, await ports.catalogue.get(datasetId), datasetId)
  if (modeOf(who) === 'view') throw new LauncherError('read-only', 'This page is for looking; nothing of it is kept.')
  const ref: VaultRef = { ownerId: who.id, datasetId, kind }
  const requestSha256 = sha256(save.body)
  const cells = kind === 'labels' ? await cellsOf(context, save.datasetVersion) : null
  let merged: Merged | null = null
  for (let left = tries; merged === null && left > 0; left--) {
    const history = await ports.vault.history(ref)
    const latest = history[0] ?? null
    // Asked before: the answer was lost.
    const known = history.find((version) => version.requestSha256 === requestSha256)
    if (known) {
      merged = { version: known.version, report: known.report ?? nothing }
      break
    }
    const theirs = latest && (await ports.vault.read(ref, latest.version))
    const replaces = (latest?.version ?? null) === save.base
    const { body, report } =
      cells === null
        ? mergeSets(theirs, save.body, replaces, who.name)
        : await mergeLabels(theirs, save.body, cells, replaces, who.name)
    try {
      const kept = await ports.vault.put(ref, body, {
        base: latest?.version ?? null,
        savedBy: who.name,
        origin: `merge:${save.base ?? 'none'}`,
        datasetVersion: save.datasetVersion,
        obsIndexHash: cells === null ? (latest?.obsIndexHash ?? '') : sha256(`${cells.names.join('\n')}\n`),
        requestSha256,
        report,
      })
      merged = { version: kept.version, report }
      ports.log('info', 'kept beside', {
        dataset: datasetId,
        kind,
        version: kept.version,
        renamed: report.renamed.length,
      })
    } catch (error) {
      // Another tab was first: look again. Ten at once can make the vault refuse for a moment.
      if (!isLauncherError(error, 'base-mismatch')) throw error
    }
  }
  if (merged === null) throw new LauncherError('conflict', 'Others save all the time. It is tried again.')
  if (kind !== 'labels' || !isUsable(dataset) || dataset.version === save.datasetVersion) return merged
  const { version: datasetVersion, index } = dataset
  const over = await carryOver(context, {
    ownerId: who.id,
    datasetId,
    datasetVersion,
    obsIndexHash: index.obsIndexHash,
  })
  if (over?.report == null) return merged
  return {
    version: over.version,
    report: { ...over.report, renamed: [...merged.report.renamed, ...over.report.renamed] },
  }
}

async function cellsOf({ ports }: Context, datasetVersion: string): Promise<DatasetCells> {
  const cells = await ports.cells.get(datasetVersion)
  if (cells !== null) return cells
  throw new LauncherError(
    'dataset-changed',
    'The file was replaced, and which cells the old one had is not known here, so this can’t be kept by cell name. It stays on the page: download it there.',
    { final: true },
  )
}

async function mergeLabels(
  theirs: Uint8Array | null,
  raw: Uint8Array,
  cells: DatasetCells,
  replaces: boolean,
  by: string,
): Promise<{ body: Uint8Array; report: MergeReport }> {
  const mine = await readLabels(raw, cells.names)
  const before = theirs === null ? null : parseLabels(theirs)
  if (replaces || before === null) {
    const report = { ...matching(mine, new Set(cells.names)), renamed: [] }
    return { body: formatLabels(replaceCells(before, mine)), report }
  }
  const { table, report } = keepBoth(before, mine, by, cells.columns)
  return { body: formatLabels(table), report }
}

function mergeSets(theirs: Uint8Array | null, raw: Uint8Array, replaces: boolean, by: string) {
  const mine = readGeneSets(raw)
  if (replaces || theirs === null) return { body: formatGeneSets(mine), report: nothing }
  const { sets, report } = keepBothSets(parseGeneSets(theirs), mine, by)
  return { body: formatGeneSets(sets), report }
}

/** A file of labels by cell name, for the dataset as it is now. Throws `bad-request`, `base-mismatch`, `unavailable`. */
export async function uploadLabels(
  { ports }: Context,
  who: Principal,
  datasetId: string,
  upload: { body: Uint8Array; base: string | null; mode: 'replace' | 'add' },
): Promise<Merged> {
  const dataset = openable(who, await ports.catalogue.get(datasetId), datasetId)
  if (modeOf(who) === 'view') throw new LauncherError('read-only', 'A link for looking keeps no labels.')
  const cells = await ports.cells.get(dataset.version)
  if (cells === null)
    throw new LauncherError(
      'unavailable',
      'The names of this dataset’s cells are still being read. Try again in a minute.',
    )
  const given = parseUpload(upload.body)
  const names = new Set(cells.names)
  const { table: own, report } = bring(given, { names, columns: cells.columns })
  const inFile = [...own.rows.keys()].filter((cell) => names.has(cell)).length
  if (inFile === 0)
    throw new LauncherError(
      'bad-request',
      `None of the ${own.rows.size} names in the first column is a cell of this dataset. Its cells are called like “${cells.names[0] ?? ''}”.`,
    )
  const ref: VaultRef = { ownerId: who.id, datasetId, kind: 'labels' }
  const latest = await ports.vault.latest(ref)
  const theirs = latest && upload.mode === 'add' ? parseLabels(await ports.vault.read(ref, latest.version)) : null
  const both = theirs && keepBoth(theirs, own, 'uploaded', cells.columns)
  const renamed = [...report.renamed, ...(both?.report.renamed ?? [])]
  const kept = await ports.vault.put(ref, formatLabels(both?.table ?? own), {
    base: upload.base,
    savedBy: who.name,
    origin: 'upload',
    datasetVersion: dataset.version,
    obsIndexHash: dataset.index.obsIndexHash,
    requestSha256: sha256('upload:', upload.mode, upload.body),
    report: { ...report, renamed },
  })
  ports.log('info', 'labels uploaded', { dataset: datasetId, version: kept.version, cells: inFile })
  return { version: kept.version, report: { ...report, renamed } }
}
