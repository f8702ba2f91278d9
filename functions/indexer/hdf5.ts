/**
 * HDF5 as the indexer needs it, over h5wasm: attributes, members, and slices of columns as numbers or text.
 *
 * h5wasm's node build reads through node's own `fs` at the offsets asked for, so a file is never loaded whole and may be
 * larger than memory or 4 GiB (tested with a sparse file of 6 GiB). Its own memory ends at 2 GiB, so slices are kept small.
 */
import type { Entity, Metadata, Dataset as RawDataset, Group as RawGroup } from 'h5wasm/node'
import { decodeNumbers, decodeText } from './hdf5-values.ts'

/** Anything that has a length and can be read in slices along it: a dataset, or one field of a table of records. */
export type Column = {
  /** numpy's name (`float32`, `bool`, `complex64`), or `string`, or `other`. */
  dtype: string
  /** Bytes of one element as stored. */
  itemSize: number
  shape: readonly number[]
  /** Rows `from` to `to` (exclusive), with all that lies in them, flat. */
  numbers(from: number, to: number): Float64Array
  strings(from: number, to: number): string[]
}

export type Attributes = { get(name: string): unknown }

export type Hdf5Group = {
  kind: 'group'
  path: string
  attributes: Attributes
  keys(): string[]
  get(name: string): Hdf5Node | null
}
export type Hdf5Dataset = {
  kind: 'dataset'
  path: string
  attributes: Attributes
  /** Null for HDF5's "empty" dataset. */
  column: Column | null
  /** The fields of a table of records (how anndata < 0.7 wrote obs); empty for anything else. */
  fields(): Map<string, Column>
  /** HDF5's filter ids, as 1 for deflate. */
  filters: readonly number[]
  /** Takes its data from other files. */
  virtual: boolean
  /** Reads one element of data that lies in one piece: only such data can lie in another file, which then gets opened. */
  touch(): void
}
/** A link that leads out of the file or nowhere, or something that holds no data. */
export type Hdf5Other = { kind: 'elsewhere' | 'nowhere' | 'other'; path: string }
export type Hdf5Node = Hdf5Group | Hdf5Dataset | Hdf5Other

/** HDF5's type classes, as H5Tpublic.h numbers them. */
const types = { integer: 0, float: 1, string: 3, compound: 6, enumeration: 8, array: 10 } as const

/** @param pluginFolder where the lzf filter lies (npm's h5wasm-plugins), which anndata offers and h5wasm lacks */
export async function loadHdf5(pluginFolder: string) {
  const { default: h5wasm } = await import('h5wasm/node')
  const module = await h5wasm.ready
  // Without it a failed read leaves the buffer as it was and says nothing.
  module.activate_throwing_error_handler()
  module.insert_plugin_search_path(pluginFolder, 0)
  return { h5wasm, module }
}

export type Hdf5Library = Awaited<ReturnType<typeof loadHdf5>>

/** Throws h5wasm's own errors for a file that is damaged or no HDF5. */
export function openHdf5(library: Hdf5Library, path: string): Hdf5Group {
  const { h5wasm, module } = library
  const file = new h5wasm.File(path, 'r')

  function wrap(entity: Entity | null, at: string): Hdf5Node | null {
    if (entity === null) return null
    if (entity instanceof h5wasm.Group) return group(entity)
    if (entity instanceof h5wasm.Dataset) return dataset(entity)
    const kind = 'target' in entity ? 'nowhere' : 'filename' in entity ? 'elsewhere' : 'other'
    return { kind, path: at }
  }

  function group(raw: RawGroup): Hdf5Group {
    return {
      kind: 'group',
      path: raw.path,
      attributes: attributesOf(raw),
      keys: () => raw.keys(),
      get: (name) => wrap(raw.get(name), `${raw.path}/${name}`),
    }
  }

  function dataset(raw: RawDataset): Hdf5Dataset {
    const { shape } = raw.metadata
    return {
      kind: 'dataset',
      path: raw.path,
      attributes: attributesOf(raw),
      column: shape === null ? null : columnOf(raw, raw.metadata, shape, (from, to) => bytesOf(raw, shape, from, to)),
      fields: () => (shape === null ? new Map() : fieldsOf(raw, shape)),
      filters: raw.filters.map((filter) => filter.id),
      touch() {
        const row = raw.metadata.size * (shape ?? []).slice(1).reduce((product, n) => product * n, 1)
        if (shape !== null && !shape.includes(0) && raw.metadata.chunks === null && row < 2 ** 26)
          bytesOf(raw, shape, 0, 1)
      },
      virtual: raw.metadata.virtual_sources?.some((source) => source.file_name !== '.') ?? false,
    }
  }

  /** Bytes of rows as they lie in the file: h5wasm's own conversion knows no half floats. */
  function bytesOf(raw: RawDataset, shape: readonly number[], from: number, to: number): Uint8Array {
    const count = shape.length === 0 ? [] : [to - from, ...shape.slice(1)]
    const size = raw.metadata.size * count.reduce((product, n) => product * n, 1)
    const pointer = module._malloc(Math.max(1, size))
    if (pointer === 0) throw new Error(`out of memory: a slice of ${size} bytes`)
    try {
      const read = (counts: bigint[] | null, offset: bigint[] | null, strides: bigint[] | null) =>
        module.get_dataset_data(raw.file_id, raw.path, counts, offset, strides, BigInt(pointer))
      if (shape.length === 0)
        read(null, null, null) // a single value knows no slices
      else if (size > 0) {
        const offset = shape.map((_, i) => BigInt(i === 0 ? from : 0))
        const strides = shape.map(() => 1n)
        read(count.map(BigInt), offset, strides)
      }
      return module.HEAPU8.slice(pointer, pointer + size)
    } finally {
      module._free(pointer)
    }
  }

  function fieldsOf(raw: RawDataset, shape: readonly number[]): Map<string, Column> {
    const fields = new Map<string, Column>()
    const { size: rowSize, compound_type: compound } = raw.metadata
    for (const [index, member] of (compound?.members ?? []).entries()) {
      const inner = member.type === types.array ? member.array_type : member
      if (inner === undefined) continue
      const memberShape = [...shape, ...(member.type === types.array ? (inner.shape ?? []) : [])]
      const column = columnOf(raw, inner, memberShape, (from, to) => {
        const rows = bytesOf(raw, shape, from, to)
        const picked = new Uint8Array((to - from) * member.size)
        for (let i = 0; i < to - from; i++)
          picked.set(
            rows.subarray(i * rowSize + member.offset, i * rowSize + member.offset + member.size),
            i * member.size,
          )
        return picked
      })
      // Text of variable length lies elsewhere in h5wasm's memory; only its own reader can follow the pointers.
      if (member.vlen)
        column.strings = (from, to) => textOf(raw.slice([[from, to]])).map((row) => String(row[index] ?? ''))
      fields.set(member.name, column)
    }
    return fields
  }

  return group(file)
}

function textOf(rows: unknown): unknown[][] {
  return Array.isArray(rows) ? rows.filter((row) => Array.isArray(row)) : []
}

function attributesOf(raw: RawGroup | RawDataset): Attributes {
  return {
    get(name) {
      const value: unknown = raw.attrs[name]?.value
      return value ?? undefined
    },
  }
}

function columnOf(
  raw: RawDataset,
  type: Metadata,
  shape: readonly number[],
  bytes: (from: number, to: number) => Uint8Array,
): Column {
  return {
    dtype: dtypeOf(type),
    itemSize: type.size,
    shape,
    numbers: (from, to) => decodeNumbers(bytes(from, to), dtypeOf(type)),
    strings(from, to) {
      if (!type.vlen) return decodeText(bytes(from, to), type.size)
      const read: unknown = shape.length === 0 ? raw.value : raw.slice([[from, to]])
      const texts = (Array.isArray(read) ? read : [read]).map(String)
      // h5wasm reads text that is not marked as UTF-8 byte by byte; Python writes UTF-8 there too.
      return type.cset === 1 ? texts : texts.map((text) => Buffer.from(text, 'latin1').toString('utf8'))
    },
  }
}

function dtypeOf(type: Metadata): string {
  const bits = type.size * 8
  if (type.type === types.integer) return `${type.signed ? 'int' : 'uint'}${bits}`
  if (type.type === types.float) return `float${bits}`
  if (type.type === types.string) return 'string'
  if (type.type === types.enumeration) {
    const members = type.enum_type?.members ?? {}
    const isBool = Object.keys(members).length === 2 && members.FALSE === 0 && members.TRUE === 1 // h5py's convention
    return isBool ? 'bool' : `${type.signed ? 'int' : 'uint'}${bits}`
  }
  if (type.type === types.compound) {
    const names = type.compound_type?.members.map((member) => member.name).join()
    return names === 'r,i' ? `complex${bits}` : 'other'
  }
  return 'other'
}
