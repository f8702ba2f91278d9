/** `npm test`: everything that must hold, one step after the other, closed by the plain line `N passed, N failed`. */
import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import path from 'node:path'
import { build } from '../../functions/setup/build.mjs'
import { buildAws } from '../../functions/setup/build-aws.mjs'
import { projectRoot, serverDirOf } from '../../functions/setup/python.ts'
import { SetupError, say } from '../../functions/setup/words.mjs'
import { ensurePlatform } from '../infra/graph.ts'
import { suiteVariable } from '../support/suite-record.ts'
import { documentsDrift } from './documents.ts'
import { newSuiteFolder, scanLogs } from './log-secrets.ts'
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
  { name: 'programs', run: programs },
  { name: 'generated documents', run: async () => (drift() ? none : one) },
  { name: 'tests', run: tests },
  { name: 'no log of the tests holds a secret of theirs', run: logSecrets },
]

/** Against SST's own types, which `sst install` brings. */
async function infraTypes(): Promise<Counts> {
  const tsc = path.join(modules, 'typescript/bin/tsc')
  return (await spawnVisible(process.execPath, [tsc, '-p', 'infra'])) === 0 ? one : none
}

/** The Lambdas as well: tests that use them would else wait for one another while the first of them builds. */
async function programs(): Promise<Counts> {
  await build(root)
  await buildAws(root, serverDirOf(found.CXOD_TEST_PYTHON ?? ''))
  return one
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
    [suiteVariable]: suite(),
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

let recorded: string | undefined

/** What the tests use and log goes here until the last step has compared the two. */
function suite(): string {
  recorded ??= newSuiteFolder()
  return recorded
}

async function logSecrets(): Promise<Counts> {
  const { logs, bytes, secrets, findings } = scanLogs(suite())
  for (const { log, line, kind } of findings.slice(0, 50)) say(`${log}, line ${line}: ${kind}`)
  say(`${logs} logs (${Math.ceil(bytes / 1024)} KiB), ${secrets} secrets, ${findings.length} of them found`)
  // Kept when something was found, for who must find out where it came from.
  if (findings.length > 0) say(`The logs are in ${suite()}; delete the folder afterwards: the secrets are there too.`)
  else rmSync(suite(), { recursive: true, force: true })
  // A whole run without either has recorded nothing, and shown nothing.
  const blind = chosen.length === 0 && (logs < 20 || secrets < 100)
  if (blind) say('So few logs or secrets can’t be all that the tests had.')
  return findings.length > 0 || blind ? none : one
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
  for (const step of chosen.length > 0 ? steps.slice(-2) : steps) {
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
