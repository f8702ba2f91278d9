/** What the gate costs: against the bare viewer, against cellxgene-gateway 0.4.2 under gunicorn; its memory while it streams; its start. */
import { type ChildProcess, spawn } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import http from 'node:http'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { projectRoot } from '../../functions/setup/python.ts'
import { bundleProgram } from '../support/bundle-program.ts'
import { freePort } from '../support/free-port.ts'
import { type GateTask, realViewer, startGateTask } from './gate-task.ts'
import { type Load, load, type Target } from './load.ts'
import { type BenchContext, type Figure, figure, median } from './types.ts'

const rounds = 7
const roundMs = 2_000
const streamBytes = 500_000_000

export async function bench(context: BenchContext): Promise<Figure[]> {
  return [...(await added(context)), ...(await gateway(context)), await streaming(context), await starting(context)]
}

/** Via the gate and direct, in turns: what else the machine does meets both. */
async function added({ dist, sample, python, say }: BenchContext): Promise<Figure[]> {
  const task = await startGateTask({ dist, sample, viewer: realViewer(python), port: null })
  try {
    const figures: Figure[] = []
    for (const connections of [1, 10]) {
      const { ours, peer } = await inTurns(task.viaGate('schema'), task.direct('schema'), connections)
      const [mine, theirs] = [middle(ours), middle(peer)]
      say(`${connections} connections, via the gate: ${words(mine)}; direct: ${words(theirs)}`)
      const by = connections === 1 ? '' : `-${connections}`
      figures.push(
        // What the gate adds, beside what the whole request takes without it.
        figure(`gate-added-p50-ms${by}`, 'ms', mine.p50Ms - theirs.p50Ms, theirs.p50Ms),
        figure(`gate-p50-ms${by}`, 'ms', mine.p50Ms, theirs.p50Ms),
        figure(`gate-p99-ms${by}`, 'ms', mine.p99Ms, theirs.p99Ms),
        // What a busy viewer still gives: the reach is at ten connections. One connection only waits for one answer at a time.
        figure(connections === 10 ? 'gate-throughput' : 'gate-throughput-1', 'req/s', mine.perSecond, theirs.perSecond),
      )
    }
    // `schema` is the least that a viewer does for a request, so the hop weighs most there; a column of the table is more usual.
    const column = 'annotations/obs?annotation-name=louvain'
    const { ours, peer } = await inTurns(task.viaGate(column), task.direct(column), 10)
    const [mine, theirs] = [middle(ours), middle(peer)]
    say(`a column, 10 connections, via the gate: ${words(mine)}; direct: ${words(theirs)}`)
    figures.push(figure('gate-throughput-column', 'req/s', mine.perSecond, theirs.perSecond))
    return figures
  } finally {
    await task.stop()
  }
}

async function gateway(context: BenchContext): Promise<Figure[]> {
  const { dist, sample, python, say } = context
  const theirs = await startGateway(await context.gateway(), sample)
  let task: GateTask | null = null
  try {
    task = await startGateTask({ dist, sample, viewer: realViewer(python), port: await freePort() })
    const figures: Figure[] = []
    for (const connections of [1, 10]) {
      const { ours, peer } = await inTurns(task.viaGate('schema'), theirs.target, connections)
      const [mine, its] = [middle(ours), middle(peer)]
      say(`${connections} connections, gate: ${words(mine)}; cellxgene-gateway: ${words(its)}`)
      const name = connections === 10 ? 'gateway-throughput' : 'gateway-throughput-1'
      figures.push(figure(name, 'req/s', mine.perSecond, its.perSecond))
    }
    return figures
  } finally {
    await task?.stop()
    await theirs.stop()
  }
}

async function inTurns(mine: Target, its: Target, connections: number): Promise<{ ours: Load[]; peer: Load[] }> {
  const ours: Load[] = []
  const peer: Load[] = []
  await load(mine, connections, 1_000) // warm: compiled code, open connections, checked cookie
  await load(its, connections, 1_000)
  for (let round = 0; round < rounds; round += 1) {
    ours.push(await load(mine, connections, roundMs))
    peer.push(await load(its, connections, roundMs))
  }
  return { ours, peer }
}

const middle = (loads: readonly Load[]): Load => ({
  perSecond: median(loads.map(({ perSecond }) => perSecond)),
  p50Ms: median(loads.map(({ p50Ms }) => p50Ms)),
  p99Ms: median(loads.map(({ p99Ms }) => p99Ms)),
})

const words = ({ perSecond, p50Ms, p99Ms }: Load): string =>
  `${perSecond.toFixed(0)} req/s, p50 ${p50Ms.toFixed(2)} ms, p99 ${p99Ms.toFixed(2)} ms`

/** cellxgene-gateway as its guide runs it in production, and the dataset open in it. */
async function startGateway(python: string, sample: string): Promise<{ target: Target; stop(): Promise<void> }> {
  const folder = mkdtempSync(path.join(tmpdir(), 'cxod-gateway-'))
  mkdirSync(path.join(folder, 'data'))
  cpSync(sample, path.join(folder, 'data', 'pbmc.h5ad'))
  const port = await freePort()
  const bin = path.dirname(python)
  const serve = ['--no-control-socket', '--workers', '1', '--threads', '8', '--bind', `127.0.0.1:${port}`]
  const child = spawn(python, ['-m', 'gunicorn', ...serve, '--timeout', '120', 'cellxgene_gateway.gateway:app'], {
    detached: true, // a group of its own: its cellxgene is a grandchild
    stdio: 'ignore',
    cwd: folder,
    env: {
      PATH: `${bin}:${process.env.PATH}`,
      HOME: folder,
      // Its cellxgene would ask a public host for a newer version.
      CELLXGENE_LOCATION: `${path.join(bin, 'cellxgene')} --no-upgrade-check`,
      CELLXGENE_DATA: path.join(folder, 'data'),
      GATEWAY_PORT: String(port),
      EXTERNAL_HOST: `127.0.0.1:${port}`,
    },
  })
  const stop = async () => {
    await endGroup(child)
    rmSync(folder, { recursive: true, force: true })
  }
  const target: Target = { at: { host: '127.0.0.1', port }, path: '/view/pbmc.h5ad/api/v0.2/schema' }
  try {
    await open(`http://127.0.0.1:${port}/view/pbmc.h5ad/`, `http://127.0.0.1:${port}${target.path}`, child)
  } catch (error) {
    await stop()
    throw error
  }
  return { target, stop }
}

async function open(page: string, schema: string, child: ChildProcess): Promise<void> {
  for (let left = 600; left > 0 && child.exitCode === null; left -= 1) {
    await fetch(page).catch(() => null) // the page request is what starts its viewer
    const answer = await fetch(schema).catch(() => null)
    if (answer?.ok && answer.headers.get('content-type')?.includes('json')) return
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
  throw new Error('cellxgene-gateway did not open the sample.')
}

async function endGroup(child: ChildProcess): Promise<void> {
  const exited = child.exitCode !== null ? null : new Promise((resolve) => child.once('exit', resolve))
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    try {
      if (child.pid) process.kill(-child.pid, signal)
    } catch {} // the whole group is gone
    if (signal === 'SIGTERM') await Promise.race([exited, new Promise((resolve) => setTimeout(resolve, 3_000))])
  }
  await exited
}

/** Growth of the gate's memory while 500 MB pass through, against what it would be if it kept them. */
async function streaming({ dist, sample, say }: BenchContext): Promise<Figure> {
  const folder = mkdtempSync(path.join(tmpdir(), 'cxod-bench-'))
  const program = await bundleProgram(path.join(projectRoot(), 'test/support/stand-in-viewer-main.ts'), folder)
  const task = await startGateTask({ dist, sample, viewer: [process.execPath, program], port: null })
  try {
    await drain(task.viaGate('layout/obs?bytes=20000000'))
    const before = residentMiB(task.gatePid)
    let most = before
    const watch = setInterval(() => {
      most = Math.max(most, residentMiB(task.gatePid))
    }, 10)
    const size = await drain(task.viaGate(`layout/obs?bytes=${streamBytes}`))
    clearInterval(watch)
    if (size !== streamBytes) throw new Error(`Only ${size} bytes of ${streamBytes} came through.`)
    say(`gate at ${before.toFixed(0)} MiB, at most ${most.toFixed(0)} MiB while ${streamBytes / 1e6} MB passed`)
    return figure('gate-stream-mib', 'MiB', most - before, streamBytes / 2 ** 20)
  } finally {
    await task.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

function drain(target: Target): Promise<number> {
  return new Promise((resolve, reject) => {
    const req = http.get({ ...target.at, path: target.path, headers: target.headers ?? {}, agent: false }, (res) => {
      let size = 0
      res.on('data', (part: Buffer) => {
        size += part.length
      })
      res.on('end', () => resolve(size))
      res.on('error', reject)
    })
    req.on('error', reject)
  })
}

function residentMiB(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024
}

/** From the spawn to the refusal of an empty configuration: everything is read and compiled then. Against a node that does nothing. */
async function starting({ dist }: BenchContext): Promise<Figure> {
  const ours: number[] = []
  const peer: number[] = []
  for (let round = 0; round < 9; round += 1) {
    ours.push(await timeOf([path.join(dist, 'gate.mjs')]))
    peer.push(await timeOf(['--input-type=module', '-e', '0']))
  }
  return figure('gate-start-ms', 'ms', median(ours), median(peer))
}

async function timeOf(args: readonly string[]): Promise<number> {
  const started = performance.now()
  const child = spawn(process.execPath, args, { stdio: 'ignore', env: { PATH: process.env.PATH } })
  await new Promise((resolve) => child.once('exit', resolve))
  return performance.now() - started
}
