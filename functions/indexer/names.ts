/** The names of cells and genes: read in slices, hashed in order, checked for repeats without keeping them. */
import { createHash } from 'node:crypto'
import { asDataset, asGroup, encodingOf, tableColumns } from './elements.ts'
import type { Column, Hdf5Node } from './hdf5.ts'
import { ProblemFound } from './problems.ts'

const slice = 20_000

/** Names of a table (`obs`, `var`): how many, and how to walk them in order, as often as needed. */
export type Names = { length: number; walk(): Generator<string[]> }

/** Throws `ProblemFound` when the table or its names can't be read. */
export function namesOf(table: Hdf5Node | null, what: 'obs' | 'var'): Names {
  if (table?.kind === 'dataset') {
    // Before anndata 0.7 a table was one array of records; its first field holds the names.
    const first = [...table.fields().values()][0]
    if (first === undefined) throw notATable(what)
    return plain(first)
  }
  const group = asGroup(table)
  if (group === null || !encodingOf(group).startsWith('dataframe')) throw notATable(what)
  return elementNames(group.get(tableColumns(group).index), what)
}

function elementNames(element: Hdf5Node | null, what: string): Names {
  const column = asDataset(element)?.column
  if (column) return plain(column)
  const group = asGroup(element)
  if (group !== null && encodingOf(group) === 'categorical 0.2.0') {
    const codes = asDataset(group.get('codes'))?.column
    const categories = asDataset(group.get('categories'))?.column
    if (codes && categories) return coded(codes, categories)
  }
  const values = group === null ? null : asDataset(group.get('values'))?.column
  if (values) return plain(values)
  throw notATable(what)
}

function plain(column: Column): Names {
  const length = column.shape[0] ?? 0
  return {
    length,
    *walk() {
      for (let from = 0; from < length; from += slice) yield texts(column, from, Math.min(length, from + slice))
    },
  }
}

function coded(codes: Column, categories: Column): Names {
  const length = codes.shape[0] ?? 0
  return {
    length,
    *walk() {
      const all = [...plain(categories).walk()].flat()
      for (let from = 0; from < length; from += slice)
        yield Array.from(codes.numbers(from, Math.min(length, from + slice)), (code) => all[code] ?? 'nan')
    },
  }
}

/** Numbers as names become text as Python writes them. */
function texts(column: Column, from: number, to: number): string[] {
  if (column.dtype === 'string') return column.strings(from, to)
  const whole = !column.dtype.startsWith('float')
  return Array.from(column.numbers(from, to), (n) => (whole || !Number.isInteger(n) ? String(n) : `${n}.0`))
}

/**
 * SHA-256 (hex) over the names in order: of each the UTF-8 bytes, then one line feed (0x0A). In Python:
 * `hashlib.sha256("".join(f"{name}\n" for name in adata.obs_names).encode()).hexdigest()`.
 */
export function hashNames(names: Names): string {
  const hash = createHash('sha256')
  for (const some of names.walk()) hash.update(`${some.join('\n')}\n`)
  return hash.digest('hex')
}

/**
 * One name that occurs twice, or null. First by 53-bit hashes, 8 bytes a name, sorted: millions of names fit. Only if two
 * hashes are equal the names themselves are compared, in a second walk, as different names may share one.
 */
export function findRepeat(names: Names): string | null {
  const hashes = new Float64Array(names.length)
  let at = 0
  for (const some of names.walk()) for (const name of some) hashes[at++] = hash53(name)
  hashes.sort()
  const twice = new Set<number>()
  for (let i = 1; i < hashes.length; i++) if (hashes[i] === hashes[i - 1]) twice.add(hashes[i] as number)
  if (twice.size === 0) return null
  const seen = new Set<string>()
  for (const some of names.walk())
    for (const name of some) {
      if (!twice.has(hash53(name))) continue
      if (seen.has(name)) return name
      seen.add(name)
    }
  return null
}

/** Two 32-bit multiplicative hashes (murmur's finalizer), joined to 53 bits. Not for secrets: equality is proven above. */
function hash53(text: string): number {
  let a = 0xdeadbeef
  let b = 0x41c6ce57
  for (let i = 0; i < text.length; i++) {
    const char = text.charCodeAt(i)
    a = Math.imul(a ^ char, 2654435761)
    b = Math.imul(b ^ char, 1597334677)
  }
  a = Math.imul(a ^ (a >>> 16), 2246822507) ^ Math.imul(b ^ (b >>> 13), 3266489909)
  b = Math.imul(b ^ (b >>> 16), 2246822507) ^ Math.imul(a ^ (a >>> 13), 3266489909)
  return 4294967296 * (2097151 & b) + (a >>> 0)
}

function notATable(what: string): ProblemFound {
  const of = what === 'obs' ? 'cells' : 'genes'
  return new ProblemFound('not-anndata', `It has no table of ${of} (“${what}”) that can be read.`)
}
