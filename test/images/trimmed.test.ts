/** The viewer's image without what was taken out of it, started and used as a page does, without a container. */
import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { tempDir } from '../support/temp-dir.ts'
import { testPython, testSample } from '../support/tools.ts'

const root = path.resolve(import.meta.dirname, '../..')

function python(...args: string[]): Promise<{ code: number; said: string }> {
  return new Promise((resolve) => {
    const options = { env: { PATH: process.env.PATH, CXOD_TEST_SAMPLE: testSample() }, timeout: 550_000 }
    execFile(testPython(), ['-I', '-B', ...args], options, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : 1, said: `${stdout}${stderr}` }),
    )
  })
}

test('the trimmed viewer does all that a page asks of it', { timeout: 600_000 }, async () => {
  // Beside the environment: hard links can't lead to another disk.
  const folder = mkdtempSync(path.join(path.dirname(path.dirname(testPython())), 'trimmed-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const { code, said } = await python(path.join(import.meta.dirname, 'trimmed_viewer.py'), folder)
  expect(code, said).toBe(0)
  const { plainMB, trimmedMB } = JSON.parse(said.split('\n').find((line) => line.startsWith('{')) ?? '{}') as {
    plainMB: number
    trimmedMB: number
  }
  expect(trimmedMB).toBeLessThan(plainMB / 2)
  expect(trimmedMB).toBeLessThan(280)
})

test('a package that moved ends the trimming, so that a person looks', async () => {
  const trim = path.join(root, 'functions/viewer/image/trim.py')
  const site = tempDir()
  mkdirSync(path.join(site, 'numba'))
  writeFileSync(path.join(site, 'numba/kept.txt'), '')
  const { code, said } = await python(trim, site)
  expect(code).toBe(1)
  // Its record is missing, which alone is reason enough.
  expect(said).toMatch(/^trim\.py: not there, so look where it went: numba, llvmlite, .*botocore\/data/)
  expect(readFileSync(trim, 'utf8')).toContain('"numba"')
})
