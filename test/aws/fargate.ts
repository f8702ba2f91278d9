/**
 * Plays Fargate's machines: starts the real gate and the real viewer for a task, with the overrides' environment, in a folder
 * that stands for the volume at /task; ends them as ECS ends containers; says what became of them.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, rmSync } from 'node:fs'
import path from 'node:path'
import { taskShape } from '../../functions/platform/aws/settings.ts'
import { freePort } from '../support/free-port.ts'
import { watchOver } from './guard.ts'

export type Role = 'gate' | 'viewer'
export const roles: readonly Role[] = ['gate', 'viewer']

export type FargateSettings = {
  /** Short: Unix sockets lie below it. */
  dir: string
  gateCommand: readonly string[]
  /** The harness appends where the viewer listens and what it may use. */
  viewerCommand: readonly string[]
  /** From SIGTERM to SIGKILL, ms; 120 s is the most that Fargate gives. */
  stopTimeoutMs: number
  /** Until the containers run, ms: 45 to 90 s on AWS. */
  startMs: number
  output: (text: string) => void
}

export type Ended = { exitCode: number }
export type Container = { role: Role; process: ChildProcess; ended: Ended | null; gone: Promise<Ended> }

export type Machine = {
  /** Where its gate listens on loopback. */
  port: number
  containers: readonly Container[]
  /** Told to stop: the gate first (it depends on the viewer), then the viewer. Resolves when both are gone. */
  stop(): Promise<void>
  /** Resolves with the container that ended first, by itself or told. */
  firstEnd: Promise<Container>
  allEnded: Promise<void>
}

export type Fargate = {
  start(name: string, environment: Record<Role, Readonly<Record<string, string>>>): Promise<Machine>
  settings: FargateSettings
}

export function createFargate(settings: FargateSettings): Fargate {
  return {
    settings,
    async start(name, environment) {
      const volume = path.join(settings.dir, name)
      const at = (file: string) => volume + file.slice(taskShape.taskDir.length)
      mkdirSync(path.dirname(at(taskShape.viewerSocket)), { recursive: true, mode: 0o700 })
      const port = await freePort()
      const config = mapped(environment.gate.GATE_CONFIG ?? '', volume, port)
      const memory = environment.viewer.CXOD_MEMORY_MIB
      const own = ['--task-socket', at(taskShape.taskSocket), '--listen', `unix:${at(taskShape.viewerSocket)}`]
      const bound = memory === undefined ? [] : ['--memory-mib', memory]
      const begin = (
        role: Role,
        [program = '', ...args]: readonly string[],
        more: Record<string, string>,
      ): Container => {
        const child = spawn(program, args, {
          detached: true,
          stdio: ['ignore', 'pipe', 'pipe'],
          // Images have no more than this; nothing of whoever runs the harness.
          env: { PATH: process.env.PATH ?? '', HOME: '/tmp', TMPDIR: '/tmp', ...environment[role], ...more },
        })
        watchOver(child, true)
        for (const stream of [child.stdout, child.stderr])
          stream.on('data', (text: Buffer) => settings.output(text.toString('utf8')))
        const gone = new Promise<Ended>((resolve) => {
          child.once('error', () => resolve({ exitCode: 127 }))
          child.once('exit', (code, signal) => resolve({ exitCode: code ?? (signal === 'SIGKILL' ? 137 : 143) }))
        })
        const container: Container = { role, process: child, ended: null, gone }
        void gone.then((ended) => {
          container.ended = ended
        })
        return container
      }
      const viewer = begin('viewer', [...settings.viewerCommand, ...own, ...bound], {})
      const gate = begin('gate', settings.gateCommand, { GATE_CONFIG: config })
      const containers = [gate, viewer]
      const allEnded = Promise.all(containers.map(({ gone }) => gone)).then(() =>
        rmSync(volume, { recursive: true, force: true }),
      )
      let stopping: Promise<void> | null = null
      const stop = async () => {
        for (const container of containers) await endContainer(container, settings.stopTimeoutMs)
        await allEnded
      }
      return {
        port,
        containers,
        firstEnd: Promise.race(containers.map((container) => container.gone.then(() => container))),
        allEnded,
        stop: () => {
          stopping ??= stop()
          return stopping
        },
      }
    },
  }
}

/** SIGTERM, then SIGKILL; a process that was told in its first moments may have missed it, so it is told again. */
async function endContainer({ process: child, ended, gone }: Container, timeoutMs: number): Promise<void> {
  if (ended !== null) return
  child.kill('SIGTERM')
  const again = setInterval(() => child.kill('SIGTERM'), 1_000)
  const kill = setTimeout(() => killGroup(child), timeoutMs)
  await gone
  clearInterval(again)
  clearTimeout(kill)
}

/** At once, as a machine that is gone. */
export function killGroup({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL')
  } catch {
    // gone already
  }
}

/** The gate's configuration as the override gave it, with the volume's place and port of this machine. */
function mapped(text: string, volume: string, port: number): string {
  const config: unknown = JSON.parse(text)
  const place = (value: unknown): unknown => {
    if (typeof value !== 'string') return value
    if (value === `tcp:0.0.0.0:${taskShape.gatePort}`) return `tcp:127.0.0.1:${port}`
    return value.replace(/^(unix:)?\/task(?=\/|$)/, (_, scheme = '') => scheme + volume)
  }
  const entries = Object.entries(config as Record<string, unknown>)
  return JSON.stringify(Object.fromEntries(entries.map(([name, value]) => [name, place(value)])))
}
