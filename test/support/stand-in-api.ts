/**
 * The API as a gate sees it: real HTTP on a Unix socket, the contract's own schemas, a vault in memory. `down`, `lose` and the
 * answers can be changed while it runs.
 */
import { rmSync } from 'node:fs'
import http, { type IncomingMessage, type ServerResponse } from 'node:http'
import {
  type BeatAnswer,
  type BeatReport,
  type ByeReport,
  beatReport,
  byeReport,
  type GateAnswer,
  type KnockAnswer,
  type ProgressReport,
  progressReport,
  type SavedVersion,
  type Work,
} from '../../functions/api/contract/gate.ts'

type Kind = 'labels' | 'genesets'
type Kept = SavedVersion & { content: string; base: string | null }

export type StandInApi = {
  readonly calls: string[]
  readonly progress: ProgressReport[]
  readonly beats: BeatReport[]
  readonly byes: ByeReport[]
  readonly vault: Record<Kind, Kept[]>
  /** Adds a version as a restore or another session would. */
  put(kind: Kind, content: string, requestSha256?: string, savedBy?: string): SavedVersion
  /** Answers of knocks, first to last; the last one stays. */
  knocks: (KnockAnswer | 'work')[]
  loaded: GateAnswer[]
  beat: { status: 'stay' } | { status: 'leave'; reason: string }
  /** Breaks every connection before it did anything. */
  down: boolean
  /** Takes every call, does nothing, answers nothing. */
  silent: boolean
  /** Answers everything with "this session is over". */
  over: boolean
  /** Does what is asked, then breaks the connection instead of answering: the next calls of that method and path. */
  lose: string[]
  /** Answers vault writes with this problem. */
  refuse: { status: number; code: string; detail: string } | null
  /** Runs before a vault write is done. */
  beforePut: (kind: Kind) => Promise<void> | void
  /** Runs when something was done and is not answered yet. */
  beforeAnswer: (call: string) => Promise<void> | void
  readonly work: Work
  close(): Promise<void>
}

export async function startStandInApi(socketPath: string, token: string, work: Work): Promise<StandInApi> {
  const api: StandInApi = {
    calls: [],
    progress: [],
    beats: [],
    byes: [],
    vault: { labels: [], genesets: [] },
    put,
    knocks: ['work'],
    loaded: [{ status: 'stay' }],
    beat: { status: 'stay' },
    down: false,
    silent: false,
    over: false,
    lose: [],
    refuse: null,
    beforePut: () => {},
    beforeAnswer: () => {},
    work,
    close,
  }
  const newest = (kind: Kind) => api.vault[kind].at(-1) ?? null
  const versionOf = (kind: Kind) => newest(kind)?.version ?? null

  function put(kind: Kind, content: string, requestSha256 = 'f'.repeat(64), savedBy = 'Ada'): SavedVersion {
    const base = versionOf(kind)
    const version = String(Number(base ?? 0) + 1)
    const kept = { version, savedAt: 1_700_000_000_000, savedBy, requestSha256, content, base }
    api.vault[kind].push(kept)
    return saved(kept)
  }

  const server = http.createServer((req, res) => {
    answer(req, res).catch((error: unknown) => {
      process.stderr.write(`stand-in API: ${String(error)}\n`)
      send(res, 500, { code: 'internal' })
    })
  })

  async function answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const call = `${req.method} ${req.url}`
    if (api.down) return void req.socket.destroy()
    const body = await read(req)
    api.calls.push(call)
    if (api.silent) return
    if (req.headers.authorization !== `Bearer ${token}`) return send(res, 401, { code: 'not-signed-in' })
    if (api.over) return send(res, 409, { code: 'session-over', detail: 'over' })
    const lost = api.lose.indexOf(call)
    const [status, value] = await perform(req, body)
    await api.beforeAnswer(call)
    if (lost >= 0) {
      api.lose.splice(lost, 1)
      return void req.socket.destroy()
    }
    send(res, status, value)
  }

  async function perform(req: IncomingMessage, body: Buffer): Promise<[number, unknown]> {
    const json: unknown = req.method === 'POST' ? JSON.parse(body.toString() || '{}') : null
    switch (`${req.method} ${req.url}`) {
      case 'POST /gate/knock':
        return [200, knock()]
      case 'POST /gate/progress':
        api.progress.push(progressReport.parse(json))
        return [200, { status: 'stay' } satisfies GateAnswer]
      case 'POST /gate/loaded':
        return [200, api.loaded.length > 1 ? api.loaded.shift() : api.loaded[0]]
      case 'POST /gate/beat':
        api.beats.push(beatReport.parse(json))
        return [200, beat()]
      case 'POST /gate/bye':
        api.byes.push(byeReport.parse(json))
        return [204, null]
    }
    const [, kind, version] = /^\/gate\/vault\/(labels|genesets)(?:\/(.+))?$/.exec(req.url ?? '') ?? []
    if (kind !== 'labels' && kind !== 'genesets') return [404, { code: 'not-found' }]
    if (req.method === 'GET') {
      const kept = api.vault[kind].find((one) => one.version === version)
      return kept ? [200, Buffer.from(kept.content)] : [404, { code: 'not-found' }]
    }
    return write(kind, req, body)
  }

  async function write(kind: Kind, req: IncomingMessage, body: Buffer): Promise<[number, unknown]> {
    await api.beforePut(kind)
    if (api.refuse) return [api.refuse.status, api.refuse]
    const match = /^"(\d+)"$/.exec(req.headers['if-match'] ?? '')?.[1]
    const base = req.headers['if-none-match'] === '*' ? null : match
    const hash = req.headers['x-request-sha256']
    if (base === undefined || typeof hash !== 'string' || !/^[0-9a-f]{64}$/.test(hash))
      return [400, { code: 'bad-request' }]
    const latest = newest(kind)
    if (base !== versionOf(kind)) return [412, { code: 'base-mismatch', latest: latest && saved(latest) }]
    return [200, put(kind, body.toString(), hash)]
  }

  function knock(): KnockAnswer {
    const next = api.knocks.length > 1 ? api.knocks.shift() : api.knocks[0]
    if (next !== 'work' && next !== undefined) return next
    const versions = { labelsVersion: versionOf('labels'), geneSetsVersion: versionOf('genesets') }
    return { status: 'work', work: { ...api.work, ...versions } }
  }

  function beat(): BeatAnswer {
    if (api.beat.status === 'leave') return api.beat
    return { status: 'stay', labelsVersion: versionOf('labels'), geneSetsVersion: versionOf('genesets') }
  }

  async function close(): Promise<void> {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()))
    server.closeAllConnections()
    await closed
  }

  rmSync(socketPath, { force: true })
  await new Promise<void>((resolve) => server.listen(socketPath, resolve))
  return api
}

const saved = ({ version, savedAt, savedBy, requestSha256 }: SavedVersion): SavedVersion => ({
  version,
  savedAt,
  savedBy,
  requestSha256,
})

async function read(req: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = []
  for await (const part of req as AsyncIterable<Buffer>) parts.push(part)
  return Buffer.concat(parts)
}

function send(res: ServerResponse, status: number, value: unknown): void {
  if (res.destroyed) return
  if (value === null) return void res.writeHead(status).end()
  const body = Buffer.isBuffer(value) ? value : Buffer.from(JSON.stringify(value))
  res.writeHead(status, { 'content-type': 'application/json', 'content-length': body.length }).end(body)
}
