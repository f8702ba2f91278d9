/**
 * A small world for the browser test: the real lobby, real cellxgene processes, and stand-ins for what is not ours — the app
 * that gives tickets, the launcher, and a gate that checks cookies and headers and counts vault versions.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { getRequestListener } from '@hono/node-server'
import { jwtVerify } from 'jose'
import { toProblem } from '../../functions/api/problem.ts'
import { type Keys, loadKeys, newSigningJwk } from '../../functions/auth/keys.ts'
import { issueTicket } from '../../functions/auth/tickets.ts'
import { defaultLimits, type Limits } from '../../functions/core/limits.ts'
import type { User } from '../../functions/core/principal.ts'
import type { Session } from '../../functions/core/session.ts'
import { loadLobbyAssets } from '../../functions/lobby/assets.ts'
import { createLobby } from '../../functions/lobby/lobby.ts'
import { freePort } from '../support/free-port.ts'
import { type FakeLauncher, fakeLauncher } from './fake-launcher.ts'

const root = join(import.meta.dirname, '..', '..')
const clock = { now: () => Date.now() }

export const ada: User = {
  kind: 'user',
  id: 'local:ada',
  name: 'ada',
  email: null,
  groups: [],
  admin: false,
  loginId: 'login-1',
}

export type World = {
  launcher: FakeLauncher
  appOrigin: string
  viewOrigin: string
  /** Logins that stand. */
  logins: Set<string>
  versions: { labels: number; genesets: number }
  /** Every save the gate was asked for: its base and how it ended. */
  saves: { kind: string; base: string; status: number }[]
  /** Reports of use. */
  active: number
  /** A call of cellxgene that kills its viewer, path and query below the route. */
  poison: ((call: string) => boolean) | null
  /** How the launcher keeps work beside what is there; null: the lobby's own answer. */
  onMerge: ((asked: { kind: string; headers: IncomingMessage['headers']; body: Buffer }) => object) | null
  /** How often the viewer was told to read anew. */
  looks: number
  killViewer(): void
  /** Viewers that start from now on do not become ready before this is called: what a page says meanwhile can be read. */
  hold(): () => void
  viewerPids: number[]
  close(): Promise<void>
}

export type WorldOptions = {
  python: string
  data: string
  kept: string
  limits?: Partial<Limits>
  startDelayMs?: number
}

export async function createWorld(options: WorldOptions): Promise<World> {
  const keys = await loadKeys(await newSigningJwk())
  const limits: Limits = { ...defaultLimits, ...options.limits }
  const viewers = new Map<string, { child: ChildProcess; port: number }>()
  const servers: Server[] = []
  const spent = new Set<string>()
  let held: Promise<void> = Promise.resolve()
  const launcher = fakeLauncher(clock.now, (session) => void startViewer(session))

  const app = await listen('localhost', (req, res) => {
    // What `/open/<dataset>` of the app does for somebody signed in.
    const url = new URL(req.url ?? '', 'http://app')
    const pageId = url.pathname.split('/')[2] ?? ''
    if (!url.pathname.startsWith('/open/'))
      return void res.writeHead(200, { 'content-type': 'text/html' }).end('the app')
    world.logins.add('login-1')
    const claim = { ownerId: ada.id, ownerName: ada.name, loginId: 'login-1', pageId }
    void issueTicket(claim, url.searchParams.get('nonce') ?? '', { keys, clock, viewOrigin: world.viewOrigin }).then(
      (ticket) => res.writeHead(302, { location: `${world.viewOrigin}/v/${pageId}/-/enter?ticket=${ticket}` }).end(),
    )
  })
  const view = await listen('127.0.0.1', (req, res) => {
    const id = /^\/s\/([^/]+)\//.exec(req.url ?? '')?.[1]
    const merged = /^\/v\/pbmc\/-\/merge\/(\w+)$/.exec(req.url ?? '')?.[1]
    if (merged && world.onMerge) void merge(merged, req, res)
    else if (id === undefined) void lobby(req, res)
    else void gate(id, req, res)
  })

  const world: World = {
    launcher,
    appOrigin: `http://localhost:${app}`,
    viewOrigin: `http://127.0.0.1:${view}`,
    logins: new Set(['login-1']),
    versions: { labels: 0, genesets: 0 },
    saves: [],
    active: 0,
    poison: null,
    onMerge: null,
    looks: 0,
    viewerPids: [],
    killViewer() {
      for (const { child } of viewers.values()) child.kill('SIGKILL')
    },
    hold() {
      let release = () => {}
      held = new Promise((resolve) => {
        release = resolve
      })
      return release
    },
    async close() {
      world.killViewer()
      for (const server of servers) {
        server.closeAllConnections()
        await new Promise((resolve) => server.close(resolve))
      }
    },
  }
  const assets = await loadLobbyAssets({ serverDir: await serverDir(options.python), webDir: join(root, 'web') })
  const lobby = getRequestListener(
    createLobby({
      launcher,
      checkLogin: async (loginId, ownerId) => (world.logins.has(loginId) && ownerId === ada.id ? ada : null),
      whyOver: async () => null,
      once: { spend: async (key) => !spent.has(key) && Boolean(spent.add(key)) },
      keys,
      clock,
      log: () => {},
      assets,
      appOrigin: world.appOrigin,
      viewOrigin: world.viewOrigin,
      limits,
      problem: (error, at) => toProblem(error, { ...at, log: (_level, event, fields) => console.error(event, fields) }),
    }).fetch,
  )

  async function startViewer(session: Session): Promise<void> {
    const { ownerId, datasetId } = session
    const sizeBytes = launcher.datasets.get(datasetId)?.sizeBytes ?? 0
    await new Promise((resolve) => setTimeout(resolve, options.startDelayMs ?? 0))
    const port = await freePort()
    const child = spawn(
      options.python,
      [join(root, 'test/lobby/viewer.py'), options.data, String(port), options.kept],
      {
        stdio: 'ignore',
      },
    )
    viewers.set(session.id, { child, port })
    if (child.pid) world.viewerPids.push(child.pid)
    const progress = { stage: 'loading', doneBytes: sizeBytes, totalBytes: sizeBytes, at: clock.now() } as const
    launcher.change(ownerId, datasetId, { progress })
    child.on('exit', () => {
      viewers.delete(session.id)
      if (launcher.session(ownerId, datasetId)?.id !== session.id) return
      const ending = { cause: 'task-lost', detail: null, at: clock.now() } as const
      launcher.change(ownerId, datasetId, { state: 'failed', ending })
    })
    while (viewers.has(session.id)) {
      const up = await fetch(`http://127.0.0.1:${port}/health`).catch(() => null)
      if (up?.ok) {
        await held
        if (!viewers.has(session.id)) return
        launcher.change(ownerId, datasetId, { state: 'ready', readyAt: clock.now(), lastActiveAt: clock.now() })
        return
      }
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }

  async function merge(kind: string, req: IncomingMessage, res: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of req) chunks.push(Buffer.from(chunk as Uint8Array))
    const answer = world.onMerge?.({ kind, headers: req.headers, body: Buffer.concat(chunks) })
    res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer))
  }

  async function gate(id: string, req: IncomingMessage, res: ServerResponse): Promise<void> {
    const viewer = viewers.get(id)
    const refuse = (status: number, body: object = {}, headers: Record<string, string> = {}) =>
      void res.writeHead(status, { 'content-type': 'application/problem+json', ...headers }).end(JSON.stringify(body))
    if (!viewer) return refuse(202, {}, { 'x-cxod-viewer': 'none' })
    if (!(await cookieFits(req, keys, id))) return refuse(401, { code: 'not-signed-in' })
    const rest = (req.url ?? '').slice(`/s/${id}`.length)
    if (rest === '/-/active') {
      world.active++
      launcher.change(ada.id, 'pbmc', { lastActiveAt: clock.now() })
      return void res.writeHead(204, { 'x-cxod-labels-version': String(world.versions.labels || 'none') }).end()
    }
    if (rest === '/-/look') {
      world.looks++
      return void res.writeHead(204).end()
    }
    if (world.poison?.(rest)) {
      viewer.child.once('exit', () => refuse(202, {}, { 'x-cxod-viewer': 'none' }))
      return void viewer.child.kill('SIGKILL')
    }
    if (req.headers['x-cxod-owner'] !== ada.id) return refuse(409, { code: 'owner-changed' })
    if (req.headers['x-cxod-dataset-version'] !== launcher.datasets.get('pbmc')?.version)
      return refuse(409, { code: 'dataset-changed' })
    const kind = /^\/api\/v0\.2\/(schema|annotations\/obs)/.test(rest)
      ? 'labels'
      : rest.includes('/genesets')
        ? 'genesets'
        : null
    const newest = kind && String(world.versions[kind] || 'none')
    const base = String(req.headers['x-cxod-base'])
    const save = req.method === 'PUT' ? kind : null
    if (save && base !== newest) {
      world.saves.push({ kind: save, base, status: 412 })
      const latest = { version: newest, savedAt: clock.now() - 180_000, savedBy: 'ada' }
      return refuse(412, { code: 'base-mismatch', latest })
    }
    const forward = request(
      { host: '127.0.0.1', port: viewer.port, path: rest, method: req.method, headers: { ...req.headers, cookie: '' } },
      (answer) => {
        const headers = { ...answer.headers }
        if (save && answer.statusCode === 200) world.versions[save]++
        if (save) world.saves.push({ kind: save, base, status: answer.statusCode ?? 0 })
        if (kind) headers[`x-cxod-${kind}-version`] = String(world.versions[kind] || 'none')
        res.writeHead(answer.statusCode ?? 502, headers)
        answer.pipe(res)
      },
    )
    forward.on('error', () => (res.headersSent ? res.destroy() : refuse(502)))
    req.pipe(forward)
  }

  async function listen(host: string, handle: (req: IncomingMessage, res: ServerResponse) => void): Promise<number> {
    const server = createServer(handle)
    servers.push(server)
    await new Promise<void>((resolve) => server.listen(0, host, resolve))
    return (server.address() as AddressInfo).port
  }
  return world
}

async function cookieFits(req: IncomingMessage, keys: Keys, sessionId: string): Promise<boolean> {
  const token = /(?:^|; )cxod-route=([^;]+)/.exec(req.headers.cookie ?? '')?.[1] ?? ''
  try {
    const { payload } = await jwtVerify(token, keys.publicKey, { audience: 'route', algorithms: ['EdDSA'] })
    return payload.ses === sessionId && payload.sub === ada.id
  } catch {
    return false
  }
}

/** Where cellxgene's package `server` lies, as the Python that runs it says. */
export async function serverDir(python: string): Promise<string> {
  const child = spawn(python, [
    '-c',
    'import importlib.util as u; print(u.find_spec("server").submodule_search_locations[0])',
  ])
  let out = ''
  for await (const chunk of child.stdout) out += String(chunk)
  const dir = out.trim()
  if (!existsSync(dir)) throw new Error(`${python} has no cellxgene`)
  return dir
}
