/** Ids, titles and groups from paths. */
import { expect, test } from 'vitest'
import { datasetIds, groupOf, titleOf } from '../../functions/core/dataset-names.ts'

const first = (path: string, n = 1) => {
  const ids: string[] = []
  for (const id of datasetIds(path)) if (ids.push(id) === n) break
  return ids
}

test.each([
  ['public/pbmc68k.h5ad', 'pbmc68k'],
  ['labx/Day 14 (rép 2).H5AD', 'day-14-rep-2'],
  ['labx/deep/er/__x__.h5ad', 'x'],
  ['public/細胞.h5ad', 'dataset'],
  ['public/static.h5ad', 'static-dataset'],
  [`public/${'a'.repeat(60)}.h5ad`, 'a'.repeat(40)],
  [`public/${'a'.repeat(39)} b.h5ad`, 'a'.repeat(39)],
])('%s becomes %s', (path, id) => {
  expect(first(path)).toEqual([id])
})

test('further ids are numbered and keep to one URL segment of 40 characters', () => {
  expect(first('public/a.h5ad', 4)).toEqual(['a', 'a-2', 'a-3', 'a-4'])
  const long = first(`public/${'b'.repeat(60)}.h5ad`, 120)
  expect(new Set(long).size).toBe(120)
  for (const id of long) expect(id).toMatch(/^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?$/)
})

test('the group is the first folder; a file in none has none', () => {
  expect(groupOf('public/a.h5ad')).toBe('public')
  expect(groupOf('labx/2024/a.h5ad')).toBe('labx')
  expect(groupOf('a.h5ad')).toBeNull()
  expect(groupOf('/a.h5ad')).toBeNull()
})

test('the title is the name without its ending', () => {
  expect(titleOf('labx/2024/Day 14.h5ad')).toBe('Day 14')
  expect(titleOf('a.b.H5AD')).toBe('a.b')
})
