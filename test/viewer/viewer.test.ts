/** Runs the viewer's own tests, which are Python's unittest, in the environment that the viewer itself gets. */
import { spawn } from 'node:child_process'
import { readdirSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { testPython, testSample } from '../support/tools.ts'

const files = readdirSync(import.meta.dirname).filter((name) => /^test_.*\.py$/.test(name))

/** Ends with unittest's summary; standard output and error together, as a person would read them. */
async function runPython(file: string): Promise<{ code: number | null; said: string }> {
  const args = ['-I', path.join(import.meta.dirname, 'run.py'), file.replace(/\.py$/, '')]
  const child = spawn(testPython(), args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH, CXOD_TEST_SAMPLE: testSample() },
  })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (said += text))
  const code = await new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve))
  return { code, said }
}

// A whole file of tests, each of which starts viewers: minutes on a busy machine.
test.each(files)('%s', { timeout: 600_000 }, async (file) => {
  const { code, said } = await runPython(file)
  // "Ran 0 tests" is a success for unittest.
  expect(Number(/^Ran (\d+) tests? in/m.exec(said)?.[1] ?? 0), said).toBeGreaterThan(0)
  expect(code, said).toBe(0)
})
