/** The cells of dataset versions on disk: the contract, who may read them, and files that are damaged. */
import { readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createCellNames } from '../../../functions/platform/local/cell-names.ts'
import { cellsContract } from '../../contracts/cells.contract.ts'
import { tempDir } from '../../support/temp-dir.ts'

cellsContract('one machine', async (clock) => createCellNames(join(tempDir(), 'cells'), clock))

test('only its owner may read them, and nothing half-written is left', async () => {
  const dir = join(tempDir(), 'cells')
  await createCellNames(dir, { now: () => Date.now() }).put('v1', { names: ['a'], columns: [] })
  expect(readdirSync(dir)).toEqual(['v1.json.gz'])
  expect(statSync(dir).mode & 0o777).toBe(0o700)
  expect(statSync(join(dir, 'v1.json.gz')).mode & 0o777).toBe(0o600)
})

test('a damaged file is no empty list of cells: it says what to do', async () => {
  const dir = join(tempDir(), 'cells')
  const cells = createCellNames(dir, { now: () => Date.now() })
  await cells.put('v1', { names: ['a'], columns: [] })
  writeFileSync(join(dir, 'v1.json.gz'), 'nonsense')
  await expect(cells.get('v1')).rejects.toMatchObject({ code: 'unavailable', message: /delete its file below “cells”/ })
})
