/**
 * The infrastructure as data: the real `sst diff`, run without an account. Pulumi's engine and two calls that SST makes
 * to AWS before it plans are stood in for; everything else is SST's own, down to the bundling of every Lambda.
 */
import { spawn } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { projectRoot } from '../../functions/setup/python.ts'

export type Resource = {
  urn: string
  type: string
  name: string
  /** As handed to the provider; outputs of other resources are already resolved. */
  inputs: Record<string, unknown>
  parent: string
  protect: boolean
}
export type Graph = { stage: string; region: string; resources: Resource[] }

const root = projectRoot()
export const originSecret = 'the-origin-secret-of-the-plan-0123456789'
/** Names of the Lambdas, as in functions/entry. */
export const lambdas = ['api', 'lobby', 'reaper', 'indexer', 'task-events'] as const
const quiet = { SST_SKIP_DEPENDENCY_CHECK: '1', SST_NO_BUN: '1', DO_NOT_TRACK: '1' }
const sst = path.join(root, 'node_modules', '.bin', 'sst')

/** SST's platform with its providers, from the npm registry, into `.sst`; a mark says which version of SST is there. */
export async function ensurePlatform(): Promise<void> {
  const pinned = JSON.parse(readFileSync(path.join(root, 'node_modules/sst/package.json'), 'utf8')) as {
    version: string
  }
  const mark = path.join(root, '.sst', 'installed')
  const wanted = `${pinned.version} ${readFileSync(path.join(root, 'sst.config.ts'), 'utf8').match(/providers: .*/)?.[0]}`
  if (existsSync(mark) && readFileSync(mark, 'utf8') === wanted) return
  // A user without a home has no place of their own for settings either.
  const home = { HOME: process.env.HOME ?? root, XDG_CONFIG_HOME: path.join(root, '.cache', 'sst') }
  const { code, said } = await run(sst, ['install', '--stage', 'check'], { ...process.env, ...quiet, ...home })
  if (code !== 0) throw new Error(`sst install ended with code ${code}:\n${said}`)
  writeFileSync(mark, wanted)
}

/** @param env settings of the deploy, as `CXOD_SLOTS` */
export async function planned(stage: string, env: Record<string, string> = {}): Promise<Graph> {
  await ensurePlatform()
  const home = mkdtempSync(path.join(tmpdir(), 'cxod-sst-'))
  const file = path.join(home, 'graph.json')
  const aws = createServer((request, response) => void bootstrap(request, response))
  try {
    await new Promise<void>((resolve) => aws.listen(0, '127.0.0.1', resolve))
    const { code, said } = await run(sst, ['diff', '--stage', stage, '--json'], {
      PATH: process.env.PATH,
      HOME: home,
      ...quiet,
      SST_SECRET_OriginSecret: originSecret,
      CXOD_LAMBDAS: placeLambdas(home),
      ...env,
      XDG_CONFIG_HOME: home,
      PULUMI_VERSION: placeEngine(home),
      INFRA_GRAPH: file,
      AWS_ENDPOINT_URL: `http://127.0.0.1:${(aws.address() as AddressInfo).port}`,
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
      AWS_REGION: 'us-east-1',
      AWS_EC2_METADATA_DISABLED: 'true',
    })
    if (!existsSync(file)) throw new Error(`sst diff (code ${code}) made no plan; see .sst/log. It said:\n${said}`)
    const { errors, ...graph } = JSON.parse(readFileSync(file, 'utf8')) as Graph & { errors: string[] }
    if (errors.length > 0 || code !== 0) throw new Error(`sst diff (code ${code}):\n${errors.join('\n')}\n${said}`)
    return graph
  } finally {
    aws.closeAllConnections()
    aws.close()
    rmSync(home, { recursive: true, force: true })
  }
}

/** A plan is the same whatever is in a bundle; the real ones are run by test/aws. */
function placeLambdas(home: string): string {
  for (const name of lambdas) {
    mkdirSync(path.join(home, 'lambdas', name), { recursive: true })
    writeFileSync(path.join(home, 'lambdas', name, 'index.mjs'), 'export const handler = async () => {}\n')
  }
  return path.join(home, 'lambdas')
}

/** Where SST looks for pulumi before it downloads one. Returns the version that it must say it has. */
function placeEngine(home: string): string {
  const library = path.join(root, '.sst/platform/node_modules/@pulumi/pulumi/package.json')
  const bin = path.join(home, 'sst', 'bin')
  mkdirSync(bin, { recursive: true })
  const engine = path.join(root, 'test/infra/sst/engine.mjs')
  writeFileSync(path.join(bin, 'pulumi'), `#!/bin/sh\nexec "${process.execPath}" "${engine}" "$@"\n`)
  chmodSync(path.join(bin, 'pulumi'), 0o755)
  return `v${(JSON.parse(readFileSync(library, 'utf8')) as { version: string }).version}`
}

/** What SST asks AWS for before it plans: its own bootstrap, and the state of the stage, of which there is none. */
async function bootstrap(request: IncomingMessage, response: ServerResponse): Promise<void> {
  let body = ''
  for await (const chunk of request) body += chunk
  response.setHeader('connection', 'close')
  if (request.headers['x-amz-target'] === 'AmazonSSM.GetParameter') {
    const { Name } = JSON.parse(body) as { Name: string }
    const registry = '123456789012.dkr.ecr.us-east-1.amazonaws.com/sst-asset'
    const made = {
      version: 1000,
      asset: 'sst-asset',
      state: 'sst-state',
      assetEcrRegistryId: '123456789012',
      assetEcrUrl: registry,
      appsyncHttp: '',
      appsyncRealtime: '',
    }
    const Value = Name === '/sst/bootstrap' ? JSON.stringify(made) : Buffer.from('passphrase').toString('base64')
    response.setHeader('content-type', 'application/x-amz-json-1.1')
    response.end(JSON.stringify({ Parameter: { Name, Type: 'String', Version: 1, Value } }))
  } else if (request.method === 'GET') {
    response.writeHead(404, { 'content-type': 'application/xml' })
    response.end('<?xml version="1.0"?><Error><Code>NoSuchKey</Code><Message>none</Message></Error>')
  } else {
    response.writeHead(501)
    response.end('not expected')
  }
}

function run(program: string, args: string[], env: NodeJS.ProcessEnv): Promise<{ code: number | null; said: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] })
    let said = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (said = (said + text).slice(-4000)))
    child.once('error', reject)
    child.once('close', (code) => resolve({ code, said }))
  })
}
