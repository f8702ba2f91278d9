/** When npm packages count as missing. */
import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { checkNode } from '../../functions/setup/node-version.mjs'
import { missing } from '../../functions/setup/packages.mjs'
import { projectRoot } from '../../functions/setup/python.ts'
import { scratch } from './scratch.ts'

const wanted = {
  '': { version: '0' },
  'node_modules/a': { version: '1.0.0' },
  'node_modules/t': { version: '2.0.0', dev: true },
  'node_modules/a-darwin': { version: '1.0.0', optional: true },
}

function project(installed: object | null): string {
  const root = scratch()
  writeFileSync(path.join(root, 'package-lock.json'), JSON.stringify({ packages: wanted }))
  if (installed === null) return root
  mkdirSync(path.join(root, 'node_modules'))
  writeFileSync(path.join(root, 'node_modules/.package-lock.json'), JSON.stringify({ packages: installed }))
  return root
}

describe('npm packages', () => {
  const some = { 'node_modules/a': { version: '1.0.0' } }

  it.each([
    ['a fresh clone', null, false, 'none are there yet'],
    ['all that is needed to start', some, false, null],
    ['nothing for development', some, true, 't is missing or another version'],
    ['another version', { 'node_modules/a': { version: '0.9.0' } }, false, 'a is missing or another version'],
  ])('%s', (_, installed, dev, answer) => {
    expect(missing(project(installed), { dev })).toBe(answer)
  })

  it('of this project are there, or this test would not run', () => {
    expect(missing(projectRoot(), { dev: true })).toBeNull()
  })

  it('and Node is checked first', () => {
    expect(() => checkNode('18.20.4')).toThrow(/This is Node 18\.20\.4; Node 20 or newer is needed/)
    expect(() => checkNode('20.0.0')).not.toThrow()
  })
})
