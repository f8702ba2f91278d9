/** Tasks as real processes: order of stopping, death of either, orphans of an earlier launcher, memory bounds. */
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { openMemoryBound } from '../../../functions/platform/local/memory-bound.ts'
import { isAlive, startTimeOf } from '../../../functions/platform/local/processes.ts'
import { openSandbox } from '../../../functions/platform/local/sandbox.ts'
import { collectOrphans, taskDir, writeTaskRecord } from '../../../functions/platform/local/task-record.ts'
import { createTaskRunner, type LocalTaskRunner } from '../../../functions/platform/local/task-runner.ts'
import { pidsOf } from '../../support/proc.ts'
import { tempDir } from '../../support/temp-dir.ts'

const child = resolve(import.meta.dirname, '../../support/child.mjs')
const log = () => {}
const noSandbox = await openSandbox('none', { readOnly: [], hidden: [], trial: [], runDir: '' })
const running: LocalTaskRunner[] = []
afterEach(async () => {
  for (const runner of running.splice(0)) await runner.drain()
})

function bed(modes: { gate?: string; viewer?: string } = {}, stopTimeoutMs = 10_000) {
  const runDir = tempDir()
  const file = join(runDir, 'events')
  writeFileSync(file, '')
  const ended: string[] = []
  const command = (name: 'gate' | 'viewer') => [process.execPath, child, file, name, modes[name] ?? 'obedient']
  const runner = createTaskRunner({
    runDir,
    apiUrl: 'unix:/nowhere',
    gateCommand: command('gate'),
    viewerCommand: command('viewer'),
    memory: openMemoryBound('/nowhere', null),
    sandbox: noSandbox,
    fileOf: async () => null,
    output: null,
    stopTimeoutMs,
    onEnd: (id) => ended.push(id),
    log,
  })
  running.push(runner)
  const events = () => readFileSync(file, 'utf8').trim().split('\n').filter(Boolean)
  const bothUp = () => until(() => events().includes('gate up') && events().includes('viewer up'))
  const start = (sessionId: string) =>
    runner.start({ sessionId, datasetId: 'pbmc', attempt: 1, size: { memoryMiB: 1024, vcpu: 1 }, gateToken: 't' })
  return { runDir, runner, events, ended, bothUp, start }
}

async function until(condition: () => boolean): Promise<void> {
  for (let tries = 0; tries < 2000 && !condition(); tries++) await new Promise((resolve) => setTimeout(resolve, 25))
  if (!condition()) throw new Error('waited in vain')
}

const pids = (runDir: string, id: string) =>
  JSON.parse(readFileSync(join(taskDir(runDir, id), 'task.json'), 'utf8')).processes as { pid: number; role: string }[]

describe('task runner', () => {
  it('leaves nothing running when it can’t record what it has started', async () => {
    const { runDir, runner, events, start } = bed()
    // Nothing can be put in its place, as on a disk without room.
    mkdirSync(join(taskDir(runDir, 'one'), 'task.json', 'in-the-way'), { recursive: true })
    await expect(start('one')).rejects.toThrow()
    expect(existsSync(taskDir(runDir, 'one'))).toBe(false)
    expect(await runner.inspect('one')).toEqual({ status: 'none' })
    await until(() => pidsOf(join(runDir, 'events')).length === 0)
    expect(events()).not.toContain('gate up')
  })

  it('starts once however often it is asked, and reports where the gate listens', async () => {
    const { runDir, runner, events, bothUp, start } = bed()
    await Promise.all([start('one'), start('one'), start('one')])
    await bothUp()
    expect(events().filter((event) => event.endsWith(' up'))).toHaveLength(2)
    expect(await runner.inspect('one')).toEqual({
      status: 'running',
      endpoint: `unix:${taskDir(runDir, 'one')}/gate.sock`,
    })
    expect(await runner.inspect('two')).toEqual({ status: 'none' })
    expect(await runner.listSessionIds()).toEqual(['one'])
  })

  it('tells the gate first, and the viewer only when the gate has gone: its last saves need a viewer', async () => {
    const { runDir, runner, events, bothUp, start } = bed()
    await start('one')
    await bothUp()
    await runner.stop('one')
    expect(await runner.inspect('one')).toMatchObject({ status: 'gone', cause: null })
    await runner.drain()
    expect(events().slice(2)).toEqual(['gate told', 'gate left', 'viewer told', 'viewer left'])
    expect(existsSync(taskDir(runDir, 'one'))).toBe(false)
  })

  it('refuses a start after a stop: a late call can’t bring a session back', async () => {
    const { runner, events, start } = bed()
    await runner.stop('late')
    await expect(start('late')).rejects.toMatchObject({ code: 'session-over' })
    expect(events()).toEqual([])
  })

  it('ends the gate when the viewer is killed, and says at once that the task is gone', async () => {
    const { runDir, runner, events, ended, bothUp, start } = bed()
    await start('one')
    await bothUp()
    process.kill(pids(runDir, 'one').find(({ role }) => role === 'viewer')?.pid ?? 0, 'SIGKILL')
    await until(() => ended.includes('one'))
    expect(await runner.inspect('one')).toMatchObject({
      status: 'gone',
      cause: 'task-lost',
      detail: expect.stringContaining('SIGKILL'),
    })
    await runner.drain()
    expect(events()).toContain('gate told')
  })

  it.each([
    ['77', 'out-of-memory'],
    ['78', 'load-failed'],
    ['1', 'task-lost'],
  ])('reads a viewer’s exit code %s as %s', async (code, cause) => {
    const { runner, ended, start } = bed({ viewer: code })
    await start('one')
    await until(() => ended.includes('one'))
    expect(await runner.inspect('one')).toMatchObject({ status: 'gone', cause })
  })

  it('removes the folder in the end, though something writes into it a moment longer than its viewer lives', async () => {
    const { runDir, runner, bothUp, start } = bed({ viewer: 'survived' })
    await start('one')
    await bothUp()
    await until(() => existsSync(join(taskDir(runDir, 'one'), 'v', '49')))
    await runner.stop('one')
    await runner.drain()
    await until(() => !existsSync(taskDir(runDir, 'one')))
  })

  it('kills what does not listen', async () => {
    const { runner, bothUp, start } = bed({ gate: 'stubborn', viewer: 'stubborn' }, 300)
    await start('one')
    await bothUp()
    await runner.stop('one')
    await runner.drain()
    expect(await runner.listSessionIds()).toEqual([])
  })
})

describe('orphans', () => {
  it('finds and ends what an earlier launcher left, by pid and start time', async () => {
    const { runDir, bothUp, start } = bed()
    await start('left')
    await bothUp()
    const left = pids(runDir, 'left')
    expect(await collectOrphans(runDir, log)).toBe(2)
    for (const { pid } of left) expect(startTimeOf(pid)).toBeNull()
    expect(existsSync(taskDir(runDir, 'left'))).toBe(false)
    expect(await collectOrphans(runDir, log)).toBe(0)
  })

  it('never touches a process that has got the pid since', async () => {
    const runDir = tempDir()
    const innocent = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { detached: true, stdio: 'ignore' })
    const ref = { pid: innocent.pid ?? 0, startTime: startTimeOf(innocent.pid ?? 0) ?? '' }
    try {
      const dir = taskDir(runDir, 'old')
      mkdirSync(dir, { recursive: true })
      writeTaskRecord(dir, { v: 1, sessionId: 'old', processes: [{ pid: ref.pid, startTime: '1', role: 'viewer' }] })
      expect(await collectOrphans(runDir, log)).toBe(0)
      expect(isAlive(ref)).toBe(true)
    } finally {
      innocent.kill('SIGKILL')
    }
  })
})

describe('memory bound', () => {
  it('uses cgroup v2 where this process has a group of its own with the memory controller', () => {
    const root = tempDir()
    mkdirSync(join(root, 'mine'))
    writeFileSync(join(root, 'mine', 'cgroup.controllers'), 'cpu memory pids\n')
    const bound = openMemoryBound(root, '/mine')
    expect(bound.kind).toBe('cgroup-v2')
    expect(bound.viewerArguments(1024)).toEqual([])
    const group = join(root, 'mine', 'viewer-one')
    expect(bound.prepare('one', 1024)).toBe(join(group, 'cgroup.procs'))
    expect(readFileSync(join(group, 'memory.max'), 'utf8')).toBe(String(2 ** 30))
    expect(bound.wasKilled('one')).toBe(false)
    writeFileSync(join(group, 'memory.events'), 'low 0\nhigh 0\nmax 12\noom 1\noom_kill 1\n')
    expect(bound.wasKilled('one')).toBe(true)
  })

  it('lets the viewer bound itself everywhere else', () => {
    const root = tempDir()
    mkdirSync(join(root, 'mine'))
    writeFileSync(join(root, 'mine', 'cgroup.controllers'), 'cpu pids\n')
    for (const bound of [openMemoryBound(root, '/mine'), openMemoryBound(root, '/none'), openMemoryBound(root, null)]) {
      expect(bound.kind).toBe('rlimit-data')
      expect(bound.viewerArguments(2048)).toEqual(['--memory-mib', '2048'])
    }
  })
})
