/** X: its shape, layout and type, and how its values are spread, reading no more of it than that needs. */
import type { DatasetIndex } from '../core/dataset.ts'
import { asDataset, asGroup, encodingOf, sparseFormat, sparseShape } from './elements.ts'
import type { Column, Hdf5Node } from './hdf5.ts'
import { ProblemFound } from './problems.ts'

export type Matrix = Pick<DatasetIndex, 'cells' | 'genes' | 'storedValues' | 'dtype' | 'layout'> & {
  /** The stored values, flat for a sparse matrix, by rows for a dense one. */
  values: Column
  /** Bytes per stored position of a sparse matrix's index, 0 for a dense one. */
  indexBytes: number
}

/** Throws `ProblemFound` for what cellxgene can't show. */
export function readMatrix(X: Hdf5Node | null): Matrix {
  const layout = sparseFormat(X)
  const group = asGroup(X)
  if (layout !== null && group !== null) {
    const values = asDataset(group.get('data'))?.column
    const indices = asDataset(group.get('indices'))?.column
    const shape = sparseShape(group)
    if (!values || !indices || shape === null || asDataset(group.get('indptr')) === null)
      throw new ProblemFound('damaged', 'The sparse matrix X lacks one of its parts (data, indices, indptr, shape).')
    const [cells, genes] = shape
    return checked({
      cells,
      genes,
      storedValues: values.shape[0] ?? 0,
      dtype: values.dtype,
      layout,
      values,
      indexBytes: indices.itemSize,
    })
  }
  const dataset = asDataset(X)
  if (dataset === null || dataset.column === null || encodingOf(dataset).startsWith('null'))
    throw new ProblemFound('no-matrix', 'It has no matrix X, so there is no expression to show.')
  const [cells, genes] = dataset.column.shape
  if (cells === undefined || genes === undefined || dataset.column.shape.length !== 2)
    throw new ProblemFound(
      'shapes-differ',
      `X has ${dataset.column.shape.length} dimension(s); it must have two, cells and genes.`,
    )
  const { column: values } = dataset
  return checked({
    cells,
    genes,
    storedValues: cells * genes,
    dtype: values.dtype,
    layout: 'dense',
    values,
    indexBytes: 0,
  })
}

function checked(matrix: Matrix): Matrix {
  if (!/^(?:bool|u?int\d+|float(?:16|32|64))$/.test(matrix.dtype))
    throw new ProblemFound(
      'unsupported-values',
      `The values of X are of type “${matrix.dtype}”; the viewer shows numbers only.`,
    )
  if (matrix.cells === 0) throw new ProblemFound('no-cells', 'It has no cells.')
  return matrix
}

/** Values read at most to decide; a file of this size is read in seconds, a larger one is left to the viewer. */
const mostRead = 64 * 2 ** 20
const sliceValues = 2 ** 20

/** Types that cellxgene shows only while every value fits 32 bits (`type_conversion_utils._can_cast_array_values_to_int32`). */
export const wideIntegers: readonly string[] = ['int64', 'uint64', 'uint32']

/**
 * As cellxgene decides it (`estimate_distribution.py`): a span of finite values above 24 is counts, otherwise normal. A
 * sparse matrix's zeros are not stored and don't take part. Counts show early, so large files are often decided too;
 * null where only reading all of a large X could tell.
 * Throws `numbers-too-large` for whole numbers that cellxgene refuses, as far as it has read.
 */
export function readDistribution(matrix: Matrix): DatasetIndex['distribution'] {
  const { values, storedValues } = matrix
  const perRow = matrix.layout === 'dense' ? Math.max(1, matrix.genes) : 1
  const rows = values.shape[0] ?? 0
  const wide = wideIntegers.includes(matrix.dtype)
  const step = Math.max(1, Math.floor(sliceValues / perRow))
  let low = Number.POSITIVE_INFINITY
  let high = Number.NEGATIVE_INFINITY
  let read = 0
  for (let from = 0; from < rows && read < mostRead; from += step) {
    const to = Math.min(rows, from + step)
    for (const value of values.numbers(from, to)) {
      if (!Number.isFinite(value)) continue
      if (value < low) low = value
      if (value > high) high = value
    }
    read += (to - from) * perRow
    if (wide) refuseTooLarge(low, high, 'X')
    else if (high - low > 24) return 'count'
  }
  if (high - low > 24) return 'count'
  return read >= storedValues ? 'normal' : null
}

export function refuseTooLarge(low: number, high: number, where: string): void {
  if (low >= -(2 ** 31) && high <= 2 ** 31 - 1) return
  if (low > high) return
  throw new ProblemFound(
    'numbers-too-large',
    `The part ${where} holds whole numbers of more than 32 bits, as ${high > 2 ** 31 - 1 ? high : low}.`,
  )
}
