/** Child processes, held to the contract that Fargate's task runner keeps too. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { afterAll } from 'vitest'
import { openMemoryBound } from '../../../functions/platform/local/memory-bound.ts'
import { startTimeOf } from '../../../functions/platform/local/processes.ts'
import { openSandbox } from '../../../functions/platform/local/sandbox.ts'
import { taskDir } from '../../../functions/platform/local/task-record.ts'
import { createTaskRunner, type LocalTaskRunner } from '../../../functions/platform/local/task-runner.ts'
import { taskRunnerContract } from '../../contracts/task-runner.contract.ts'
import { tempDir } from '../../support/temp-dir.ts'

const child = resolve(import.meta.dirname, '../../support/child.mjs')
const sandbox = await openSandbox('none', { readOnly: [], hidden: [], trial: [], runDir: '' })
const runners: LocalTaskRunner[] = []
afterAll(async () => {
  for (const runner of runners) await runner.drain()
})

taskRunnerContract('child processes', async () => {
  const runDir = tempDir()
  const file = join(runDir, 'events')
  writeFileSync(file, '')
  const command = (name: string) => [process.execPath, child, file, name, 'obedient']
  const runner = createTaskRunner({
    runDir,
    apiUrl: 'unix:/nowhere',
    gateCommand: command('gate'),
    viewerCommand: command('viewer'),
    memory: openMemoryBound('/nowhere', null),
    sandbox,
    fileOf: async () => null,
    output: null,
    stopTimeoutMs: 10_000,
    onEnd: () => {},
    log: () => {},
  })
  runners.push(runner)
  const processes = (sessionId: string) =>
    JSON.parse(readFileSync(join(taskDir(runDir, sessionId), 'task.json'), 'utf8')).processes as { pid: number }[]
  return {
    tasks: runner,
    again: null,
    running: async (id) => processes(id).filter(({ pid }) => startTimeOf(pid) !== null).length / 2,
    die: async (id) => void process.kill(processes(id)[0]?.pid ?? 0, 'SIGKILL'),
  }
})
