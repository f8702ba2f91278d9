/** Tasks as containers of the two images, put together as a task definition does: one volume, one user, nothing else to write to. */
import { mkdirSync } from 'node:fs'
import net from 'node:net'
import { join } from 'node:path'
import type { TaskSpec, TaskStatus } from '../../functions/core/ports.ts'
import { taskShape } from '../../functions/platform/aws/settings.ts'
import type { LocalTaskRunner, TaskRunnerSettings } from '../../functions/platform/local/task-runner.ts'
import { freePort } from '../support/free-port.ts'
import { command, limits, locked, podman } from './commands.ts'
import { type GateDoor, openGateDoor } from './gate-door.ts'

export type Ended = { gate: number; viewer: number; logs: string }
export type ContainerTask = { port: number; names: { gate: string; viewer: string }; ended: Promise<Ended> }

export type ContainerTasks = LocalTaskRunner & { tasks: Map<string, ContainerTask>; door(): GateDoor | null }

export const images = { gate: 'localhost/cxod-gate', viewer: 'localhost/cxod-viewer' } as const
/** This machine, as slirp4netns shows it to a container. */
export const hostInside = '10.0.2.2'

export type ContainerSettings = {
  /** Where a gate downloads the file at this path. */
  addressOf(path: string): Promise<string>
  /** Size of the next task's volume; null: the machine's disk. */
  diskMiB(): number | null
}

/** Fargate has no swap. */
const memoryOf = (mib: string): string[] => ['--memory', `${mib}m`, '--memory-swap', `${mib}m`]

export function createContainerTasks(
  settings: TaskRunnerSettings,
  { addressOf, diskMiB }: ContainerSettings,
): ContainerTasks {
  const tasks = new Map<string, ContainerTask>()
  const gone = new Map<string, TaskStatus & { status: 'gone' }>()
  const relays = new Map<string, net.Server>()
  let door: GateDoor | null = null

  const disks = new Map<string, string>()
  const volumeOf = (sessionId: string) => `cxod-task-${sessionId}`
  const socketOf = (sessionId: string) => join(settings.runDir, `${sessionId}.sock`)

  async function start({ sessionId, size: { memoryMiB }, gateToken }: TaskSpec): Promise<void> {
    if (tasks.has(sessionId)) return
    door ??= await openGateDoor(settings.apiUrl.slice('unix:'.length), addressOf)
    const port = await freePort()
    const names = { gate: `cxod-gate-${sessionId}`, viewer: `cxod-viewer-${sessionId}` }
    const volume = ['--volume', `${await makeDisk(sessionId, diskMiB())}:${taskShape.taskDir}`]
    const memory = String(memoryMiB - taskShape.gateMemoryMiB)
    const config = {
      sessionId,
      apiUrl: `http://${hostInside}:${door.port}`,
      token: gateToken,
      listen: `tcp:0.0.0.0:${taskShape.gatePort}`,
      viewer: `unix:${taskShape.viewerSocket}`,
      taskSocket: taskShape.taskSocket,
      taskDir: taskShape.taskDir,
    }
    // The viewer first: the gate depends on it, so that it is the last to be told to stop. It needs no network at all.
    await podman([
      ...['run', '--detach', '--name', names.viewer, '--network', 'none', ...locked, ...limits, ...volume],
      ...[...memoryOf(memory), '--env', `CXOD_MEMORY_MIB=${memory}`, images.viewer],
    ])
    const network = ['--network', 'slirp4netns:allow_host_loopback=true']
    await podman(
      [
        ...[
          'run',
          '--detach',
          '--name',
          names.gate,
          ...network,
          '--publish',
          `127.0.0.1:${port}:${taskShape.gatePort}`,
        ],
        // By name: its value would stand in the list of processes.
        ...[...locked, ...limits, ...volume, ...memoryOf(String(taskShape.gateMemoryMiB))],
        ...['--env', 'GATE_CONFIG', images.gate],
      ],
      { env: { GATE_CONFIG: JSON.stringify(config) } },
    )
    const relay = net.createServer((from) => {
      const to = net.connect(port, '127.0.0.1')
      for (const socket of [from, to]) socket.on('error', () => [from, to].map((one) => one.destroy()))
      from.pipe(to).pipe(from)
    })
    await new Promise<void>((resolve) => relay.listen(socketOf(sessionId), resolve))
    relays.set(sessionId, relay)
    tasks.set(sessionId, { port, names, ended: ending(sessionId, names) })
  }

  /** A disk of this size, below the run folder; null: podman's own volume, on the machine's disk. */
  async function makeDisk(sessionId: string, size: number | null): Promise<string> {
    if (size === null) return volumeOf(sessionId)
    const folder = join(settings.runDir, `${sessionId}.disk`)
    mkdirSync(folder)
    await command('mount', ['-t', 'tmpfs', '-o', `size=${size}m,uid=10001,gid=10001,mode=0700`, 'tmpfs', folder])
    disks.set(sessionId, folder)
    return folder
  }

  /** Both containers are essential: when one ends, the other is told to, the gate first. */
  async function ending(sessionId: string, names: ContainerTask['names']): Promise<Ended> {
    await podman(['wait', '--condition', 'stopped', names.gate], { timeoutMs: 600_000 })
    await podman(['stop', '--time', '60', names.viewer])
    const exit = async (name: string) =>
      Number((await podman(['inspect', '--format', '{{.State.ExitCode}}', name])).stdout)
    const codes = { gate: await exit(names.gate), viewer: await exit(names.viewer) }
    const said = await Promise.all([names.gate, names.viewer].map((name) => podman(['logs', name])))
    await podman(['rm', '--force', '--volumes', names.gate, names.viewer])
    const disk = disks.get(sessionId)
    await (disk === undefined ? podman(['volume', 'rm', '--force', volumeOf(sessionId)]) : command('umount', [disk]))
    relays.get(sessionId)?.close()
    if (!gone.has(sessionId)) gone.set(sessionId, { status: 'gone', cause: 'task-lost', detail: null })
    settings.onEnd(sessionId)
    return { ...codes, logs: said.map(({ stdout, stderr }) => stdout + stderr).join('\n') }
  }

  async function stop(sessionId: string): Promise<void> {
    const task = tasks.get(sessionId)
    if (!gone.has(sessionId)) gone.set(sessionId, { status: 'gone', cause: null, detail: null })
    if (task) void podman(['stop', '--time', '60', task.names.gate]).catch(() => {})
  }

  return {
    final: true,
    tasks,
    door: () => door,
    start,
    stop,
    async inspect(sessionId) {
      const over = gone.get(sessionId)
      if (over) return over
      return tasks.has(sessionId) ? { status: 'running', endpoint: `unix:${socketOf(sessionId)}` } : { status: 'none' }
    },
    listSessionIds: async () => [...tasks.keys()].filter((id) => !gone.has(id)),
    heldMiB: async () => 0,
    async drain() {
      await Promise.all([...tasks.keys()].map(stop))
      await Promise.all([...tasks.values()].map(({ ended }) => ended))
      await door?.close()
    },
  }
}
