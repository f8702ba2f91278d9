/** Bytes of an HDF5 file as numbers and text. */

/** @param bytes little-endian, as h5wasm hands them out, and a copy of their own: typed arrays need their alignment */
export function decodeNumbers(bytes: Uint8Array, dtype: string): Float64Array {
  const size = Number(/\d+$/.exec(dtype)?.[0] ?? 8) / 8
  const at = [bytes.buffer, bytes.byteOffset, bytes.byteLength / size] as const
  switch (dtype) {
    case 'float64':
      return new Float64Array(...at)
    case 'float32':
      return Float64Array.from(new Float32Array(...at))
    case 'float16':
      return Float64Array.from(new Uint16Array(...at), half)
    case 'int64':
      return joinWords(new Uint32Array(bytes.buffer, bytes.byteOffset), new Int32Array(bytes.buffer, bytes.byteOffset))
    case 'uint64':
      return joinWords(new Uint32Array(bytes.buffer, bytes.byteOffset), new Uint32Array(bytes.buffer, bytes.byteOffset))
    case 'int32':
      return Float64Array.from(new Int32Array(...at))
    case 'uint32':
      return Float64Array.from(new Uint32Array(...at))
    case 'int16':
      return Float64Array.from(new Int16Array(...at))
    case 'uint16':
      return Float64Array.from(new Uint16Array(...at))
    case 'int8':
      return Float64Array.from(new Int8Array(...at))
    case 'uint8':
    case 'bool':
      return Float64Array.from(bytes)
    default:
      throw new Error(`no numbers in ${dtype}`)
  }
}

/** 64-bit whole numbers from pairs of words, rounded where a double must; forty times as fast as by way of bigint. */
function joinWords(low: Uint32Array, high: Uint32Array | Int32Array): Float64Array {
  const joined = new Float64Array(low.length / 2)
  for (let i = 0; i < joined.length; i++) joined[i] = (high[2 * i + 1] as number) * 2 ** 32 + (low[2 * i] as number)
  return joined
}

/** IEEE 754 binary16. */
function half(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1
  const exponent = (bits >> 10) & 0x1f
  const fraction = bits & 0x3ff
  if (exponent === 0) return sign * fraction * 2 ** -24
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15)
}

/** Text of fixed length, padded with zero bytes; UTF-8, which ASCII is a part of. */
export function decodeText(bytes: Uint8Array, size: number): string[] {
  const texts: string[] = []
  const decoder = new TextDecoder()
  for (let at = 0; at + size <= bytes.length; at += size) {
    const end = bytes.subarray(at, at + size).indexOf(0)
    texts.push(decoder.decode(bytes.subarray(at, end < 0 ? at + size : at + end)))
  }
  return texts
}
