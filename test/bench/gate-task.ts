/** A gate and a viewer as the task runner starts them, with a stand-in API: what the gate's benchmarks run on. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { projectRoot } from '../../functions/setup/python.ts'
import { type StandInApi, startStandInApi } from '../support/stand-in-api.ts'
import type { Target } from './load.ts'

export type GateTask = {
  /** A call of cellxgene's API through the gate, with everything that it asks for. */
  viaGate(call: string): Target
  direct(call: string): Target
  gatePid: number
  viewerPid: number
  stop(): Promise<void>
}

const routePath = '/s/bench/'

/** @param viewer program and leading arguments; the task's own are appended */
export async function startGateTask(of: {
  dist: string
  sample: string
  viewer: readonly string[]
  /** Port of the gate; null: a Unix socket. */
  port: number | null
}): Promise<GateTask> {
  const dir = mkdtempSync(path.join(tmpdir(), 'cxod-bench-'))
  const taskDir = path.join(dir, 't')
  mkdirSync(taskDir, { mode: 0o700 })
  const { publicKey, privateKey } = await generateKeyPair('EdDSA', { extractable: true })
  const ids = { sessionId: 'bench', ownerId: 'local:bench', datasetId: 'bench' }
  const api = await startStandInApi(path.join(dir, 'api.sock'), 'bench', {
    ...ids,
    ownerName: 'Bench',
    mode: 'annotate',
    datasetVersion: 'v1',
    title: 'Bench',
    routePath,
    file: { kind: 'path', path: of.sample, sizeBytes: statSync(of.sample).size },
    distribution: 'normal',
    labelsVersion: null,
    geneSetsVersion: null,
    limits: { diffexpCells: 100_000, apiSilenceMs: 90_000, beatMs: 15_000 },
    routeKey: { ...(await exportJWK(publicKey)) },
    endsAt: Date.now() + 3_600_000,
  })
  const viewerSocket = path.join(taskDir, 'viewer.sock')
  const gateSocket = path.join(taskDir, 'gate.sock')
  const config = {
    sessionId: 'bench',
    apiUrl: `unix:${path.join(dir, 'api.sock')}`,
    token: 'bench',
    listen: of.port === null ? `unix:${gateSocket}` : `tcp:127.0.0.1:${of.port}`,
    viewer: `unix:${viewerSocket}`,
    taskSocket: path.join(taskDir, 'task.sock'),
    taskDir,
  }
  const [program = '', ...args] = of.viewer
  const own = ['--task-socket', config.taskSocket, '--listen', config.viewer]
  const viewer = spawn(program, [...args, ...own], { stdio: ['ignore', 'ignore', 'ignore'] })
  const gate = spawn(process.execPath, [path.join(of.dist, 'gate.mjs')], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { PATH: process.env.PATH, GATE_CONFIG: JSON.stringify(config) },
  })
  const stop = async () => {
    await end(gate)
    await end(viewer)
    await api.close()
    rmSync(dir, { recursive: true, force: true })
  }
  try {
    await ready(api, [viewer, gate])
  } catch (error) {
    await stop()
    throw error
  }
  const exp = Math.floor(Date.now() / 1000) + 3600
  const claims = { aud: 'route', sub: ids.ownerId, ses: ids.sessionId, ds: ids.datasetId, exp }
  const cookie = `cxod-route=${await new SignJWT(claims).setProtectedHeader({ alg: 'EdDSA' }).sign(privateKey)}`
  const headers = { cookie, 'x-cxod-owner': ids.ownerId, 'x-cxod-dataset-version': 'v1' }
  return {
    viaGate: (call) => ({
      at: of.port === null ? { socketPath: gateSocket } : { host: '127.0.0.1', port: of.port },
      path: `${routePath}api/v0.2/${call}`,
      headers,
    }),
    direct: (call) => ({ at: { socketPath: viewerSocket }, path: `/api/v0.2/${call}` }),
    gatePid: gate.pid ?? 0,
    viewerPid: viewer.pid ?? 0,
    stop,
  }
}

/** The real viewer. */
export const realViewer = (python: string): readonly string[] => [
  python,
  '-I',
  path.join(projectRoot(), 'functions/viewer'),
]

async function ready(api: StandInApi, children: readonly ChildProcess[]): Promise<void> {
  for (let left = 1200; left > 0; left -= 1) {
    if (api.beats.length > 0) return
    if (children.some(({ exitCode, signalCode }) => exitCode !== null || signalCode !== null)) break
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error('The gate or its viewer did not start.')
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), 5_000)
  await exited
  clearTimeout(timer)
}
