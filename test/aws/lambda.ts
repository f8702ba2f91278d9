/**
 * Runs a function's bundle as Lambda does: a process of its own that handles one event at a time and stands still between
 * events, more of them while all are busy, killed at the function's time-out; nothing in its environment but what infra sets.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import path from 'node:path'
import { projectRoot } from '../../functions/setup/python.ts'
import { watchOver } from './guard.ts'

export type FunctionSettings = {
  /** Access key of its calls, so that the edge can tell functions apart; its name in logs. */
  name: string
  /** The file whose `handler` is called. */
  program: string
  environment: Readonly<Record<string, string>>
  /** Looked at for each event. */
  timeoutMs: number
  /** Processes at once; more calls are refused as Lambda throttles them. */
  most?: number
  /** Takes what it prints. */
  output?: (text: string) => void
}

/** The process dies at the n-th call (from 1) that it makes while it handles the next event. */
export type Death = {
  call: number /** Before it is sent, or when its answer begins to arrive. */
  when: 'before' | 'after'
}

export type Outcome =
  | { kind: 'answer'; value: unknown /** AWS calls made meanwhile. */; calls: number }
  | { kind: 'error'; name: string; message: string }
  | { kind: 'timeout' }
  /** The process ended. */
  | { kind: 'died' }
  | { kind: 'throttled' }

export type LambdaFunction = {
  name: string
  /** Waits for the answer, as a function URL does. */
  invoke(event: unknown): Promise<Outcome>
  /** Twice more when it fails, as for events of S3, EventBridge and the schedule; resolves with the last outcome. */
  invokeAsync(event: unknown): Promise<Outcome>
  /** Of the next event. */
  dieAt(death: Death): void
  /** Processes made so far; each is one cold start. */
  starts(): number
  pids(): number[]
  /** Ends every process; the next event starts a fresh one. */
  recycle(): Promise<void>
  stop(): Promise<void>
}

type Instance = {
  child: ChildProcess
  busy: boolean
  /** Its code is loaded: until then no time of an event's own has passed. */
  ready: Promise<void>
  gone: Promise<void>
}
/** How far the functions' clocks are ahead of the machine's, ms: nobody wants to wait half an hour to see a viewer sleep. */
export type Ahead = { ms: number }

const host = path.join(projectRoot(), 'test', 'aws', 'lambda-host.mjs')
const retries = 2
const retryMs = 200

export function createFunction(settings: FunctionSettings, ahead: Ahead = { ms: 0 }): LambdaFunction {
  const { name, program, environment, most = 20, output = () => {} } = settings
  const instances = new Set<Instance>()
  let started = 0
  let death: Death | null = null
  let stopped = false

  function begin(): Instance {
    started++
    const child = fork(host, [program], {
      execArgv: [],
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      env: {
        PATH: process.env.PATH ?? '',
        LANG: 'en_US.UTF-8',
        TZ: ':UTC',
        AWS_REGION: 'us-east-1',
        AWS_DEFAULT_REGION: 'us-east-1',
        AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs22.x',
        AWS_LAMBDA_FUNCTION_NAME: name,
        AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '1024',
        AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
        AWS_ACCESS_KEY_ID: name.replace(/[^a-z0-9]/gi, ''),
        AWS_SECRET_ACCESS_KEY: 'test',
        AWS_SESSION_TOKEN: 'test',
        AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
        ...environment,
      },
    })
    watchOver(child)
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (text: Buffer) => output(text.toString('utf8')))
    const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()))
    const ready = new Promise<void>((resolve) => child.once('message', () => resolve()))
    const instance: Instance = { child, busy: true, ready, gone }
    child.on('error', () => {})
    instances.add(instance)
    void gone.then(() => instances.delete(instance))
    return instance
  }

  async function invoke(event: unknown): Promise<Outcome> {
    if (stopped) return { kind: 'died' }
    const idle = [...instances].find(({ busy }) => !busy)
    if (!idle && instances.size >= most) return { kind: 'throttled' }
    const instance = idle ?? begin()
    const { child } = instance
    const { timeoutMs } = settings
    instance.busy = true
    if (idle) child.kill('SIGCONT')
    const id = randomUUID()
    const die = death
    death = null
    await Promise.race([instance.ready, instance.gone])
    const outcome = await new Promise<Outcome>((resolve) => {
      const timer = setTimeout(() => {
        child.kill('SIGKILL')
        resolve({ kind: 'timeout' })
      }, timeoutMs)
      const heard = (message: { id: string; outcome: Outcome }) => {
        if (message.id !== id) return
        // At once, as Lambda freezes: whatever a handler left running must not get on behind its answer.
        child.kill('SIGSTOP')
        finish(message.outcome)
      }
      const finish = (result: Outcome) => {
        clearTimeout(timer)
        child.off('message', heard)
        resolve(result)
      }
      child.on('message', heard)
      void instance.gone.then(() => finish({ kind: 'died' }))
      child.send({ id, event, name, timeoutMs, aheadMs: ahead.ms, die }, () => {})
    })
    if (outcome.kind === 'timeout' || outcome.kind === 'died') await instance.gone
    instance.busy = false
    return outcome
  }

  async function end(): Promise<void> {
    const ending = [...instances]
    for (const { child } of ending) child.kill('SIGKILL')
    await Promise.all(ending.map(({ gone }) => gone))
  }

  return {
    name,
    invoke,
    async invokeAsync(event) {
      for (let left = retries; ; left--) {
        const outcome = await invoke(event)
        if (outcome.kind === 'answer' || left === 0 || stopped) return outcome
        await new Promise((resolve) => setTimeout(resolve, retryMs))
      }
    },
    dieAt(at) {
      death = at
    },
    starts: () => started,
    pids: () => [...instances].flatMap(({ child }) => child.pid ?? []),
    recycle: end,
    async stop() {
      stopped = true
      await end()
    },
  }
}
