/** What ECS says of a task, in the launcher's words. */
import { describe, expect, test } from 'vitest'
import { ourReason, statusOf } from '../../../functions/platform/aws/task-status.ts'

describe('what became of a task', () => {
  const at = { port: 8080, containers: { viewer: 'viewer' } }
  const attachments = [
    { type: 'ElasticNetworkInterface', details: [{ name: 'privateIPv4Address', value: '10.0.0.7' }] },
  ]
  const ended = (viewer: object, more: object = {}) =>
    statusOf(
      [{ desiredStatus: 'STOPPED', lastStatus: 'STOPPED', containers: [{ name: 'viewer', ...viewer }], ...more }],
      at,
    )

  test('an address counts once the task runs', () => {
    const task = { desiredStatus: 'RUNNING', attachments }
    expect(statusOf([{ ...task, lastStatus: 'PENDING' }], at)).toEqual({ status: 'starting' })
    expect(statusOf([{ ...task, lastStatus: 'RUNNING' }], at)).toEqual({
      status: 'running',
      endpoint: 'http://10.0.0.7:8080',
    })
    expect(statusOf([{ ...task, lastStatus: 'RUNNING', desiredStatus: 'STOPPED' }], at)).toMatchObject({
      status: 'gone',
    })
  })

  test('why it ended: memory, the file, Spot, us, something else', () => {
    expect(ended({ exitCode: 77 })).toMatchObject({ cause: 'out-of-memory' })
    expect(ended({ exitCode: 137, reason: 'OutOfMemoryError: Container killed due to memory usage' })).toMatchObject({
      cause: 'out-of-memory',
    })
    expect(ended({ exitCode: 78 })).toMatchObject({ cause: 'load-failed' })
    expect(ended({ exitCode: 137 }, { stopCode: 'SpotInterruption' })).toMatchObject({
      cause: 'task-lost',
      detail: /Spot/,
    })
    expect(ended({ exitCode: 0 }, { stopCode: 'UserInitiated', stoppedReason: ourReason })).toEqual({
      status: 'gone',
      cause: null,
      detail: null,
    })
    expect(ended({ exitCode: 1 }, { stopCode: 'EssentialContainerExited' })).toMatchObject({ cause: 'task-lost' })
  })

  test('of two attempts, the one that lives counts', () => {
    const dead = { desiredStatus: 'STOPPED', lastStatus: 'STOPPED' }
    const alive = { desiredStatus: 'RUNNING', lastStatus: 'RUNNING', attachments }
    expect(statusOf([dead, alive], at)).toMatchObject({ status: 'running' })
    expect(statusOf([], at)).toEqual({ status: 'none' })
  })
})
