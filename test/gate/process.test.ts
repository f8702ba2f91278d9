/** The gate as a process, bundled as it is shipped: its configuration, its exit codes, its size. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import type { Work } from '../../functions/api/contract/gate.ts'
import { parseConfig, readConfig } from '../../functions/gate/config.ts'
import { bundleProgram } from '../support/bundle-program.ts'
import { freePort } from '../support/free-port.ts'
import { startStandInApi } from '../support/stand-in-api.ts'
import { tempDir } from '../support/temp-dir.ts'
import { shortTempDir } from './short-temp-dir.ts'
import { send, until } from './world.ts'

const bundles = tempDir()
const root = join(import.meta.dirname, '../..')
let gate = ''
let viewer = ''
beforeAll(async () => {
  gate = await bundleProgram(join(root, 'functions/gate/main.ts'), bundles)
  viewer = await bundleProgram(join(root, 'test/support/stand-in-viewer-main.ts'), bundles)
})

function start(args: string[], options: { env?: Record<string, string>; fd3?: string } = {}) {
  const child: ChildProcess = spawn(process.execPath, args, {
    stdio: ['ignore', 'pipe', 'pipe', options.fd3 === undefined ? 'ignore' : 'pipe'],
    env: { PATH: process.env.PATH, ...options.env },
  })
  const pipe = child.stdio[3]
  if (options.fd3 !== undefined && pipe && 'end' in pipe) pipe.end(options.fd3)
  let text = ''
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (part) => (text += String(part)))
  // Not `exit`: what it said last may come after that.
  const exited = new Promise<number | string | null>((resolve) => {
    child.once('close', (code, signal) => resolve(signal ?? code))
  })
  onTestFinished(async () => {
    child.kill('SIGKILL')
    await exited
  })
  return { child, exited, output: () => text }
}

async function startTask() {
  const dir = shortTempDir()
  const taskDir = join(dir, 't')
  mkdirSync(taskDir, { mode: 0o700 })
  const path = join(dir, 'data.h5ad')
  writeFileSync(path, 'content')
  const work: Work = {
    sessionId: 's1',
    ownerId: 'o',
    ownerName: 'Ada',
    mode: 'annotate',
    datasetId: 'd',
    datasetVersion: 'v',
    title: 'T',
    routePath: '/s/x/',
    file: { kind: 'path', path, sizeBytes: 7 },
    distribution: null,
    labelsVersion: null,
    geneSetsVersion: null,
    limits: { diffexpCells: 10, apiSilenceMs: 60_000, beatMs: 20 },
    routeKey: { kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' },
    endsAt: Date.now() + 3_600_000,
  }
  const api = await startStandInApi(join(dir, 'api.sock'), 'gate-token', work)
  onTestFinished(() => api.close())
  const socket = (name: string) => join(taskDir, name)
  const config = {
    sessionId: 's1',
    apiUrl: `unix:${join(dir, 'api.sock')}`,
    token: 'gate-token',
    listen: `unix:${socket('gate.sock')}`,
    viewer: `unix:${socket('viewer.sock')}`,
    taskSocket: socket('task.sock'),
    taskDir,
  }
  const viewerArgs = [viewer, '--task-socket', config.taskSocket, '--listen', config.viewer, '--memory-mib', '512']
  return { api, config, viewer: start(viewerArgs) }
}

describe('the process', () => {
  test('reads its configuration from a descriptor, serves, and exits 0 on SIGTERM after its goodbye', async () => {
    const { api, config } = await startTask()
    const { child, exited, output } = start([gate], { env: { GATE_CONFIG_FD: '3' }, fd3: JSON.stringify(config) })
    await until(() => api.beats.length > 0)
    expect((await send(config.listen.slice(5), '/s/x/-/health', {})).status).toBe(200)
    expect((await send(config.listen.slice(5), '/s/x/api/v0.2/schema', {})).status).toBe(401)
    const environment = readFileSync(`/proc/${child.pid}/environ`, 'utf8')
    expect(environment).not.toContain('gate-token')
    child.kill('SIGTERM')
    expect(await exited).toBe(0)
    expect(api.byes).toEqual([{ cause: 'told', detail: null }])
    expect(output()).not.toContain('gate-token')
    expect(statSync(config.taskDir).isDirectory()).toBe(true)
  })

  test('reads it from the environment as well, and exits 0 when its viewer is killed', async () => {
    const task = await startTask()
    const { exited } = start([gate], { env: { GATE_CONFIG: JSON.stringify(task.config) } })
    await until(() => task.api.beats.length > 0)
    task.viewer.child.kill('SIGKILL')
    expect(await exited).toBe(0)
    expect(task.api.byes.map(({ cause }) => cause)).toEqual(['viewer-lost'])
  })

  test('in a container: makes the folder of its sockets, and listens on every address', async () => {
    const task = await startTask()
    const port = await freePort()
    const folder = join(task.config.taskDir, 'v')
    const listen = `tcp:0.0.0.0:${port}`
    const viewerSocket = join(folder, 'viewer.sock')
    const config = { ...task.config, listen, viewer: `unix:${viewerSocket}`, taskSocket: join(folder, 'task.sock') }
    task.viewer.child.kill('SIGKILL')
    // The viewer first, as a task definition starts them: it waits for the gate.
    const viewerArgs = [viewer, '--task-socket', config.taskSocket, '--listen', config.viewer]
    start([...viewerArgs, '--memory-mib', '512'])
    const gateProcess = start([gate], { env: { GATE_CONFIG: JSON.stringify(config) } })
    await until(() => task.api.beats.length > 0)
    expect(statSync(folder).mode & 0o777).toBe(0o700)
    const up = await fetch(`http://127.0.0.1:${port}/-/health`)
    expect([up.status, await up.text()]).toEqual([200, 'ok'])
    gateProcess.child.kill('SIGTERM')
    expect(await gateProcess.exited).toBe(0)
    await expect(fetch(`http://127.0.0.1:${port}/-/health`)).rejects.toThrow()
  })

  test('on a volume that is not its own says so and exits 1', async () => {
    const { config } = await startTask()
    writeFileSync(join(config.taskDir, 'v'), 'in the way')
    const taskSocket = join(config.taskDir, 'v', 'v', 'task.sock')
    const { exited, output } = start([gate], { env: { GATE_CONFIG: JSON.stringify({ ...config, taskSocket }) } })
    expect(await exited).toBe(1)
    expect(output()).toMatch(/can't be made \(ENOTDIR\).*volume must belong to/)
  })

  test.each([
    ['nothing', {}, /GATE_CONFIG/],
    ['no JSON', { GATE_CONFIG: 'secret{' }, /not JSON/],
    [
      'half of it',
      { GATE_CONFIG: '{"sessionId":"s","token":"secret"}' },
      /apiUrl, listen, viewer, taskSocket, taskDir/,
    ],
    ['a descriptor that is not there', { GATE_CONFIG_FD: '9' }, /descriptor 9/],
    ['a descriptor that is no number', { GATE_CONFIG_FD: '0' }, /number/],
  ])('told %s exits 1 with one clear line', async (_name, env, words) => {
    const { exited, output } = start([gate], { env })
    expect(await exited).toBe(1)
    expect(output()).toMatch(words)
    expect(output()).not.toContain('secret')
    expect(output().trim().split('\n').length).toBe(1)
  })

  test('is one small file without zod or a cloud SDK', () => {
    const text = readFileSync(gate, 'utf8')
    expect(text.length).toBeLessThan(300_000)
    expect(text).not.toMatch(/ZodError|@aws-sdk|smithy/)
  })
})

describe('the configuration', () => {
  const good = {
    sessionId: 's',
    apiUrl: 'https://api.example/prefix',
    token: 't',
    listen: 'tcp:0.0.0.0:8080',
    viewer: 'http://127.0.0.1:5005',
    taskSocket: '/run/task.sock',
    taskDir: '/run',
  }

  test('knows sockets and ports', () => {
    const parsed = parseConfig(JSON.stringify(good))
    expect([parsed.listen, parsed.viewer]).toEqual([
      { host: '0.0.0.0', port: 8080 },
      { host: '127.0.0.1', port: 5005 },
    ])
    expect(parseConfig(JSON.stringify({ ...good, listen: 'unix:/a b/c' })).listen).toEqual({ socketPath: '/a b/c' })
  })

  test('is taken out of the environment once read', () => {
    const env: Record<string, string | undefined> = { GATE_CONFIG: JSON.stringify(good), PATH: '/bin' }
    expect(readConfig(env).token).toBe('t')
    expect(env).toEqual({ PATH: '/bin' })
    expect(() => readConfig(env)).toThrow(/GATE_CONFIG/)
  })

  test.each(['8080', 'tcp:host', 'tcp:host:99999', 'unix:relative', 'ftp://x:1'])(
    'refuses to listen on %s',
    (listen) => {
      expect(() => parseConfig(JSON.stringify({ ...good, listen }))).toThrow(/listen must be/)
    },
  )
})
