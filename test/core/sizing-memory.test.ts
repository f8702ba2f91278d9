/** The estimate of a viewer's memory against what real viewers were measured to need; see `estimateMemoryMiB` for how. */
import { expect, test } from 'vitest'
import { estimateMemoryMiB } from '../../functions/core/sizing.ts'

const million = 1e6
/** Obs with six numbers, a category, names; 52 columns of embeddings: bytes per cell. */
const perCell = 6 * 8 + 1 + 80 + 52 * 4
const sparse = (dtype: string, indexBytes = 4) => ({
  cells: 50_000,
  storedValues: 50 * million,
  dtype,
  indexBytes,
  otherBytes: 50_000 * perCell,
})
const dense = (dtype: string) => ({
  cells: 20_000,
  storedValues: 100 * million,
  dtype,
  indexBytes: 0,
  otherBytes: 20_000 * perCell,
})
const oneMore = 50 * million * 8

test.each([
  ['small', { ...sparse('float32'), cells: 2000, storedValues: 400_000, otherBytes: 2000 * perCell }, 203],
  ['csr float32', sparse('float32'), 636],
  ['csr int32', sparse('int32'), 635],
  ['csr float64', sparse('float64'), 835],
  ['csr int64', sparse('int64'), 837],
  ['csr with 64-bit index', sparse('float32', 8), 827],
  ['csr uint16, widened', sparse('uint16'), 905],
  ['csr and a layer', { ...sparse('float32'), otherBytes: 50_000 * perCell + oneMore }, 1019],
  ['100k cells', { ...sparse('float32'), cells: 100_000, storedValues: 1e8, otherBytes: 1e5 * perCell }, 1060],
  ['400k cells', { ...sparse('float32'), cells: 400_000, storedValues: 8e6, otherBytes: 4e5 * perCell }, 557],
  ['dense float32', dense('float32'), 596],
  ['dense float64', dense('float64'), 979],
  ['dense float16, widened', dense('float16'), 778],
  ['dense uint8, widened', dense('uint8'), 683],
])('%s: at most 1 % too little and 12 % too much', (_, shape, measured) => {
  const estimate = estimateMemoryMiB(shape)
  expect(estimate).toBeGreaterThanOrEqual(measured * 0.99)
  expect(estimate).toBeLessThanOrEqual(measured * 1.12)
})
