/** Plays ECS where moto is unlike it: client tokens, tasks that take time and end, what lists show, StopTask that reaches a process, events. */
import { randomUUID } from 'node:crypto'
import { type Answer, type Call, errorAnswer, jsonAnswer } from './call.ts'
import {
  type EcsTask,
  environmentOf,
  familyOf,
  newTask,
  type RunTaskInput,
  setContainer,
  stateChange,
} from './ecs-task.ts'
import type { Edge, Playing } from './edge.ts'
import { type Fargate, killGroup, type Machine, type Role } from './fargate.ts'

type Running = { task: EcsTask; input: RunTaskInput; machine: Machine | null; over: Promise<void> }

export type Ecs = {
  /** Every task there ever was. */
  tasks(): EcsTask[]
  /** Tasks that are not STOPPED. */
  alive(): EcsTask[]
  /** Where the gate with this address listens on loopback, while its machine is there. */
  portOf(address: string): number | null
  processes(): { role: Role; pid: number; startedBy: string }[]
  /** “ECS Task State Change”. */
  onChange(heard: (event: object) => void): void
  /** Spot takes the machine back: SIGTERM now, SIGKILL after the stop time-out. */
  reclaim(taskArn: string): void
  /** The machine is gone, without a word. */
  crash(taskArn: string): void
  stop(): Promise<void>
}

const most = 100

export function playEcs(edge: Edge, fargate: Fargate): Ecs {
  const known = new Map<string, Running>()
  const tokens = new Map<string, { asked: string; answer: Promise<Answer>; arns: string[] }>()
  const heard: ((event: object) => void)[] = []
  let addresses = 10
  let closing = false

  function changed(task: EcsTask, change: Partial<EcsTask>): void {
    Object.assign(task, change, { version: task.version + 1 })
    for (const tell of heard) tell(stateChange(task, randomUUID()))
  }

  async function live(one: Running): Promise<void> {
    const { task, input } = one
    const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
    await pause(fargate.settings.startMs / 2)
    if (task.desiredStatus === 'RUNNING') changed(task, { lastStatus: 'PENDING' })
    await pause(fargate.settings.startMs / 2)
    if (task.desiredStatus === 'RUNNING') {
      const machine = await fargate.start(task.taskArn.slice(-8), {
        gate: environmentOf(input, 'gate'),
        viewer: environmentOf(input, 'viewer'),
      })
      one.machine = machine
      for (const { role, gone } of machine.containers) void gone.then((ended) => setContainer(task, role, ended))
      for (const container of task.containers) container.lastStatus = 'RUNNING'
      for (const attachment of task.attachments) attachment.status = 'ATTACHED'
      changed(task, { lastStatus: 'RUNNING', startedAt: Date.now() / 1000 })
      // Told to stop while its containers were being started.
      if (stoppedSince(task)) void machine.stop()
      await machine.firstEnd
      tellToStop(task, { stopCode: 'EssentialContainerExited', stoppedReason: 'Essential container in task exited' })
      await machine.stop()
    }
    one.machine = null
    changed(task, { lastStatus: 'STOPPED', stoppedAt: Date.now() / 1000 })
  }

  const stoppedSince = ({ desiredStatus }: EcsTask): boolean => desiredStatus === 'STOPPED'

  /** The first reason stays. */
  function tellToStop(task: EcsTask, why: Pick<EcsTask, 'stopCode' | 'stoppedReason'>): void {
    if (task.desiredStatus === 'STOPPED') return
    const lastStatus = task.lastStatus === 'RUNNING' ? 'STOPPING' : task.lastStatus
    changed(task, { desiredStatus: 'STOPPED', lastStatus, ...why })
  }

  const runTask: Playing = async (call, pass) => {
    const input = inputOf<RunTaskInput>(call)
    const { clientToken, ...asked } = input
    const known = clientToken === undefined ? undefined : tokens.get(clientToken)
    if (known) {
      if (known.asked === JSON.stringify(asked)) return again(await known.answer)
      await known.answer
      const words = 'The client token was used with other parameters.'
      return errorAnswer(call, 'ConflictException', words, { resourceIds: known.arns })
    }
    const arns: string[] = []
    const answer = startOne(input, pass, arns)
    if (clientToken !== undefined) {
      tokens.set(clientToken, { asked: JSON.stringify(asked), answer, arns })
      // A refusal started nothing, so its token is as good as new.
      void answer.then(({ status }) => status !== 200 && tokens.delete(clientToken))
    }
    return answer
  }

  async function startOne(input: RunTaskInput, pass: Parameters<Playing>[1], arns: string[]): Promise<Answer> {
    const { status, body } = await pass()
    if (status !== 200) return { status, headers: { 'content-type': 'application/x-amz-json-1.1' }, body: String(body) }
    const { tasks = [] } = JSON.parse(body.toString('utf8')) as { tasks?: Partial<EcsTask>[] }
    addresses++
    const address = `10.40.${Math.floor(addresses / 250)}.${addresses % 250}`
    const task = newTask(tasks[0] ?? {}, input, address, Date.now())
    const one: Running = { task, input, machine: null, over: Promise.resolve() }
    known.set(task.taskArn, one)
    arns.push(task.taskArn)
    if (!closing)
      one.over = live(one).catch((error: unknown) => {
        fargate.settings.output(`the harness could not start a task: ${String(error)}\n`)
        tellToStop(task, { stopCode: 'TaskFailedToStart', stoppedReason: String(error) })
        changed(task, { lastStatus: 'STOPPED' })
      })
    return jsonAnswer({ tasks: [task], failures: [] })
  }

  /** The original task, as it is by now. */
  const again = (first: Answer): Answer => {
    if (first.status !== 200) return first
    const { tasks } = JSON.parse(first.body) as { tasks: EcsTask[] }
    return jsonAnswer({ tasks: tasks.map((task) => known.get(task.taskArn)?.task ?? task), failures: [] })
  }

  const find = (named: string): Running | undefined =>
    known.get(named) ?? [...known.values()].find(({ task }) => task.taskArn.endsWith(`/${named}`))

  edge.play('ecs.RunTask', runTask)
  edge.play('ecs.DescribeTasks', async (call) => {
    const { tasks = [] } = inputOf<{ tasks?: string[] }>(call)
    if (tasks.length === 0 || tasks.length > most)
      return errorAnswer(call, 'InvalidParameterException', 'Between 1 and 100 tasks can be described at once.')
    const failures = tasks.filter((arn) => !find(arn)).map((arn) => ({ arn, reason: 'MISSING' }))
    return jsonAnswer({ tasks: tasks.flatMap((arn) => find(arn)?.task ?? []), failures })
  })
  edge.play('ecs.ListTasks', async (call) => {
    const input = inputOf<{ startedBy?: string; family?: string; desiredStatus?: string; nextToken?: string }>(call)
    const { startedBy, family, desiredStatus = 'RUNNING', nextToken } = input
    if (startedBy !== undefined && family !== undefined)
      return errorAnswer(call, 'InvalidParameterException', 'startedBy must be the only filter.')
    const arns = [...known.values()].flatMap(({ task }) =>
      task.desiredStatus === desiredStatus &&
      (startedBy === undefined || task.startedBy === startedBy) &&
      (family === undefined || familyOf(task.taskDefinitionArn) === family)
        ? [task.taskArn]
        : [],
    )
    const from = Number(nextToken ?? 0)
    const more = arns.length > from + most ? { nextToken: String(from + most) } : {}
    return jsonAnswer({ taskArns: arns.slice(from, from + most), ...more })
  })
  edge.play('ecs.StopTask', async (call) => {
    const { task: named = '', reason = 'Task stopped by user' } = inputOf<{ task?: string; reason?: string }>(call)
    const one = find(named)
    if (!one) return errorAnswer(call, 'InvalidParameterException', 'The referenced task was not found.')
    tellToStop(one.task, { stopCode: 'UserInitiated', stoppedReason: reason })
    void one.machine?.stop()
    return jsonAnswer({ task: one.task })
  })

  const all = () => [...known.values()]
  return {
    tasks: () => all().map(({ task }) => task),
    alive: () => all().flatMap(({ task }) => (task.lastStatus === 'STOPPED' ? [] : [task])),
    portOf(address) {
      const own = ({ task }: Running) => task.attachments[0]?.details.some(({ value }) => value === address)
      return all().find(own)?.machine?.port ?? null
    },
    processes: () =>
      all().flatMap(({ task, machine }) =>
        (machine?.containers ?? []).flatMap(({ role, process, ended }) =>
          ended === null && process.pid !== undefined ? [{ role, pid: process.pid, startedBy: task.startedBy }] : [],
        ),
      ),
    onChange: (tell) => void heard.push(tell),
    reclaim(taskArn) {
      const one = find(taskArn)
      if (!one) return
      tellToStop(one.task, { stopCode: 'SpotInterruption', stoppedReason: 'Your Spot Task was interrupted.' })
      void one.machine?.stop()
    },
    crash(taskArn) {
      for (const { process } of find(taskArn)?.machine?.containers ?? []) killGroup(process)
    },
    async stop() {
      closing = true
      for (const { task, machine } of all()) {
        task.desiredStatus = 'STOPPED'
        for (const { process, ended } of machine?.containers ?? []) if (ended === null) killGroup(process)
      }
      await Promise.all(all().map(({ over }) => over))
    },
  }
}

const inputOf = <T>({ body }: Call): T => JSON.parse(body.toString('utf8') || '{}') as T
