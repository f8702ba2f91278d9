/**
 * Stands between AWS's SDKs and the emulators: moto for everything but DynamoDB, which is Amazon's own DynamoDB Local.
 * Counts calls, plays faults on demand, and lets others of the harness answer where moto is known to be unlike AWS.
 */
import http, { type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Answer, type Call, errorAnswer, readCall, throttled } from './call.ts'

export type Effect =
  | { kind: 'throttle' }
  /** The service refuses; nothing has happened. */
  | { kind: 'error'; name: string; message: string; status?: number }
  /** An answer in place of the service's own. */
  | { kind: 'answer'; answer: Answer }
  | { kind: 'delay'; ms: number }
  /** The call takes effect; the connection breaks before its answer. */
  | { kind: 'lost' }
  /** The connection breaks; nothing has happened. */
  | { kind: 'cut' }

export type Fault = {
  /** `ecs.RunTask`, `dynamodb.*`, `*`. */
  on: string
  effect: Effect
  /** How many calls it hits; Infinity: until it is taken away. Default 1. */
  times?: number
  /** Calls that pass before the first that it hits. */
  skip?: number
  /** Only calls of this function. */
  caller?: string
}

export type Injected = { /** Calls hit so far. */ hits(): number; remove(): void }

type Pass = () => Promise<{ status: number; headers: http.IncomingHttpHeaders; body: Buffer }>
/** Null: the emulator's own answer will do. */
export type Playing = (call: Call, pass: Pass) => Promise<Answer | null>
export type Heard = (call: Call, status: number) => void

export type Edge = {
  url: string
  inject(fault: Fault): Injected
  play(on: string, playing: Playing): void
  /** Every call once it was answered. */
  hear(heard: Heard): void
  /** Calls so far: `<caller> <service>.<operation>` → how many. */
  counts(): Record<string, number>
  stop(): Promise<void>
}

const matches = (on: string, call: Call): boolean =>
  on === '*' || on === `${call.service}.*` || on === `${call.service}.${call.operation}`

/** @param to addresses of the emulators */
export async function startEdge(to: { moto: string; dynamodb: string }): Promise<Edge> {
  const faults: (Fault & { left: number; skipped: number; hit: number })[] = []
  const playing = new Map<string, Playing>()
  const ears: Heard[] = []
  const counted = new Map<string, number>()
  const agent = new http.Agent({ keepAlive: true })

  function faultFor(call: Call): Effect | null {
    for (const fault of faults) {
      if (fault.left <= 0 || !matches(fault.on, call)) continue
      if (fault.caller !== undefined && fault.caller !== call.caller) continue
      if (fault.skipped < (fault.skip ?? 0)) {
        fault.skipped++
        continue
      }
      fault.left--
      fault.hit++
      return fault.effect
    }
    return null
  }

  function forward(call: Call): Promise<IncomingMessage> {
    const base = new URL(call.service === 'dynamodb' ? to.dynamodb : to.moto)
    const headers = { ...call.headers }
    // The names by which we tell callers apart: DynamoDB Local would keep a store of its own for each.
    headers.authorization &&= headers.authorization.replace(/Credential=[^/,\s]+\//, 'Credential=test/')
    return new Promise((resolve, reject) => {
      const { hostname: host, port } = base
      const request = http.request({ host, port, agent, method: call.method, path: call.target, headers }, resolve)
      request.once('error', reject)
      request.end(call.body)
    })
  }

  async function handle(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const body = await bodyOf(req)
    const call = readCall({ method: req.method ?? '', target: req.url ?? '', headers: req.headers, body })
    const name = `${call.caller} ${call.service}.${call.operation}`
    counted.set(name, (counted.get(name) ?? 0) + 1)
    const effect = faultFor(call)
    const done = (status: number) => {
      for (const heard of ears) heard(call, status)
    }
    if (effect?.kind === 'cut') return void res.destroy()
    if (effect?.kind === 'delay') await new Promise((resolve) => setTimeout(resolve, effect.ms))
    const refused =
      effect?.kind === 'throttle'
        ? throttled(call)
        : effect?.kind === 'error'
          ? errorAnswer(call, effect.name, effect.message, {}, effect.status)
          : effect?.kind === 'answer'
            ? effect.answer
            : null
    if (refused) {
      done(refused.status)
      return void res.writeHead(refused.status, refused.headers).end(refused.body)
    }
    const pass: Pass = async () => {
      const answer = await forward(call)
      return { status: answer.statusCode ?? 502, headers: answer.headers, body: await bodyOf(answer) }
    }
    const played = (await playing.get(`${call.service}.${call.operation}`)?.(call, pass)) ?? null
    if (played) {
      done(played.status)
      if (effect?.kind === 'lost') return void res.destroy()
      return void res.writeHead(played.status, played.headers).end(played.body)
    }
    const answer = await forward(call)
    const status = answer.statusCode ?? 502
    if (effect?.kind === 'lost') {
      await bodyOf(answer)
      done(status)
      return void res.destroy()
    }
    res.writeHead(status, answer.headers)
    answer.pipe(res)
    answer.once('error', () => res.destroy())
    answer.once('end', () => done(status))
  }

  const server = http.createServer((req, res) => {
    handle(req, res).catch(() => res.destroy())
  })
  // A function that is frozen for long finds its connections as it left them, as with AWS's own far ends.
  server.keepAliveTimeout = 120_000
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    // An address and not a name: the SDK then puts the bucket into the path.
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    inject(fault) {
      const one = { ...fault, left: fault.times ?? 1, skipped: 0, hit: 0 }
      faults.push(one)
      return {
        hits: () => one.hit,
        remove() {
          one.left = 0
        },
      }
    },
    play: (on, how) => void playing.set(on, how),
    hear: (heard) => void ears.push(heard),
    counts: () => Object.fromEntries(counted),
    async stop() {
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeAllConnections()
      agent.destroy()
      await closed
    },
  }
}

async function bodyOf(message: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = []
  for await (const part of message) parts.push(part as Buffer)
  return Buffer.concat(parts)
}
