/** What a page could not save is kept all the same: as a version of the file it was made on, beside what others saved, by cell name. */
import { isUsable } from '../core/dataset.ts'
import { isLauncherError, LauncherError } from '../core/errors.ts'
import { keepBoth, matching, replaceCells } from '../core/label-table.ts'
import type { MergeReport } from '../core/merge-report.ts'
import type { DatasetCells, VaultKind, VaultRef, VaultVersion } from '../core/ports.ts'
import { modeOf, type Principal } from '../core/principal.ts'
import { setOf } from '../core/steps.ts'
import { carryOver } from './carry-over.ts'
import type { Context } from './context.ts'
import { formatGeneSets, keepBothSets, parseGeneSets, replaceSets } from './gene-sets-csv.ts'
import { sha256, sha256OfLines } from './hash.ts'
import { inSteps } from './in-steps.ts'
import { formatLabels, parseLabels } from './labels-csv.ts'
import { bodyOf } from './large-bodies.ts'
import { visible } from './list-datasets.ts'
import { readGeneSets, readLabels } from './page-save.ts'
import type { Merged, Uploaded } from './types.ts'

export type HeldSave = {
  /** From which the page was loaded; may be an old one. */
  datasetVersion: string
  /** The vault version that the page loaded; null: there was none. */
  base: string | null
  /** Byte for byte as cellxgene sent it. */
  body: Uint8Array | Uploaded
}

const nothing: MergeReport = { labelledCells: 0, matchedCells: 0, unmatchedCells: 0, unmatchedSample: [], renamed: [] }
const tries = 5

/**
 * Throws `read-only`, `bad-request`, `too-large`, `dataset-changed` (a version whose cells nobody knows), `conflict`.
 * @returns what the newest version is that holds it, and what became of it on the way there
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
  const kept = await context.here.tables(() => keep(context, ref, who, save))
  const over = isUsable(dataset) && dataset.version !== save.datasetVersion && kind === 'labels'
  if (!over) return { version: kept.version, report: kept.report ?? nothing }
  await carryOver(context, {
    ...{ ownerId: who.id, datasetId, datasetVersion: dataset.version },
    obsIndexHash: dataset.index.obsIndexHash,
  })
  const history = await ports.vault.history(ref)
  const carried = history.find(({ origin }) => origin === `carry-over:${kept.version}`)
  if (carried?.report == null) return { version: kept.version, report: kept.report ?? nothing }
  const renamed = [...(kept.report?.renamed ?? []), ...carried.report.renamed]
  return { version: carried.version, report: { ...carried.report, renamed } }
}

async function keep(context: Context, ref: VaultRef, who: Principal, save: HeldSave): Promise<VaultVersion> {
  const { ports } = context
  const cells = await ports.cells.get(save.datasetVersion)
  if (ref.kind === 'labels' && cells === null) throw unknownCells()
  const obsIndexHash = cells && (await inSteps(sha256OfLines(cells.names)))
  const held = await bodyOf(context, who.id, save.body)
  const requestSha256 = sha256(held)
  for (let left = tries; left > 0; left--) {
    const history = await ports.vault.history(ref)
    const latest = history[0] ?? null
    // Since its base: the same may have been saved long ago, and other things after it.
    const since = history.filter(({ version }) => Number(version) > Number(save.base ?? 0))
    const known = since.find((version) => version.requestSha256 === requestSha256)
    if (known) return known
    const before = undisturbed(history, save.base)
    const stands = before === undefined ? latest : before
    const theirs = stands && (await ports.vault.read(ref, stands.version))
    const merge = ref.kind === 'labels' ? mergeLabels : mergeSets
    const { body, report } = await merge(theirs, held, cells, before !== undefined, who.name)
    try {
      const kept = await ports.vault.put(ref, body, {
        base: latest?.version ?? null,
        savedBy: who.name,
        origin: `merge:${save.base ?? 'none'}`,
        datasetVersion: save.datasetVersion,
        obsIndexHash: obsIndexHash ?? latest?.obsIndexHash ?? '',
        requestSha256,
        report,
      })
      const fields = { dataset: ref.datasetId, kind: ref.kind, version: kept.version, renamed: report.renamed.length }
      ports.log('info', 'kept beside', fields)
      return kept
    } catch (error) {
      // Another tab was first: look again.
      if (!isLauncherError(error, 'base-mismatch')) throw error
    }
  }
  throw new LauncherError('conflict', 'Others save all the time. It is tried again.')
}

/**
 * The page's base, when nobody has saved since: what the launcher itself carried over stands for what it was made from.
 * Undefined when somebody has.
 */
function undisturbed(history: readonly VaultVersion[], base: string | null): VaultVersion | null | undefined {
  let at = history[0] ?? null
  while (at !== null && at.version !== base) {
    const from = /^carry-over:(\d+)$/.exec(at.origin)?.[1]
    if (from === undefined) return undefined
    at = history.find(({ version }) => version === from) ?? null
  }
  return at === null && base !== null ? undefined : at
}

function unknownCells(): LauncherError {
  return new LauncherError(
    'dataset-changed',
    'The file was replaced, and which cells the old one had is not known here, so this can’t be kept by cell name. It stays on the page: download it there.',
    { final: true },
  )
}

type Merge = { body: Uint8Array; report: MergeReport }

async function mergeLabels(
  theirs: Uint8Array | null,
  raw: Uint8Array,
  cells: DatasetCells | null,
  replaces: boolean,
  by: string,
): Promise<Merge> {
  if (cells === null) throw unknownCells()
  const mine = await readLabels(raw, cells.names)
  const before = theirs === null ? null : await inSteps(parseLabels(theirs))
  if (replaces || before === null) {
    const table = await inSteps(replaceCells(before, mine))
    const matched = await inSteps(matching(table, await inSteps(setOf(cells.names))))
    return { body: await inSteps(formatLabels(table)), report: { ...matched, renamed: [] } }
  }
  const { table, report } = await inSteps(keepBoth(before, mine, by, cells.columns))
  return { body: await inSteps(formatLabels(table)), report }
}

async function mergeSets(
  theirs: Uint8Array | null,
  raw: Uint8Array,
  cells: DatasetCells | null,
  replaces: boolean,
  by: string,
): Promise<Merge> {
  const mine = readGeneSets(raw)
  const known = cells?.genes === undefined ? null : new Set(cells.genes)
  const before = theirs === null ? [] : parseGeneSets(theirs)
  if (replaces || theirs === null) return { body: formatGeneSets(replaceSets(before, mine, known)), report: nothing }
  const { sets, report } = keepBothSets(before, mine, by, known)
  return { body: formatGeneSets(sets), report }
}
