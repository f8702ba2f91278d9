/** How the harness runs functions: one event at a time, frozen between, more when busy, killed when late or at a chosen call. */
import { spawn } from 'node:child_process'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { build } from 'esbuild'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTimeOf } from '../../functions/platform/local/processes.ts'
import { projectRoot } from '../../functions/setup/python.ts'
import { until } from '../support/proc.ts'
import { tempDir } from '../support/temp-dir.ts'
import { type Ahead, createFunction, type LambdaFunction } from './lambda.ts'

const dir = tempDir()
const asked: string[] = []
const server = http.createServer((req, res) => {
  asked.push(req.url ?? '')
  res.end('ok')
})
const ahead: Ahead = { ms: 0 }
const made: LambdaFunction[] = []
let url: string

const source = `
import http from 'node:http'
const call = (path) => new Promise((resolve, reject) =>
  http.request(process.env.CALLS + path, (res) => { res.resume(); res.once('end', resolve) }).once('error', reject).end())
export async function handler(event, context) {
  if (event.sleep) await new Promise((resolve) => setTimeout(resolve, event.sleep))
  for (const path of event.calls ?? []) await call(path)
  if (event.leave) setInterval(() => {}, 1)
  if (event.fail) throw new Error('failed as told')
  return { pid: process.pid, now: Date.now(), date: new Date().getTime(), left: context.getRemainingTimeInMillis(),
    environment: Object.keys(process.env) }
}`

beforeAll(async () => {
  writeFileSync(join(dir, 'index.mjs'), source)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(async () => {
  for (const one of made) await one.stop()
  server.close()
})

function settings(more: { most?: number } = {}) {
  return { name: 'api', program: join(dir, 'index.mjs'), environment: { CALLS: url }, timeoutMs: 20_000, ...more }
}
function make(given = settings()): LambdaFunction {
  const made1 = createFunction(given, ahead)
  made.push(made1)
  return made1
}
type Said = { pid: number; now: number; date: number; left: number; environment: string[] }
async function said(answer: ReturnType<LambdaFunction['invoke']>): Promise<Said> {
  const outcome = await answer
  if (outcome.kind !== 'answer') throw new Error(JSON.stringify(outcome))
  return outcome.value as Said
}

test('one process for one event at a time, a second while it is busy, refused past the cap', async () => {
  const api = make(settings({ most: 2 }))
  const first = await said(api.invoke({}))
  expect((await said(api.invoke({}))).pid).toBe(first.pid)
  const both = [api.invoke({ sleep: 500 }), api.invoke({ sleep: 500 })]
  expect(await api.invoke({})).toEqual({ kind: 'throttled' })
  const pids = (await Promise.all(both.map(said))).map(({ pid }) => pid)
  expect(new Set(pids).size).toBe(2)
  expect(pids).toContain(first.pid)
  expect(api.starts()).toBe(2)
})

test('what a handler leaves running stands still until the next event', async () => {
  const api = make()
  await said(api.invoke({ leave: true }))
  const [pid = 0] = api.pids()
  // Stopped by a signal, in the kernel's own words (proc(5)).
  const state = () => /^State:\s+(\w)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  await until('the process to stand still', () => state() === 'T')
  expect((await said(api.invoke({}))).pid).toBe(pid)
  await until('the process to stand still again', () => state() === 'T')
})

test('has the environment that it is given and Lambda’s own, nothing of ours', async () => {
  const { environment, left } = await said(make().invoke({}))
  expect(environment).toContain('CALLS')
  expect(environment.filter((name) => /^(CXOD|npm|VITEST|HOME)/.test(name))).toEqual([])
  expect(left).toBeGreaterThan(10_000)
  expect(left).toBeLessThanOrEqual(20_000)
})

test('is killed when it is late, and the next event finds a fresh process', async () => {
  const given = settings()
  const api = make(given)
  const { pid } = await said(api.invoke({}))
  // Short for the one that is late alone: the others must not be late because the machine is.
  given.timeoutMs = 500
  expect(await api.invoke({ sleep: 60_000 })).toEqual({ kind: 'timeout' })
  given.timeoutMs = 20_000
  expect((await said(api.invoke({}))).pid).not.toBe(pid)
  expect(await api.invoke({ fail: true })).toEqual({ kind: 'error', name: 'Error', message: 'failed as told' })
})

test.each([
  { when: 'before', reached: ['/1'] },
  { when: 'after', reached: ['/1', '/2'] },
] as const)('dies $when the chosen call, and comes again twice for an event', async ({ when, reached }) => {
  const api = make()
  asked.length = 0
  api.dieAt({ call: 2, when })
  expect(await api.invoke({ calls: ['/1', '/2', '/3'] })).toEqual({ kind: 'died' })
  expect(asked).toEqual(reached)
  asked.length = 0
  api.dieAt({ call: 1, when: 'before' })
  expect(await api.invokeAsync({ calls: ['/1'] })).toMatchObject({ kind: 'answer', calls: 1 })
  expect(asked).toEqual(['/1'])
  asked.length = 0
  expect(await api.invokeAsync({ calls: ['/1'], fail: true })).toMatchObject({ kind: 'error' })
  expect(asked).toEqual(['/1', '/1', '/1'])
})

test('tells the time ahead of the machine’s when the harness says so', async () => {
  const api = make()
  const before = await said(api.invoke({}))
  ahead.ms = 3_600_000
  const after = await said(api.invoke({}))
  ahead.ms = 0
  expect(after.now - before.now).toBeGreaterThanOrEqual(3_600_000)
  expect(Math.abs(after.date - after.now)).toBeLessThan(60_000)
})

test('nothing is left when it is stopped', async () => {
  const api = make()
  await Promise.all([api.invoke({ sleep: 300 }), api.invoke({ sleep: 300 })])
  const pids = api.pids()
  expect(pids).toHaveLength(2)
  await api.stop()
  await until('the processes to be gone', () => {
    return pids.every((pid) => {
      try {
        process.kill(pid, 0)
        return false
      } catch {
        return true
      }
    })
  })
})

test('a function that stands still ends with the harness, whatever ends that', async () => {
  const program = `
    import { createFunction } from './lambda.ts'
    const fn = createFunction({ name: 'api', program: process.argv[2], environment: { CALLS: '' }, timeoutMs: 60_000 })
    await fn.invoke({})
    console.log(fn.pids()[0])
    setInterval(() => {}, 1000)`
  // Below the project: it looks for its own folder from where it lies.
  const outfile = join(projectRoot(), '.cache', 'run', `harness-${process.pid}.mjs`)
  const stdin = { contents: program, resolveDir: import.meta.dirname, loader: 'ts' } as const
  await build({
    stdin,
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    packages: 'external',
    logLevel: 'silent',
  })
  const harness = spawn(process.execPath, [outfile, join(dir, 'index.mjs')], {
    cwd: projectRoot(),
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const pid = Number(await new Promise((resolve) => harness.stdout.once('data', resolve)))
  expect(startTimeOf(pid)).not.toBeNull()
  harness.kill('SIGKILL')
  rmSync(outfile)
  await until('the frozen process to be gone', () => startTimeOf(pid) === null)
})
