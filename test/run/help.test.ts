/** What a command does can be asked on a fresh clone, before anything is installed or done. */
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import { projectRoot } from '../../functions/setup/python.ts'

const run = promisify(execFile)
const root = projectRoot()
const { scripts } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as {
  scripts: Record<string, string>
}

it.each(['start', 'test', 'check', 'docs', 'images:check', 'infra:check'])('npm run %s -- --help', async (name) => {
  const [program = '', ...words] = scripts[name]?.split(' ') ?? []
  expect(program).toBe('node')
  const { stdout } = await run(process.execPath, [...words, '--help'], { cwd: root })
  expect(stdout).toMatch(/npm (start|test|run \S+)/)
})
