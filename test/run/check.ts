/** `npm test`: everything that must hold, one step after the other, closed by the plain line `N passed, N failed`. */
import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import path from 'node:path'
import { build } from '../../functions/setup/build.mjs'
import { projectRoot } from '../../functions/setup/python.ts'
import { SetupError, say } from '../../functions/setup/words.mjs'
import { ensurePlatform } from '../infra/graph.ts'
import { documentsDrift } from './documents.ts'
import { spawnVisible } from './spawn-visible.ts'
import { ensureTools } from './tools.ts'

type Counts = { passed: number; failed: number; skipped: number }
type Step = { name: string; run(): Promise<Counts> }

const root = projectRoot()
const counts: Counts = { passed: 0, failed: 0, skipped: 0 }
const modules = path.join(root, 'node_modules')

/** A program that says yes or no counts as one test. */
const program = (name: string, script: string, args: readonly string[]): Step => ({
  name,
  run: async () => ((await spawnVisible(process.execPath, [path.join(modules, script), ...args])) === 0 ? one : none),
})
const one: Counts = { passed: 1, failed: 0, skipped: 0 }
const none: Counts = { passed: 0, failed: 1, skipped: 0 }

const steps: readonly Step[] = [
  program('format and lint', '@biomejs/biome/bin/biome', ['check', '--error-on-warnings']),
  program('types', 'typescript/bin/tsc', ['--noEmit', '-p', '.']),
  program('types of the companion', 'typescript/bin/tsc', ['--noEmit', '-p', 'web/companion']),
  program('types of the islands', 'typescript/bin/tsc', ['--noEmit', '-p', 'web/islands']),
  { name: 'types of the infrastructure', run: () => ensurePlatform().then(infraTypes) },
  { name: 'programs', run: () => build(root).then(() => one) },
  { name: 'generated documents', run: async () => (drift() ? none : one) },
  { name: 'tests', run: tests },
]

/** Against SST's own types, which `sst install` brings. */
async function infraTypes(): Promise<Counts> {
  const tsc = path.join(modules, 'typescript/bin/tsc')
  return (await spawnVisible(process.execPath, [tsc, '-p', 'infra'])) === 0 ? one : none
}

function drift(): boolean {
  const problems = documentsDrift(root)
  for (const problem of problems) say(problem)
  return problems.length > 0
}

/** Counts come from vitest's own report: its exit code alone would hide a run without tests. */
async function tests(): Promise<Counts> {
  const report = path.join(root, '.cache', 'vitest.json')
  rmSync(report, { force: true })
  const args = ['run', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`, ...chosen]
  const code = await spawnVisible(process.execPath, [path.join(modules, 'vitest/vitest.mjs'), ...args], {
    ...process.env,
    ...found,
  })
  const said = read(report)
  if (said === null) return none
  const total: Counts = { passed: said.numPassedTests, failed: said.numFailedTests, skipped: said.numPendingTests }
  // A file that does not load, or an error outside a test, has no failed test of its own.
  if (code !== 0 && total.failed === 0) total.failed = Math.max(1, said.numFailedTestSuites)
  if (total.passed + total.failed === 0) {
    say('No test ran.')
    total.failed = 1
  }
  return total
}

type Report = Record<'numPassedTests' | 'numFailedTests' | 'numPendingTests' | 'numFailedTestSuites', number>

function read(file: string): Report | null {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Report
  } catch {
    return null
  }
}

const args = process.argv.slice(2)
const setupOnly = args.includes('--setup')
/** Further words choose test files, as vitest does; then the other steps are left out. */
const chosen = args.filter((word) => word !== '--setup')
let found: Readonly<Record<string, string>> = {}

const inWords = (error: unknown): string =>
  error instanceof SetupError ? error.message : String(error instanceof Error ? error.stack : error)

async function check(): Promise<void> {
  mkdirSync(path.join(root, '.cache'), { recursive: true })
  found = await ensureTools()
  if (setupOnly) return
  for (const step of chosen.length > 0 ? steps.slice(-1) : steps) {
    const started = performance.now()
    say(`\n── ${step.name}`)
    const result = await step.run().catch((error: unknown) => {
      say(inWords(error))
      return none
    })
    say(
      `── ${step.name}: ${result.failed === 0 ? 'passed' : 'FAILED'} in ${((performance.now() - started) / 1000).toFixed(1)} s`,
    )
    for (const key of ['passed', 'failed', 'skipped'] as const) counts[key] += result[key]
  }
}

await check().catch((error: unknown) => {
  counts.failed += 1
  say(inWords(error))
})
if (!setupOnly || counts.failed > 0) {
  const skipped = counts.skipped > 0 ? `, ${counts.skipped} skipped` : ''
  process.stdout.write(`\n${counts.passed} passed, ${counts.failed} failed${skipped}\n`)
}
process.exitCode = counts.failed === 0 ? 0 : 1
