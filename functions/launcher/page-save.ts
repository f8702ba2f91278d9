/** A save as cellxgene's page sends it, read without cellxgene: labels by row, as a deflated FlatBuffer; gene sets as JSON. */
import { promisify } from 'node:util'
import { inflate } from 'node:zlib'
import { ByteBuffer } from 'flatbuffers'
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

/** cellxgene's table `Matrix`: rows, columns (each a union of arrays), row index, column index. */
function readMatrix(bytes: Uint8Array): { rows: number; columns: string[][]; headings: string[] } {
  try {
    const buffer = new ByteBuffer(bytes)
    const root = buffer.readInt32(buffer.position()) + buffer.position()
    const field = (table: number, index: number) => buffer.__offset(table, 4 + 2 * index)
    const array = (kind: number, table: number): string[] => {
      const at = field(table, 0)
      if (at === 0) return []
      const length = buffer.__vector_len(table + at)
      const start = buffer.__vector(table + at)
      if (start + length > bytes.length) throw new Error('beyond its end')
      if (kind === kinds.json) {
        const values: unknown = JSON.parse(Buffer.from(bytes.subarray(start, start + length)).toString('utf8'))
        if (!Array.isArray(values)) throw new Error('no list')
        return values.map((value) => (value === null ? '' : String(value)))
      }
      const read = readers(buffer)[kind]
      if (read === undefined) throw new Error(`an array of kind ${kind}`)
      return Array.from({ length }, (_, row) => String(read(start, row)))
    }
    const union = (table: number, index: number): string[] => {
      const [kind, value] = [field(table, index), field(table, index + 1)]
      if (kind === 0 || value === 0) return []
      return array(buffer.readUint8(table + kind), buffer.__indirect(table + value))
    }
    const rowsAt = field(root, 0)
    const columnsAt = field(root, 2)
    const count = columnsAt === 0 ? 0 : buffer.__vector_len(root + columnsAt)
    const columns = Array.from({ length: count }, (_, column) =>
      union(buffer.__indirect(buffer.__vector(root + columnsAt) + 4 * column), 0),
    )
    return { rows: rowsAt === 0 ? 0 : buffer.readUint32(root + rowsAt), columns, headings: union(root, 3) }
  } catch (error) {
    throw wrong(`it is no table of labels (${error instanceof Error ? error.message : 'unreadable'})`)
  }
}

const readers = (buffer: ByteBuffer): Record<number, (start: number, row: number) => number> => ({
  [kinds.float32]: (start, row) => buffer.readFloat32(start + 4 * row),
  [kinds.int32]: (start, row) => buffer.readInt32(start + 4 * row),
  [kinds.uint32]: (start, row) => buffer.readUint32(start + 4 * row),
  [kinds.float64]: (start, row) => buffer.readFloat64(start + 8 * row),
})

const wrong = (what: string) =>
  new LauncherError('bad-request', `This save can’t be read: ${what}. Download it from the page before you leave it.`)
