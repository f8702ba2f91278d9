/** A file of labels that a person brings: by cell name, judged before it reaches the vault, with a report of what matched. */
import { LauncherError } from '../core/errors.ts'
import { carryOver as bring, keepBoth } from '../core/label-table.ts'
import type { VaultRef } from '../core/ports.ts'
import { modeOf, type Principal } from '../core/principal.ts'
import { type Steps, setOf, stepsOf } from '../core/steps.ts'
import type { Context } from './context.ts'
import { sha256 } from './hash.ts'
import { inSteps } from './in-steps.ts'
import { formatLabels, parseLabels, parseUpload } from './labels-csv.ts'
import { bodyOf } from './large-bodies.ts'
import { openable } from './launch.ts'
import type { Merged, Uploaded } from './types.ts'

export type LabelsUpload = { body: Uint8Array | Uploaded; base: string | null; mode: 'replace' | 'add' }

/** A file of labels by cell name, for the dataset as it is now. Throws `bad-request`, `base-mismatch`, `unavailable`. */
export function uploadLabels(context: Context, who: Principal, datasetId: string, wish: LabelsUpload): Promise<Merged> {
  return context.here.tables(() => upload(context, who, datasetId, wish))
}

async function upload(context: Context, who: Principal, datasetId: string, wish: LabelsUpload): Promise<Merged> {
  const { ports } = context
  const dataset = openable(who, await ports.catalogue.get(datasetId), datasetId)
  if (modeOf(who) === 'view') throw new LauncherError('read-only', 'A link for looking keeps no labels.')
  const cells = await ports.cells.get(dataset.version)
  if (cells === null)
    throw new LauncherError(
      'unavailable',
      'The names of this dataset’s cells are still being read. Try again in a minute.',
    )
  const upload = { ...wish, body: await bodyOf(context, who.id, wish.body) }
  const given = await inSteps(parseUpload(upload.body))
  const names = await inSteps(setOf(cells.names))
  const { table: own, report } = await inSteps(bring(given, { names, columns: cells.columns }))
  const inFile = await inSteps(countOf(own.rows.keys(), names))
  if (inFile === 0)
    throw new LauncherError(
      'bad-request',
      `None of the ${own.rows.size} names in the first column is a cell of this dataset. Its cells are called like “${cells.names[0] ?? ''}”.`,
    )
  const ref: VaultRef = { ownerId: who.id, datasetId, kind: 'labels' }
  const latest = await ports.vault.latest(ref)
  const requestSha256 = sha256('upload:', upload.mode, upload.body)
  // Asked before: the answer was lost.
  if (latest?.requestSha256 === requestSha256 && latest.base === upload.base && latest.report !== null)
    return { version: latest.version, report: latest.report }
  const add = latest !== null && upload.mode === 'add'
  const theirs = add ? await inSteps(parseLabels(await ports.vault.read(ref, latest.version))) : null
  const both = theirs && (await inSteps(keepBoth(theirs, own, 'uploaded', cells.columns)))
  const renamed = [...report.renamed, ...(both?.report.renamed ?? [])]
  const kept = await ports.vault.put(ref, await inSteps(formatLabels(both?.table ?? own)), {
    base: upload.base,
    savedBy: who.name,
    origin: 'upload',
    datasetVersion: dataset.version,
    obsIndexHash: dataset.index.obsIndexHash,
    requestSha256,
    report: { ...report, renamed },
  })
  ports.log('info', 'labels uploaded', { dataset: datasetId, version: kept.version, cells: inFile })
  return { version: kept.version, report: { ...report, renamed } }
}

function* countOf(cells: Iterable<string>, known: ReadonlySet<string>): Steps<number> {
  const due = stepsOf(1)
  let count = 0
  for (const cell of cells) {
    if (known.has(cell)) count++
    if (due()) yield
  }
  return count
}
