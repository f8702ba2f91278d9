/** A save as cellxgene's page sends it, read without cellxgene: labels by row, as a deflated FlatBuffer; gene sets as JSON. */
import { promisify } from 'node:util'
import { inflate } from 'node:zlib'
import { isLauncherError, LauncherError } from '../core/errors.ts'
import type { LabelTable } from '../core/label-table.ts'
import { type Steps, stepsOf } from '../core/steps.ts'
import type { GeneSet } from './gene-sets-csv.ts'
import { inSteps } from './in-steps.ts'

const inflated = promisify(inflate)
/**
 * After inflation, as at the gate: a million cells with ten categories of twenty letters are 220 MB, and a few hundred
 * kilobytes can ask for as much as they like.
 */
const mostInflated = 256 * 2 ** 20
/** Of columns × cells: each takes a place in memory, however short it is. */
const mostValues = 32_000_000
const bytesPerStep = 2 ** 18
const mostGeneSetBytes = 8 * 2 ** 20

/**
 * @param names of the cells, in the order of the rows: of the dataset version that the page was loaded from
 * Throws `bad-request`, `too-large`.
 */
export async function readLabels(body: Uint8Array, names: readonly string[]): Promise<LabelTable> {
  const matrix = await decompress(body)
  return inSteps(readTable(matrix, names))
}

function* readTable(matrix: Uint8Array, names: readonly string[]): Steps<LabelTable> {
  const { columns, headings } = yield* readMatrix(matrix, names.length)
  if (headings.length !== columns.length) throw wrong('columns and their names differ')
  // It would be kept, and no viewer could read it again.
  if (new Set(headings).size < headings.length) throw wrong('two columns have one name')
  const rows = new Map<string, string[]>()
  const due = stepsOf(columns.length + 1)
  if (columns.length > 0)
    for (const [row, name] of names.entries()) {
      if (due()) yield
      rows.set(
        name,
        columns.map((column) => column[row] ?? ''),
      )
    }
  return { header: 'index', columns: headings, rows }
}

export function readGeneSets(body: Uint8Array): GeneSet[] {
  if (body.byteLength > mostGeneSetBytes)
    throw new LauncherError('too-large', 'These gene sets are larger than any page makes.')
  let read: unknown
  try {
    read = JSON.parse(Buffer.from(body).toString('utf8'))
  } catch {
    throw wrong('it is no JSON')
  }
  const sets = (read as { genesets?: unknown } | null)?.genesets
  if (!Array.isArray(sets)) throw wrong('it has no gene sets')
  const names = new Set<string>()
  return sets.map((set: unknown) => {
    const { geneset_name: name, geneset_description: description, genes } = (set ?? {}) as Record<string, unknown>
    if (typeof name !== 'string' || name === '') throw wrong('a gene set has no name')
    if (names.has(name)) throw wrong(`two gene sets have the name “${name}”`)
    names.add(name)
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
function* readMatrix(bytes: Uint8Array, cells: number): Steps<{ columns: string[][]; headings: string[] }> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const uint32 = (at: number) => view.getUint32(at, true)
  const follow = (at: number) => at + uint32(at)
  let spent = 0
  /** Where a field of a table is; 0 when the table does not have it. */
  const field = (table: number, index: number): number => {
    const vtable = table - view.getInt32(table, true)
    const size = view.getUint16(vtable, true)
    if (size < 4) throw new Error('no table')
    const offset = 4 + 2 * index < size ? view.getUint16(vtable + 4 + 2 * index, true) : 0
    return offset === 0 ? 0 : table + offset
  }
  function* array(kind: number, table: number, expected: number): Steps<string[]> {
    const at = field(table, 0)
    if (at === 0) return []
    const [start, length] = [follow(at) + 4, uint32(follow(at))]
    const width = kind === kinds.json ? 1 : kind === kinds.float64 ? 8 : 4
    if (start + length * width > bytes.byteLength) throw new Error('it ends too early')
    // Columns that all point to one list would have it read again and again.
    spent += length * width
    if (spent > bytes.byteLength) throw new Error('its parts overlap')
    if (kind === kinds.json) return yield* readList(bytes.subarray(start, start + length), expected)
    if (length !== expected) throw new Error('a column has another length')
    const words: string[] = []
    const due = stepsOf(1)
    for (let row = 0; row < length; row++) {
      words.push(inWords(number(kind, start + row * width)))
      if (due()) yield
    }
    return words
  }
  const number = (kind: number, at: number): number => {
    if (kind === kinds.float32) return view.getFloat32(at, true)
    if (kind === kinds.int32) return view.getInt32(at, true)
    if (kind === kinds.uint32) return uint32(at)
    if (kind === kinds.float64) return view.getFloat64(at, true)
    throw new Error(`an array of kind ${kind}`)
  }
  function* union(table: number, index: number, expected: number): Steps<string[]> {
    const [kind, value] = [field(table, index), field(table, index + 1)]
    return kind === 0 || value === 0 ? [] : yield* array(view.getUint8(kind), follow(value), expected)
  }
  try {
    const root = follow(0)
    const [rowsAt, countAt, listAt] = [field(root, 0), field(root, 1), field(root, 2)]
    const list = listAt === 0 ? 0 : follow(listAt)
    const count = list === 0 ? 0 : uint32(list)
    if (count !== (countAt === 0 ? 0 : uint32(countAt))) throw new Error('it miscounts its columns')
    const rows = rowsAt === 0 ? 0 : uint32(rowsAt)
    if (count === 0) return { columns: [], headings: [] }
    // Before anything is made of it.
    if (rows !== cells) throw new Error(`it has ${rows} cells where the dataset version has ${cells}`)
    if (count * rows > mostValues || count > 1000)
      throw new LauncherError('too-large', 'These are more labels than can be kept beside others.')
    const columns: string[][] = []
    for (let column = 0; column < count; column++) columns.push(yield* union(follow(list + 4 + 4 * column), 0, rows))
    // A column without its list would pass for one whose labels were all deleted.
    if (columns.some((column) => column.length !== rows)) throw new Error('a column has another length')
    return { columns, headings: yield* union(root, 3, count) }
  } catch (error) {
    if (isLauncherError(error)) throw error
    throw wrong(`it is no table of labels (${error instanceof Error ? error.message : 'unreadable'})`)
  }
}

/**
 * A JSON list of words, numbers, truths and nothings. Counted first: unfolded, a hundred million of them or a million lists in
 * one another take gigabytes.
 */
function* readList(bytes: Uint8Array, expected: number): Steps<string[]> {
  const [quote, backslash, comma, openList, openObject] = [34, 92, 44, 91, 123]
  let [commas, lists, quoted, step] = [0, 0, false, bytesPerStep]
  for (let at = 0; at < bytes.length; at++) {
    if (at > step) {
      step += bytesPerStep
      yield
    }
    const byte = bytes[at]
    if (quoted) {
      if (byte === backslash) at++
      else if (byte === quote) quoted = false
    } else if (byte === quote) quoted = true
    else if (byte === comma) commas++
    else if (byte === openList) lists++
    else if (byte === openObject) throw new Error('no plain list')
  }
  if (lists !== 1) throw new Error('no plain list')
  if (commas + 1 > Math.max(1, expected)) throw new Error('a column has another length')
  const values: unknown = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'))
  if (!Array.isArray(values) || values.length !== expected) throw new Error('a column has another length')
  // One of each in memory: a category has few labels and many cells.
  const known = new Map<string, string>()
  const words: string[] = []
  const next = stepsOf(1)
  for (const value of values) {
    const word = inWords(value)
    const same = known.get(word)
    if (same === undefined) known.set(word, word)
    words.push(same ?? word)
    if (next()) yield
  }
  return words
}

/** As the viewer would write it (pandas' `astype(str)`; what says nothing is no label). */
function inWords(value: unknown): string {
  if (typeof value === 'string') return value
  if (typeof value === 'boolean') return value ? 'True' : 'False'
  return typeof value === 'number' && !Number.isNaN(value) ? String(value) : ''
}

const wrong = (what: string) =>
  new LauncherError('bad-request', `This save can’t be read: ${what}. Download it from the page before you leave it.`)
