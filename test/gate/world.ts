/** A gate between a stand-in viewer and a stand-in API, on Unix sockets in a folder of its own. */
import { EventEmitter } from 'node:events'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import { join } from 'node:path'
import { deflateSync } from 'node:zlib'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { onTestFinished } from 'vitest'
import type { ByeReport, Work } from '../../functions/api/contract/gate.ts'
import type { GateConfig } from '../../functions/gate/config.ts'
import { run } from '../../functions/gate/run.ts'
import { deferred } from '../../functions/gate/timing.ts'
import type { Tuning } from '../../functions/gate/tuning.ts'
import { type StandInApi, startStandInApi } from '../support/stand-in-api.ts'
import { type StandInViewer, type StandInViewerOptions, startStandInViewer } from '../support/stand-in-viewer.ts'
import { keepOutput } from '../support/suite-record.ts'
import { shortTempDir } from './short-temp-dir.ts'

export const routePath = '/s/01-abc/'
const keys = await generateKeyPair('EdDSA', { extractable: true })
const otherKeys = await generateKeyPair('EdDSA')
export const fileContent = Buffer.from('not really an h5ad, but a file')

export type Claims = { aud?: string; sub?: string; ses?: string; ds?: string; exp?: number }
export type Reply = { status: number; headers: http.IncomingHttpHeaders; body: Buffer }
export type Ask = {
  method?: string
  headers?: http.OutgoingHttpHeaders
  body?: Buffer | string
  cookie?: string | null
  owner?: string | null
  datasetVersion?: string | null
  agent?: http.Agent
  signal?: AbortSignal
}

export type World = {
  dir: string
  config: GateConfig
  api: StandInApi
  viewer: StandInViewer
  /** Resolves when the gate has left. */
  left: Promise<ByeReport>
  signals: EventEmitter
  logged: { event: string; fields?: Record<string, unknown> }[]
  ask(path: string, more?: Ask): Promise<Reply>
  /** As `ask`, on the path as it stands, outside the route too. */
  askRaw(rawPath: string, more?: Ask): Promise<Reply>
  saveLabels(text: string, base: string | null, more?: Ask): Promise<Reply>
  saveGeneSets(text: string, base: string | null, more?: Ask): Promise<Reply>
  cookie(claims?: Claims, sign?: 'right' | 'wrong'): Promise<string>
}

export type WorldOptions = {
  tuning?: Partial<Tuning>
  work?: Partial<Work>
  viewer?: Partial<StandInViewerOptions>
  /** Before the gate starts. */
  prepare?: (api: StandInApi) => void
  /** Do not wait until it serves. */
  early?: boolean
}

const quick: Partial<Tuning> = {
  backoffMs: 5,
  backoffMostMs: 20,
  progressMs: 10,
  // Not one more call because the machine stood still for a moment: calls are counted.
  apiTimeoutMs: 30_000,
  vaultRetryMs: 30_000,
}

export async function startWorld(options: WorldOptions = {}): Promise<World> {
  const dir = shortTempDir()
  const taskDir = join(dir, 't')
  mkdirSync(taskDir, { mode: 0o700 })
  const source = join(dir, 'data.h5ad')
  writeFileSync(source, fileContent)
  const work: Work = {
    sessionId: 'session-1',
    ownerId: 'local:ada',
    ownerName: 'Ada',
    mode: 'annotate',
    datasetId: 'pbmc',
    datasetVersion: 'v-1',
    title: 'PBMC',
    routePath,
    file: { kind: 'path', path: source, sizeBytes: fileContent.length },
    distribution: 'normal',
    labelsVersion: null,
    geneSetsVersion: null,
    limits: { diffexpCells: 1000, apiSilenceMs: 60_000, beatMs: 20 },
    routeKey: { ...(await exportJWK(keys.publicKey)) },
    endsAt: Date.now() + 3_600_000,
    ...options.work,
  }
  const api = await startStandInApi(join(dir, 'api.sock'), 'gate-token', work)
  options.prepare?.(api)
  const config: GateConfig = {
    sessionId: work.sessionId,
    apiUrl: `unix:${join(dir, 'api.sock')}`,
    token: 'gate-token',
    listen: { socketPath: join(taskDir, 'gate.sock') },
    viewer: { socketPath: join(taskDir, 'viewer.sock') },
    taskSocket: join(taskDir, 'task.sock'),
    taskDir,
  }
  const viewer = await startStandInViewer({
    taskSocket: config.taskSocket,
    listen: `unix:${join(taskDir, 'viewer.sock')}`,
    ...options.viewer,
  })
  const signals = new EventEmitter()
  const logged: World['logged'] = []
  const keep = keepOutput('gate')
  const left = run(config, {
    signals,
    tuning: { ...quick, ...options.tuning },
    log: (_level, event, fields) => {
      logged.push(fields ? { event, fields } : { event })
      keep(`${JSON.stringify(logged.at(-1))}\n`)
    },
  })
  onTestFinished(async () => {
    signals.emit('SIGTERM')
    await left
    await viewer.kill()
    await api.close()
  })

  async function cookie(claims: Claims = {}, sign: 'right' | 'wrong' = 'right'): Promise<string> {
    const { sessionId, ownerId, datasetId } = work
    const all = { aud: 'route', sub: ownerId, ses: sessionId, ds: datasetId, exp: soon(), ...claims }
    const { privateKey } = sign === 'right' ? keys : otherKeys
    return `cxod-route=${await new SignJWT(all).setProtectedHeader({ alg: 'EdDSA' }).sign(privateKey)}`
  }
  const good = await cookie()

  const askRaw = (rawPath: string, more: Ask = {}): Promise<Reply> => {
    const { cookie: given = good, owner = work.ownerId, datasetVersion = work.datasetVersion } = more
    const headers: http.OutgoingHttpHeaders = {
      ...(given === null ? {} : { cookie: given }),
      ...(owner === null ? {} : { 'x-cxod-owner': owner }),
      ...(datasetVersion === null ? {} : { 'x-cxod-dataset-version': datasetVersion }),
      ...more.headers,
    }
    return send(join(taskDir, 'gate.sock'), rawPath, { ...more, headers })
  }
  const ask: World['ask'] = (path, more) => askRaw(`${routePath}${path}`, more)
  const save = (path: string, body: Buffer | string, base: string | null, more: Ask = {}) =>
    ask(path, { method: 'PUT', body, ...more, headers: { 'x-cxod-base': base ?? 'none', ...more.headers } })
  const world: World = {
    dir,
    config,
    api,
    viewer,
    left,
    signals,
    logged,
    ask,
    askRaw,
    cookie,
    saveLabels: (text, base, more) => save('api/v0.2/annotations/obs', deflateSync(text), base, more),
    saveGeneSets: (text, base, more) => save('api/v0.2/genesets', text, base, more),
  }
  let gone = false
  void left.then(() => {
    gone = true
  })
  if (options.early) await until(() => gone || existsSync(join(taskDir, 'gate.sock')))
  else await until(() => gone || logged.some(({ event }) => event === 'ready'))
  return world
}

const soon = () => Math.floor(Date.now() / 1000) + 600

export function send(socketPath: string, path: string, ask: Ask): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const { method = 'GET', headers, body, signal } = ask
    const length =
      body === undefined || headers?.['transfer-encoding'] ? {} : { 'content-length': Buffer.byteLength(body) }
    const sent = { ...length, ...headers }
    const req = http.request({ socketPath, path, method, headers: sent, agent: ask.agent ?? false, signal }, (res) => {
      const parts: Buffer[] = []
      res.on('data', (part: Buffer) => parts.push(part))
      res.on('error', reject)
      res.on('end', () => resolve({ status: res.statusCode ?? 0, headers: res.headers, body: Buffer.concat(parts) }))
    })
    req.on('error', reject)
    req.end(body)
  })
}

/** Holds every save on its way to the vault until `go`; `reached` when the first one is there. */
export function holdSaves(world: World): { reached: Promise<void>; go(): void } {
  const [reached, go] = [deferred<void>(), deferred<void>()]
  world.api.beforePut = () => {
    reached.resolve()
    return go.promise
  }
  return { reached: reached.promise, go: () => go.resolve() }
}

export const json = (reply: Reply): Record<string, unknown> =>
  JSON.parse(reply.body.toString()) as Record<string, unknown>

/** Looks until it is so; throws when a test has no time left. */
export async function until(so: () => boolean | Promise<boolean>): Promise<void> {
  const end = performance.now() + 50_000
  while (!(await so())) {
    if (performance.now() > end) throw new Error(`It never was so: ${so.toString()}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
