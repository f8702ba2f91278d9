/** The embeddings that cellxgene would show, by its own rules, in its own order. */
import { asDataset, encodingOf } from './elements.ts'
import type { Column, Hdf5Node } from './hdf5.ts'
import { ProblemFound } from './problems.ts'

/** cellxgene's MAX_LAYOUTS. */
const most = 30
const sliceValues = 2 ** 19

/**
 * cellxgene 1.3.0, `anndata_adaptor.py`: names that begin with `X_`; a plain array of real numbers; one row per cell and
 * two columns or more; no infinity in any column; not all NaN. Others are left out; with none left it refuses the file.
 * @param obsm group, or one table of records as anndata < 0.7 wrote it
 */
export function readEmbeddings(obsm: Hdf5Node | null, cells: number): string[] {
  const shown: string[] = []
  const why: string[] = []
  for (const [key, column] of candidates(obsm)) {
    if (column !== null && column.shape[0] !== cells)
      throw new ProblemFound('shapes-differ', `The part obsm["${key}"] has ${column.shape[0]} rows for ${cells} cells.`)
    if (!key.startsWith('X_')) continue
    const fault = column === null ? 'is not a plain array' : faultOf(column)
    if (fault === null) shown.push(key.slice(2))
    else why.push(`${key} ${fault}`)
  }
  if (shown.length > 0) return shown.slice(0, most)
  throw new ProblemFound(
    'no-embedding',
    why.length === 0
      ? 'It has no embedding (obsm["X_…"]), so there is nothing to draw.'
      : `It has no embedding that can be drawn: ${why.slice(0, 5).join('; ')}.`,
  )
}

function* candidates(obsm: Hdf5Node | null): Generator<[string, Column | null]> {
  if (obsm?.kind === 'dataset') yield* obsm.fields()
  if (obsm?.kind !== 'group') return
  for (const key of obsm.keys()) {
    const node = obsm.get(key)
    if (node?.kind === 'group' && encodingOf(node).startsWith('dataframe'))
      // cellxgene replaces the names of cells by numbers, after which anndata finds the table's own names to differ.
      throw new ProblemFound('table-in-obsm', `The part obsm["${key}"] is a table; the viewer fails on tables there.`)
    yield [key, asDataset(node)?.column ?? null]
  }
}

function faultOf(column: Column): string | null {
  if (!/^(?:u?int|float)\d+$/.test(column.dtype)) return `holds ${column.dtype}, not numbers`
  const rows = column.shape[0] ?? 0
  // anndata makes a flat array one column wide.
  if ((column.shape[1] ?? 1) < 2) return 'has only one column'
  // cellxgene lists it, then answers 500 when the page asks for it.
  if (column.shape.length > 2) return `has ${column.shape.length} dimensions instead of two`
  const perRow = column.shape.slice(1).reduce((product, n) => product * n, 1)
  const step = Math.max(1, Math.floor(sliceValues / perRow))
  let anyNumber = false
  for (let from = 0; from < rows; from += step)
    for (const value of column.numbers(from, Math.min(rows, from + step))) {
      if (value === Number.POSITIVE_INFINITY || value === Number.NEGATIVE_INFINITY) return 'holds infinite values'
      if (!Number.isNaN(value)) anyNumber = true
    }
  return anyNumber ? null : 'holds no numbers (all NaN)'
}
