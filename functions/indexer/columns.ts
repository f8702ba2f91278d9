/** The columns of obs and var: one that cellxgene can't type refuses the whole file, so each is looked at. */
import { asDataset, encodingOf, tableColumns } from './elements.ts'
import type { Column, Hdf5Node } from './hdf5.ts'
import { refuseTooLarge, wideIntegers } from './matrix.ts'
import { ProblemFound } from './problems.ts'

const slice = 2 ** 18

/** Throws `ProblemFound` for what `type_conversion_utils._get_type_info` of cellxgene 1.3.0 refuses. */
export function checkColumns(table: Hdf5Node | null, what: 'obs' | 'var', rows: number): void {
  if (table?.kind === 'dataset') {
    // The first field is the index.
    for (const [name, column] of [...table.fields()].slice(1)) check(column, `${what}["${name}"]`)
    return
  }
  if (table?.kind !== 'group') return
  for (const name of tableColumns(table).columns) {
    const where = `${what}["${name}"]`
    const node = table.get(name)
    if (node?.kind === 'group') {
      checkGroup(encodingOf(node), where)
      const values = asDataset(node.get('codes') ?? node.get('values'))?.column
      if (values) sameLength(values, rows, where)
      const categories = encodingOf(node) === 'categorical 0.2.0' ? asDataset(node.get('categories'))?.column : null
      // With a gap (code -1) pandas turns them into real numbers, which have no such limit.
      if (categories && !(wideIntegers.includes(categories.dtype) && values && hasGap(values)))
        check(categories, `categories of ${where}`)
    }
    const column = asDataset(node)?.column
    if (!column) continue
    sameLength(column, rows, where)
    check(column, where)
  }
}

function checkGroup(encoding: string, where: string): void {
  // numpy's can_cast does not know pandas' nullable integers, so cellxgene fails when it makes its schema.
  if (encoding === 'nullable-integer 0.1.0')
    throw new ProblemFound(
      'unsupported-column',
      `The column ${where} holds whole numbers with gaps (pandas “Int64”), which the viewer can’t show.`,
    )
}

function check(column: Column, where: string): void {
  if (column.dtype === 'other' || column.dtype.startsWith('complex'))
    throw new ProblemFound(
      'unsupported-column',
      `The column ${where} holds values of a kind that the viewer can’t show.`,
    )
  if (!wideIntegers.includes(column.dtype)) return
  let low = Number.POSITIVE_INFINITY
  let high = Number.NEGATIVE_INFINITY
  const rows = column.shape[0] ?? 0
  for (let from = 0; from < rows; from += slice)
    for (const value of column.numbers(from, Math.min(rows, from + slice))) {
      if (value < low) low = value
      if (value > high) high = value
    }
  refuseTooLarge(low, high, where)
}

function hasGap(codes: Column): boolean {
  const rows = codes.shape[0] ?? 0
  for (let from = 0; from < rows; from += slice)
    if (codes.numbers(from, Math.min(rows, from + slice)).some((code) => code < 0)) return true
  return false
}

function sameLength(column: Column, rows: number, where: string): void {
  if (column.shape[0] !== rows)
    throw new ProblemFound('shapes-differ', `The column ${where} has ${column.shape[0]} values for ${rows} rows.`)
}
