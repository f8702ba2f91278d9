/** Folders that can't be used are refused in words, before anything is started. */
import { chmodSync, chownSync, existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { ensureFolders } from '../../functions/setup/folders.ts'
import { SetupError } from '../../functions/setup/words.mjs'
import { scratch } from './scratch.ts'

const as = (dir: string, dataIsDefault = false) => ({
  dataDir: path.join(dir, 'data'),
  stateDir: path.join(dir, 'state'),
  dataIsDefault,
})

describe('folders', () => {
  it('of the defaults are made, the state folder for its owner alone', () => {
    const dir = scratch()
    ensureFolders(as(dir, true))
    expect(existsSync(path.join(dir, 'data/public'))).toBe(true)
    expect(statSync(path.join(dir, 'state')).mode & 0o777).toBe(0o700)
  })

  it('that somebody named must be there: a slip, or a disk that is not mounted', () => {
    expect(() => ensureFolders(as(scratch()))).toThrow(/data folder .* can't be read: it does not exist. .*--data DIR/)
  })

  it('that are files are refused', () => {
    const dir = scratch()
    writeFileSync(path.join(dir, 'data'), '')
    expect(() => ensureFolders(as(dir))).toThrow(/data folder .* is a file/)
    writeFileSync(path.join(dir, 'state2'), '')
    mkdirSync(path.join(dir, 'data2'))
    const wrong = { dataDir: path.join(dir, 'data2'), stateDir: path.join(dir, 'state2'), dataIsDefault: false }
    expect(() => ensureFolders(wrong)).toThrow(/state folder .* can't be written: there is a file of that name/)
  })

  it.runIf(existsSync('/proc/self'))('that can’t be made there are refused, and not tried for ever', () => {
    const wrong = { ...as(scratch(), true), stateDir: '/proc/nothing/state' }
    expect(() => ensureFolders(wrong)).toThrow(/state folder \/proc\/nothing\/state can't be written: .*--state DIR/)
  })

  it('for the state that were open to others are closed, with a word', () => {
    const dir = scratch()
    const { stateDir } = as(dir)
    mkdirSync(path.join(dir, 'data'))
    mkdirSync(path.join(stateDir, 'vault'), { recursive: true })
    chmodSync(stateDir, 0o777)
    const said = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
    ensureFolders(as(dir))
    ensureFolders(as(dir))
    const words = said.mock.calls.map(([text]) => String(text))
    said.mockRestore()
    expect(words).toEqual([expect.stringMatching(/open to other users .*mode 777.*closed now/)])
    expect(statSync(stateDir).mode & 0o777).toBe(0o700)
  })

  it.runIf(process.getuid?.() === 0)(
    'for the state that are another’s, or hold what another put there, are refused',
    () => {
      const dir = scratch()
      const { stateDir } = as(dir)
      mkdirSync(path.join(dir, 'data'))
      mkdirSync(path.join(stateDir, 'secrets'), { recursive: true })
      chownSync(path.join(stateDir, 'secrets'), 65534, 65534)
      chmodSync(stateDir, 0o707)
      expect(() => ensureFolders(as(dir))).toThrow(/somebody else has: secrets/)
      chownSync(path.join(stateDir, 'secrets'), 0, 0)
      chownSync(stateDir, 65534, 65534)
      expect(() => ensureFolders(as(dir))).toThrow(/belongs to another user \(number 65534\)/)
    },
  )

  // root may do everything; there is nothing to refuse.
  it.skipIf(process.getuid?.() === 0)('without permission are refused', () => {
    const dir = scratch()
    mkdirSync(path.join(dir, 'data'))
    chmodSync(path.join(dir, 'data'), 0)
    expect(() => ensureFolders(as(dir))).toThrow(SetupError)
    chmodSync(path.join(dir, 'data'), 0o700)
    chmodSync(dir, 0o500)
    expect(() => ensureFolders({ ...as(dir), stateDir: path.join(dir, 'other') })).toThrow(/state folder/)
    chmodSync(dir, 0o700)
  })
})
