/**
 * Every part of the file that anndata will read, checked as anndata checks it, and weighed: cellxgene reads the whole
 * file into memory, layers, raw and all, so one unknown part refuses it and every part counts.
 */
import type { Column, Hdf5Dataset, Hdf5Group, Hdf5Node } from './hdf5.ts'
import { ProblemFound } from './problems.ts'

/** What anndata 0.12 has a reader for (`anndata/_io/specs/methods.py`); awkward arrays need a package cellxgene lacks. */
const knownDatasets = ['', 'array 0.2.0', 'bytes 0.2.0', 'null 0.1.0', 'numeric-scalar 0.2.0', 'rec-array 0.2.0']
const known = {
  dataset: new Set([...knownDatasets, 'string 0.2.0', 'string-array 0.2.0']),
  group: new Set(
    [
      ['', 'anndata 0.1.0', 'raw 0.1.0', 'categorical 0.2.0', 'csr_matrix 0.1.0', 'csc_matrix 0.1.0', 'dict 0.1.0'],
      ['dataframe 0.1.0', 'dataframe 0.2.0', 'nullable-integer 0.1.0', 'nullable-boolean 0.1.0'],
      ['nullable-string-array 0.1.0'],
    ].flat(),
  ),
}

/** HDF5's own filters and lzf, which every h5py has; others need plugins that cellxgene's environment lacks. */
const knownFilters = new Set([1, 2, 3, 4, 5, 6, 32000])
const filterNames = new Map([
  [307, 'bzip2'],
  [32001, 'blosc'],
  [32004, 'lz4'],
  [32008, 'bitshuffle'],
  [32013, 'zfp'],
  [32015, 'zstd'],
  [32026, 'blosc2'],
])

const mostElements = 200_000
const deepest = 40

/** `categorical 0.2.0`, or empty for parts written before anndata 0.7 */
export function encodingOf(node: Hdf5Group | Hdf5Dataset): string {
  const type = node.attributes.get('encoding-type')
  const version = node.attributes.get('encoding-version')
  return typeof type === 'string' ? `${type} ${typeof version === 'string' ? version : ''}`.trim() : ''
}

export function asGroup(node: Hdf5Node | null): Hdf5Group | null {
  return node?.kind === 'group' ? node : null
}

export function asDataset(node: Hdf5Node | null): Hdf5Dataset | null {
  return node?.kind === 'dataset' ? node : null
}

/** `csr`, `csc` or null when it is no sparse matrix, by new and old markings. */
export function sparseFormat(node: Hdf5Node | null): 'csr' | 'csc' | null {
  if (node?.kind !== 'group') return null
  const encoding = encodingOf(node)
  const old = node.attributes.get('h5sparse_format')
  if (encoding === 'csr_matrix 0.1.0' || (encoding === '' && old === 'csr')) return 'csr'
  return encoding === 'csc_matrix 0.1.0' || (encoding === '' && old === 'csc') ? 'csc' : null
}

/** Attribute with a matrix's shape: two numbers. */
export function sparseShape(group: Hdf5Group): [number, number] | null {
  const shape = group.attributes.get('shape') ?? group.attributes.get('h5sparse_shape')
  if (!ArrayBuffer.isView(shape) && !Array.isArray(shape)) return null
  const [rows, columns] = Array.from(shape as ArrayLike<unknown>, Number)
  return rows !== undefined && columns !== undefined ? [rows, columns] : null
}

/** Columns of a table in the order anndata reads them; members that its order leaves out are not read. */
export function tableColumns(table: Hdf5Group): { index: string; columns: string[] } {
  const index = table.attributes.get('_index')
  const order = table.attributes.get('column-order')
  if (typeof index !== 'string')
    throw new ProblemFound(
      'unsupported-encoding',
      `The table ${table.path} doesn’t say which of its columns holds the names.`,
    )
  const listed = Array.isArray(order) ? order.map(String) : typeof order === 'string' ? [order] : []
  return { index, columns: listed }
}

/** Throws `ProblemFound` for anything anndata or cellxgene's h5py would stumble over; returns its bytes in memory. */
export function weigh(root: Hdf5Node | null): number {
  let count = 0
  return visit(root, 0)

  function visit(node: Hdf5Node | null, depth: number): number {
    if (node === null) return 0
    if (++count > mostElements || depth > deepest)
      throw new ProblemFound(
        'too-complex',
        `The file has more than ${mostElements} parts, or parts within parts without end.`,
      )
    if (node.kind === 'elsewhere')
      throw new ProblemFound('refers-elsewhere', `The part ${node.path} is a link to another file.`)
    if (node.kind === 'nowhere')
      throw new ProblemFound('damaged', `The part ${node.path} is a link to a part that is not there.`)
    if (node.kind !== 'group' && node.kind !== 'dataset') return 0
    const encoding = encodingOf(node)
    if (!known[node.kind].has(encoding))
      throw new ProblemFound(
        'unsupported-encoding',
        `The part ${node.path} is stored as “${encoding}”, which the viewer can’t read.`,
      )
    if (node.kind === 'dataset') {
      // h5py reads these as text and refuses anything else.
      if (/^string(?:-array)? /.test(encoding) && node.column?.dtype !== 'string')
        throw new ProblemFound(
          'unsupported-encoding',
          `The part ${node.path} is marked as text, but holds something else.`,
        )
      return weighDataset(node)
    }
    let bytes = 0
    for (const name of membersRead(node, encoding)) {
      const member = node.get(name)
      if (member === null)
        throw new ProblemFound('damaged', `The part ${node.path} lists “${name}”, but it is not there.`)
      bytes += visit(member, depth + 1)
    }
    return bytes
  }
}

function membersRead(group: Hdf5Group, encoding: string): string[] {
  if (!encoding.startsWith('dataframe')) return group.keys()
  const { index, columns } = tableColumns(group)
  return [index, ...columns]
}

function weighDataset(node: Hdf5Dataset): number {
  if (node.virtual) throw new ProblemFound('refers-elsewhere', `The part ${node.path} takes its data from other files.`)
  // cellxgene could: h5wasm's lzf gives up on text of variable length, whose chunks h5py records as half their size.
  if (node.filters.includes(32000) && node.column?.dtype === 'string')
    throw new ProblemFound('unsupported-compression', `The part ${node.path} is text compressed with lzf.`)
  const filter = node.filters.find((id) => !knownFilters.has(id))
  if (filter !== undefined)
    throw new ProblemFound(
      'unsupported-compression',
      `The part ${node.path} is compressed with ${filterNames.get(filter) ?? `HDF5 filter ${filter}`}, which the viewer can’t read.`,
    )
  node.touch()
  return node.column === null ? 0 : bytesInMemory(node.column)
}

/** Python keeps text as one object each: about 49 bytes, its characters, and a pointer to it. */
const bytesPerText = 80

function bytesInMemory(column: Column): number {
  const elements = column.shape.reduce((product, n) => product * n, 1)
  return elements * (column.dtype === 'string' ? bytesPerText : column.itemSize)
}
