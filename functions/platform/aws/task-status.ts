/** What ECS says of a session's tasks, in the launcher's words. */
import type { Task } from '@aws-sdk/client-ecs'
import type { TaskStatus } from '../../core/ports.ts'
import { viewerExits } from '../viewer-exits.ts'

/** Given to StopTask. */
export const ourReason = 'cellxgene-on-demand: its session ended'

type Settings = { port: number; containers: { viewer: string } }

/** @param tasks all that were ever started for the session; normally one */
export function statusOf(tasks: readonly Task[], settings: Settings): TaskStatus {
  if (tasks.length === 0) return { status: 'none' }
  // “Told to stop” is enough: an ECS task whose desired status is STOPPED can't come back.
  const alive = tasks.filter(({ desiredStatus, lastStatus }) => desiredStatus !== 'STOPPED' && lastStatus !== 'STOPPED')
  for (const task of alive) {
    const address = task.lastStatus === 'RUNNING' ? addressOf(task) : null
    if (address !== null) return { status: 'running', endpoint: `http://${address}:${settings.port}` }
  }
  if (alive.length > 0) return { status: 'starting' }
  return gone(tasks[0] as Task, settings)
}

/** From ECS, never from the gate: a gate must not be able to point a route anywhere. */
function addressOf(task: Task): string | null {
  for (const { type, details = [] } of task.attachments ?? [])
    if (type === 'ElasticNetworkInterface' || type === 'eni')
      for (const { name, value } of details) if (name === 'privateIPv4Address' && value) return value
  for (const { networkInterfaces = [] } of task.containers ?? [])
    for (const { privateIpv4Address } of networkInterfaces) if (privateIpv4Address) return privateIpv4Address
  return null
}

function gone(task: Task, settings: Settings): TaskStatus & { status: 'gone' } {
  // We told it: no cause of its own. By our words and not by `stopCode` alone: a person at AWS's console is not us.
  if (task.stoppedReason === ourReason) return { status: 'gone', cause: null, detail: null }
  const viewer = task.containers?.find(({ name }) => name === settings.containers.viewer)
  const known = viewerExits[viewer?.exitCode ?? -1]
  const detail = [task.stoppedReason, viewer?.reason].filter(Boolean).join(' ').slice(0, 500) || null
  if (known) return { status: 'gone', cause: known, detail }
  if (/OutOfMemory/i.test(viewer?.reason ?? '')) return { status: 'gone', cause: 'out-of-memory', detail }
  return { status: 'gone', cause: 'task-lost', detail: spotWords(task) ?? detail }
}

/** Spot took the machine back after two minutes’ notice; what was saved is kept, and the page starts anew. */
function spotWords({ stopCode }: Task): string | null {
  return stopCode === 'SpotInterruption' ? 'AWS took the Spot machine back. It starts again on another.' : null
}
