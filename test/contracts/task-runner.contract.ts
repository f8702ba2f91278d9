/** What every task runner must do, be it child processes or Fargate. */
import { describe, expect, test } from 'vitest'
import type { TaskRunner, TaskSpec } from '../../functions/core/ports.ts'

export type TaskRunnerUnderTest = {
  tasks: TaskRunner
  /** Another process on the same tasks; null where there can be none. */
  again: (() => TaskRunner) | null
  /** How many tasks really run for a session. */
  running(sessionId: string): Promise<number>
  /** The task ends by itself. */
  die(sessionId: string): Promise<void>
}

const endpoint = /^(unix:\/.+|http:\/\/[\d.]+:\d+)$/
let count = 0
const spec = (): TaskSpec => ({
  sessionId: `contract${(++count)
    .toString()
    .padStart(4, '2')
    .replace(/[0189]/g, 'x')}${'abcdefgh'}`,
  datasetId: 'pbmc',
  attempt: 1,
  size: { memoryMiB: 1024, vcpu: 0.5 },
  gateToken: 'token',
})

async function until(holds: () => Promise<boolean>): Promise<void> {
  for (let left = 1000; left > 0; left--) {
    if (await holds()) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error('waited in vain')
}

export function taskRunnerContract(name: string, make: () => Promise<TaskRunnerUnderTest>) {
  describe(`task runner contract: ${name}`, () => {
    test('a session without a task has none, and stopping it is harmless', async () => {
      const { tasks } = await make()
      const { sessionId } = spec()
      expect(await tasks.inspect(sessionId)).toEqual({ status: 'none' })
      await tasks.stop(sessionId)
      expect(['none', 'gone']).toContain((await tasks.inspect(sessionId)).status)
    })

    test('start gives one task, where another process sees it at once, with an endpoint of the platform’s', async () => {
      const { tasks, again, running } = await make()
      const one = spec()
      await tasks.start(one)
      const other = again?.() ?? tasks
      expect(['starting', 'running']).toContain((await other.inspect(one.sessionId)).status)
      await until(async () => (await other.inspect(one.sessionId)).status === 'running')
      const status = await other.inspect(one.sessionId)
      expect(status.status === 'running' && status.endpoint).toMatch(endpoint)
      expect(await running(one.sessionId)).toBe(1)
      expect(await other.listSessionIds()).toContain(one.sessionId)
      await tasks.stop(one.sessionId)
    })

    test('start is idempotent on session and attempt', async () => {
      const { tasks, running } = await make()
      const one = spec()
      for (let times = 0; times < 3; times++) await tasks.start(one)
      await until(async () => (await tasks.inspect(one.sessionId)).status === 'running')
      expect(await running(one.sessionId)).toBe(1)
      await tasks.stop(one.sessionId)
    })

    test('after a stop it is gone, told by nobody else, and is listed no more; a repeat is harmless', async () => {
      const { tasks } = await make()
      const one = spec()
      await tasks.start(one)
      await tasks.stop(one.sessionId)
      await tasks.stop(one.sessionId)
      expect(await tasks.inspect(one.sessionId)).toEqual({ status: 'gone', cause: null, detail: null })
      expect(await tasks.listSessionIds()).not.toContain(one.sessionId)
    })

    test('one that died by itself is gone, with a cause', async () => {
      const { tasks, die } = await make()
      const one = spec()
      await tasks.start(one)
      await until(async () => (await tasks.inspect(one.sessionId)).status === 'running')
      await die(one.sessionId)
      await until(async () => (await tasks.inspect(one.sessionId)).status === 'gone')
      expect(await tasks.inspect(one.sessionId)).toMatchObject({ status: 'gone', cause: 'task-lost' })
      expect(await tasks.listSessionIds()).not.toContain(one.sessionId)
    })

    test('when it is final, a start after a stop is refused', async () => {
      const { tasks } = await make()
      const one = spec()
      await tasks.stop(one.sessionId)
      if (tasks.final) await expect(tasks.start(one)).rejects.toMatchObject({ code: 'session-over' })
    })

    test('sessions don’t meet', async () => {
      const { tasks } = await make()
      const [one, two] = [spec(), spec()]
      await tasks.start(one)
      await tasks.start(two)
      await tasks.stop(one.sessionId)
      await until(async () => (await tasks.inspect(two.sessionId)).status === 'running')
      expect(await tasks.listSessionIds()).toContain(two.sessionId)
      await tasks.stop(two.sessionId)
    })
  })
}
