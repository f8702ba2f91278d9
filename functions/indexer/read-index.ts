/** One file, read as far as needed: what the catalogue knows of it, or why cellxgene would refuse it. */
import type { DatasetIndex } from '../core/dataset.ts'
import { estimateMemoryMiB } from '../core/sizing.ts'
import { checkColumns } from './columns.ts'
import { asDataset, encodingOf, sparseShape, weigh } from './elements.ts'
import { readEmbeddings } from './embeddings.ts'
import type { Hdf5Group, Hdf5Node } from './hdf5.ts'
import { readDistribution, readMatrix } from './matrix.ts'
import { findRepeat, hashNames, namesOf } from './names.ts'
import { ProblemFound } from './problems.ts'

/** What AnnData's constructor takes; anything else at the root makes it refuse. */
const parts = ['X', 'obs', 'var', 'uns', 'obsm', 'varm', 'layers', 'raw', 'obsp', 'varp']

/** Throws `ProblemFound`, or h5wasm's own errors for damage. */
export function readIndex(root: Hdf5Group): { index: DatasetIndex; title: string | null } {
  const names = root.keys()
  const obs = root.get('obs')
  if (obs === null) throw notAnndata(names)
  const unknown = names.find((name) => !parts.includes(name) && !name.startsWith('raw.'))
  // With the root marked as anndata (0.8 and later) unknown parts refuse the file just the same.
  if (unknown !== undefined)
    throw new ProblemFound('unsupported-encoding', `It has a part “${unknown}” that is no part of an AnnData file.`)

  let otherBytes = 0
  for (const name of names) if (name !== 'X') otherBytes += weigh(root.get(name))
  const X = root.get('X')
  weigh(X)
  const matrix = readMatrix(X)
  const { cells, genes } = matrix

  const cellNames = namesOf(obs, 'obs')
  agree('obs', cellNames.length, cells, 'cells')
  refuseRepeat(findRepeat(cellNames), 'duplicate-cells', 'cell')
  const variables = root.get('var')
  if (variables !== null) {
    const geneNames = namesOf(variables, 'var')
    agree('var', geneNames.length, genes, 'genes')
    refuseRepeat(findRepeat(geneNames), 'duplicate-genes', 'gene')
  }
  checkColumns(obs, 'obs', cells)
  checkColumns(variables, 'var', genes)
  for (const [part, rows, columns] of [
    ['layers', cells, genes],
    ['obsp', cells, cells],
    ['varp', genes, genes],
    ['varm', genes, null],
    ['obsm', cells, null],
  ] as const)
    checkShapes(root.get(part), rows, columns)

  const index: DatasetIndex = {
    cells,
    genes,
    storedValues: matrix.storedValues,
    dtype: matrix.dtype,
    layout: matrix.layout,
    embeddings: readEmbeddings(root.get('obsm'), cells),
    obsIndexHash: hashNames(cellNames),
    distribution: readDistribution(matrix),
    memoryMiB: estimateMemoryMiB({ ...matrix, otherBytes }),
  }
  return { index, title: readTitle(root) }
}

function checkShapes(part: Hdf5Node | null, rows: number, columns: number | null): void {
  if (part?.kind !== 'group') return
  for (const key of part.keys()) {
    const node = part.get(key)
    const shape = node?.kind === 'group' ? sparseShape(node) : (asDataset(node)?.column?.shape ?? null)
    if (shape === null || (node?.kind === 'group' && encodingOf(node).startsWith('dataframe'))) continue
    const [has, wide] = shape
    if (has !== rows || (columns !== null && wide !== columns))
      throw new ProblemFound(
        'shapes-differ',
        `The part ${part.path}/${key} is ${shape.join(' × ')}, which does not fit the table of cells and genes (${rows}${columns === null ? ' rows' : ` × ${columns}`}).`,
      )
  }
}

function agree(what: string, has: number, wants: number, of: string): void {
  if (has !== wants)
    throw new ProblemFound('shapes-differ', `The table “${what}” names ${has} ${of}, but the matrix X has ${wants}.`)
}

function refuseRepeat(name: string | null, code: 'duplicate-cells' | 'duplicate-genes', what: string): void {
  if (name !== null)
    throw new ProblemFound(
      code,
      `The ${what} name “${name.slice(0, 80)}” occurs more than once; the viewer needs every ${what} to have a name of its own.`,
    )
}

function notAnndata(names: string[]): ProblemFound {
  const isTenX = names.includes('matrix') && names.length === 1
  const kind = isTenX
    ? ' It looks like 10x Cell Ranger’s own HDF5.'
    : names.includes('row_attrs')
      ? ' It looks like loom.'
      : ''
  return new ProblemFound(
    'not-anndata',
    `This is an HDF5 file, but not AnnData: it has no table of cells (“obs”).${kind}`,
  )
}

/** `uns["title"]`, when it is text; made fit for one line of a page. */
function readTitle(root: Hdf5Group): string | null {
  const uns = root.get('uns')
  const column = uns?.kind === 'group' ? asDataset(uns.get('title'))?.column : null
  if (column?.dtype !== 'string' || column.shape.length !== 0) return null
  const title = (column.strings(0, 1)[0] ?? '').replace(/[\p{Cc}\p{Cf}\s]+/gu, ' ').trim()
  return title === '' ? null : title.slice(0, 200)
}
