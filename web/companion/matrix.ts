/** Reads cellxgene's binary tables (a FlatBuffer `Matrix`, server/common/fbs): just enough to make a file of labels. */

export type Matrix = { rows: number; columns: string[][]; names: string[] }

/** Of `NetEncoding.TypedArray`. */
const [float32, int32, uint32, float64, jsonArray] = [1, 2, 3, 4, 5]

/** @throws when it is no such table */
export function readMatrix(bytes: Uint8Array): Matrix {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  /** Where the field of a table is, or 0. */
  const field = (table: number, index: number): number => {
    const vtable = table - view.getInt32(table, true)
    const at = 4 + 2 * index
    const offset = at < view.getUint16(vtable, true) ? view.getUint16(vtable + at, true) : 0
    return offset === 0 ? 0 : table + offset
  }
  const follow = (at: number): number => at + view.getUint32(at, true)
  const values = (type: number, table: number): string[] => {
    const at = field(table, 0)
    if (at === 0) return []
    const vector = follow(at)
    const count = view.getUint32(vector, true)
    const data = vector + 4
    if (type === jsonArray) {
      const parsed: unknown = JSON.parse(new TextDecoder().decode(bytes.subarray(data, data + count)))
      if (!Array.isArray(parsed)) throw new Error('no list of values')
      return parsed.map((value) => (value === null ? '' : String(value)))
    }
    return Array.from({ length: count }, (_, row) => String(number(type, data, row)))
  }
  const number = (type: number, data: number, row: number): number => {
    if (type === float32) return view.getFloat32(data + 4 * row, true)
    if (type === int32) return view.getInt32(data + 4 * row, true)
    if (type === uint32) return view.getUint32(data + 4 * row, true)
    if (type === float64) return view.getFloat64(data + 8 * row, true)
    throw new Error(`values of an unknown type ${type}`)
  }
  const union = (table: number, typeField: number): string[] => {
    const [type, at] = [field(table, typeField), field(table, typeField + 1)]
    return type === 0 || at === 0 ? [] : values(view.getUint8(type), follow(at))
  }

  const root = follow(0)
  const rowsAt = field(root, 0)
  const listAt = field(root, 2)
  const list = listAt === 0 ? 0 : follow(listAt)
  const count = list === 0 ? 0 : view.getUint32(list, true)
  const columns = Array.from({ length: count }, (_, column) => union(follow(list + 4 + 4 * column), 0))
  return { rows: rowsAt === 0 ? 0 : view.getUint32(rowsAt, true), columns, names: union(root, 3) }
}
