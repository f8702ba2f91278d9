/** A save as cellxgene's page sends it, read without cellxgene: labels by row, as a deflated FlatBuffer; gene sets as JSON. */
import { promisify } from 'node:util'
import { inflate } from 'node:zlib'
import { LauncherError } from '../core/errors.ts'
import type { LabelTable } from '../core/label-table.ts'
import type { GeneSet } from './gene-sets-csv.ts'

const inflated = promisify(inflate)
/** After inflation: a million cells with fifty columns of numbers. A few hundred bytes can ask for as much as they like. */
const mostInflated = 256 * 2 ** 20

/**
 * @param names of the cells, in the order of the rows: of the dataset version that the page was loaded from
 * Throws `bad-request`, `too-large`.
 */
export async function readLabels(body: Uint8Array, names: readonly string[]): Promise<LabelTable> {
  const { rows, columns, headings } = readMatrix(await decompress(body))
  if (columns.length > 0 && rows !== names.length)
    throw wrong(`it has ${rows} cells where the dataset version has ${names.length}`)
  if (headings.length !== columns.length) throw wrong('columns and their names differ')
  const found = new Map<string, string[]>()
  if (columns.length > 0)
    for (const [row, name] of names.entries())
      found.set(
        name,
        columns.map((column) => column[row] ?? ''),
      )
  return { header: 'index', columns: headings, rows: found }
}

export function readGeneSets(body: Uint8Array): GeneSet[] {
  let read: unknown
  try {
    read = JSON.parse(Buffer.from(body).toString('utf8'))
  } catch {
    throw wrong('it is no JSON')
  }
  const sets = (read as { genesets?: unknown } | null)?.genesets
  if (!Array.isArray(sets)) throw wrong('it has no gene sets')
  return sets.map((set: unknown) => {
    const { geneset_name: name, geneset_description: description, genes } = (set ?? {}) as Record<string, unknown>
    if (typeof name !== 'string' || name === '') throw wrong('a gene set has no name')
    return {
      name,
      description: typeof description === 'string' ? description : '',
      genes: (Array.isArray(genes) ? genes : []).map((gene: unknown) => {
        const { gene_symbol: symbol, gene_description: words } = (gene ?? {}) as Record<string, unknown>
        if (typeof symbol !== 'string' || symbol === '') throw wrong(`the gene set “${name}” has a gene without a name`)
        return { symbol, description: typeof words === 'string' ? words : '' }
      }),
    }
  })
}

async function decompress(body: Uint8Array): Promise<Uint8Array> {
  try {
    return await inflated(body, { maxOutputLength: mostInflated })
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE')
      throw new LauncherError('too-large', 'These labels are larger than any page makes.')
    throw wrong('it is not deflated')
  }
}

/** Kinds of `NetEncoding.TypedArray` (cellxgene 1.3.0, server/common/fbs). */
const kinds = { float32: 1, int32: 2, uint32: 3, float64: 4, json: 5 } as const

/**
 * cellxgene's table `Matrix`: rows, number of columns, columns (each a union of arrays), row index, column index. Read
 * with a DataView, which throws for every place that is not there: flatbuffers' own reader takes such bytes for an empty
 * table, and an empty table means that everything was deleted.
 */
function readMatrix(bytes: Uint8Array): { rows: number; columns: string[][]; headings: string[] } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const uint32 = (at: number) => view.getUint32(at, true)
  const follow = (at: number) => at + uint32(at)
  /** Where a field of a table is; 0 when the table does not have it. */
  const field = (table: number, index: number): number => {
    const vtable = table - view.getInt32(table, true)
    const size = view.getUint16(vtable, true)
    if (size < 4) throw new Error('no table')
    const offset = 4 + 2 * index < size ? view.getUint16(vtable + 4 + 2 * index, true) : 0
    return offset === 0 ? 0 : table + offset
  }
  const array = (kind: number, table: number): string[] => {
    const at = field(table, 0)
    if (at === 0) return []
    const [start, length] = [follow(at) + 4, uint32(follow(at))]
    const width = kind === kinds.json ? 1 : kind === kinds.float64 ? 8 : 4
    if (start + length * width > bytes.byteLength) throw new Error('it ends too early')
    if (kind === kinds.json) {
      const values: unknown = JSON.parse(Buffer.from(bytes.subarray(start, start + length)).toString('utf8'))
      if (!Array.isArray(values)) throw new Error('no list')
      return values.map((value) => (value === null ? '' : String(value)))
    }
    return Array.from({ length }, (_, row) => String(number(kind, start + row * width)))
  }
  const number = (kind: number, at: number): number => {
    if (kind === kinds.float32) return view.getFloat32(at, true)
    if (kind === kinds.int32) return view.getInt32(at, true)
    if (kind === kinds.uint32) return uint32(at)
    if (kind === kinds.float64) return view.getFloat64(at, true)
    throw new Error(`an array of kind ${kind}`)
  }
  const union = (table: number, index: number): string[] => {
    const [kind, value] = [field(table, index), field(table, index + 1)]
    return kind === 0 || value === 0 ? [] : array(view.getUint8(kind), follow(value))
  }
  try {
    const root = follow(0)
    const [rowsAt, countAt, listAt] = [field(root, 0), field(root, 1), field(root, 2)]
    const list = listAt === 0 ? 0 : follow(listAt)
    const count = list === 0 ? 0 : uint32(list)
    if (count !== (countAt === 0 ? 0 : uint32(countAt))) throw new Error('it miscounts its columns')
    if (count > bytes.byteLength) throw new Error('it ends too early')
    const columns = Array.from({ length: count }, (_, column) => union(follow(list + 4 + 4 * column), 0))
    const rows = rowsAt === 0 ? 0 : uint32(rowsAt)
    if (columns.some((column) => column.length !== rows)) throw new Error('a column has another length')
    return { rows, columns, headings: union(root, 3) }
  } catch (error) {
    throw wrong(`it is no table of labels (${error instanceof Error ? error.message : 'unreadable'})`)
  }
}

const wrong = (what: string) =>
  new LauncherError('bad-request', `This save can’t be read: ${what}. Download it from the page before you leave it.`)
