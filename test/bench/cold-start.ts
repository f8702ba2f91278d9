/**
 * What a Lambda costs before it has done anything: the size of its bundle, and a fresh process that answers its first
 * event, against a Hono app with one route in the same kind of handler. The emulators answer for AWS.
 */
import { spawn } from 'node:child_process'
import { mkdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import { originSecretHeader } from '../../functions/platform/aws/settings.ts'
import { lambdas } from '../../functions/setup/build-aws.mjs'
import { projectRoot } from '../../functions/setup/python.ts'
import { type Account, aDeployment, makeAccount } from '../support/aws-account.ts'
import { builtLambdas } from '../support/built.ts'
import { startMoto } from '../support/moto.ts'
import { startTables } from '../support/tables.ts'
import { type Bench, type Figure, figure, median } from './types.ts'

/** Pairs of one start each, in turn, so that a slow moment of the machine meets both. */
const rounds = 7

/** The first event, as each would meet it. */
function eventFor(name: string, { originSecret }: Account): object {
  const rawPath = name === 'lobby' ? '/v/pbmc/' : '/healthz'
  const http = {
    rawPath,
    rawQueryString: '',
    headers: { host: 'x', [originSecretHeader]: originSecret },
    requestContext: { domainName: 'x', http: { method: 'GET', path: rawPath } },
    isBase64Encoded: false,
  }
  if (name === 'api' || name === 'lobby' || name === 'bare') return http
  return { detail: { startedBy: 'a'.repeat(20), lastStatus: 'STOPPED' }, Records: [] }
}

export const bench: Bench = async ({ cache, say }) => {
  const [moto, tables] = await Promise.all([startMoto(), startTables()])
  try {
    const account = await makeAccount(moto, tables)
    await account.deploy(aDeployment())
    const out = await builtLambdas()
    const bare = await bareHandler(path.join(cache, 'bare'))
    const start = (name: string, file: string) => firstAnswer(file, eventFor(name, account), account.environment)
    const size = (file: string) => gzipSync(readFileSync(file)).byteLength / 1024
    const figures: Figure[] = []
    for (const name of lambdas) {
      const file = path.join(out, name, 'index.mjs')
      await start(name, file)
      const [ours, theirs]: [number[], number[]] = [[], []]
      for (let round = 0; round < rounds; round += 1) {
        ours.push(await start(name, file))
        theirs.push(await start('bare', bare))
      }
      say(
        `${name}: ${ours.map((ms) => Math.round(ms)).join(' ')} ms; a bare handler: ${theirs.map((ms) => Math.round(ms)).join(' ')} ms`,
      )
      figures.push(figure(`${name}: cold start to first answer`, 's', median(ours) / 1000, median(theirs) / 1000))
      figures.push(figure(`${name}: bundle, gzip’d`, 'KiB', size(file), size(bare)))
    }
    return figures
  } finally {
    await Promise.all([moto.stop(), tables.stop()])
  }
}

async function bareHandler(dir: string): Promise<string> {
  mkdirSync(dir, { recursive: true })
  const contents = `import { Hono } from 'hono'
import { handle } from 'hono/aws-lambda'
export const handler = handle(new Hono().get('*', (c) => c.text('ok')))`
  const outfile = path.join(dir, 'index.mjs')
  const stdin = { contents, resolveDir: projectRoot() }
  await build({ stdin, bundle: true, minify: true, platform: 'node', target: 'node20', format: 'esm', outfile })
  return outfile
}

/** From the start of the process to the answer, ms. What AWS adds (fetching the bundle, its own runtime) is the same for both. */
async function firstAnswer(file: string, event: object, env: Record<string, string>): Promise<number> {
  const program = `const { handler } = await import(${JSON.stringify(file)})
await handler(${JSON.stringify(event)}, { getRemainingTimeInMillis: () => 55000 })
process.stdout.write('\\nanswered', () => process.exit(0))`
  const started = performance.now()
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    env: { PATH: process.env.PATH ?? '', AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let said = ''
  let answeredAt = 0
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (text) => {
      said += String(text)
      if (answeredAt === 0 && said.includes('\nanswered')) answeredAt = performance.now()
    })
  await new Promise((resolve) => child.once('close', resolve))
  if (answeredAt === 0) throw new Error(`${file} did not answer: ${said.slice(-500)}`)
  return answeredAt - started
}
