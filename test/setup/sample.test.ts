/** The sample goes into an empty data folder only, and a start without network goes on without it. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ensureSample, fetchSample, sampleName } from '../../functions/setup/sample.ts'
import { testPython, testSample } from '../support/tools.ts'
import { scratch } from './scratch.ts'

const before = { ...process.env }
beforeEach(() => {
  // No network: a download that is tried fails at once.
  process.env.PIP_NO_INDEX = '1'
  delete process.env.PIP_FIND_LINKS
})
afterEach(() => {
  for (const name of ['PIP_NO_INDEX', 'PIP_FIND_LINKS'])
    if (before[name] === undefined) delete process.env[name]
    else process.env[name] = before[name]
})

describe('the sample', () => {
  it('is not tried for where there is a dataset, however deep', async () => {
    const dataDir = scratch()
    mkdirSync(path.join(dataDir, 'lab'))
    writeFileSync(path.join(dataDir, 'lab', 'own.h5ad'), '')
    await ensureSample({ python: '/nowhere', dataDir })
    expect(readdirSync(dataDir)).toEqual(['lab'])
  })

  it('that can’t be had is left out, and the start goes on', async () => {
    const dataDir = scratch()
    mkdirSync(path.join(dataDir, 'public'))
    await ensureSample({ python: testPython(), dataDir })
    expect(readdirSync(path.join(dataDir, 'public'))).toEqual([])
  })

  it('that can’t be had is an error for who needs it, with pip’s own words', async () => {
    const target = path.join(scratch(), sampleName)
    await expect(fetchSample(testPython(), target)).rejects.toThrow(/pip could not fetch the sample[\s\S]*No matching/)
  })

  it('of the tests is a real HDF5 file', () => {
    expect(readFileSync(testSample()).subarray(0, 8).toString('latin1')).toBe('\x89HDF\r\n\x1a\n')
  })
})
