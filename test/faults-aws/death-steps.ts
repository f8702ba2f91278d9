/** The steps in which a Lambda is made to die: how a person gets there, and what the Lambda does. */
import { RegisterTargetsCommand } from '@aws-sdk/client-elastic-load-balancing-v2'
import type { GatePrincipal, User } from '../../functions/core/principal.ts'
import type { Session } from '../../functions/core/session.ts'
import { newSessionId } from '../../functions/platform/session-id.ts'
import { aDataset } from '../lobby/fake-launcher.ts'
import { aSession } from '../support/sessions.ts'
import { type Process, startProcess } from './process.ts'
import { minute, type World } from './world.ts'

export type Step = {
  name: string
  /** Brings a person to where the step begins, by processes that live. */
  prepare(world: World, who: User): Promise<void>
  /** How long after that it happens. */
  laterMs?: number
  act(process: Process, world: World, who: User): Promise<unknown>
  /** Once its first call had its effect, the viewer is ended within minutes, whoever dies; not only when it would sleep anyway. */
  endsSoon?: true
  /** It acts on everybody's at once, so each death has the account for itself. */
  alone?: true
}

export const gateOf = ({ id, ownerId, datasetId }: Session): GatePrincipal => ({
  kind: 'gate',
  sessionId: id,
  ownerId,
  datasetId,
})

export const start = (world: World, who: User): Promise<Session> =>
  startProcess(world).launcher.launch(who, 'pbmc', { by: 'click' })

export async function ready(world: World, who: User): Promise<Session> {
  const { launcher } = startProcess(world)
  const gate = gateOf(await start(world, who))
  const [{ status: knocked }, { status: admitted }] = [await launcher.knock(gate), await launcher.loaded(gate)]
  if (knocked !== 'work' || admitted !== 'stay') throw new Error(`the gate was told ${knocked}, then ${admitted}`)
  return current(world, who)
}

export async function current(world: World, who: User): Promise<Session> {
  const session = await world.sessionOf(who)
  if (session === null) throw new Error(`${who.name} has no session`)
  return session
}

/** A task, a lease and a target of a session that nobody has. */
export async function leak(world: World): Promise<string> {
  const { ports } = startProcess(world)
  const sessionId = newSessionId()
  await ports.router.reserve(sessionId)
  const size = { memoryMiB: 1024, vcpu: 0.5 }
  await ports.tasks.start({ sessionId, datasetId: 'pbmc', attempt: 1, size, gateToken: 'token' })
  const task = await ports.tasks.inspect(sessionId)
  if (task.status !== 'running') throw new Error(`the task is ${task.status}`)
  await ports.router.open(sessionId, task.endpoint)
  return sessionId
}

export async function leaveTarget(world: World, slot: number, address: string): Promise<void> {
  const TargetGroupArn = world.slots[slot]?.targetGroupArn
  await world.elb.send(new RegisterTargetsCommand({ TargetGroupArn, Targets: [{ Id: address, Port: 8080 }] }))
}

let versions = 1

export const steps: readonly Step[] = [
  {
    name: 'launch',
    prepare: async () => {},
    act: ({ launcher }, _, who) => launcher.launch(who, 'pbmc', { by: 'click' }),
  },
  {
    name: 'knock',
    prepare: async (world, who) => void (await start(world, who)),
    act: async ({ launcher }, world, who) => launcher.knock(gateOf(await current(world, who))),
  },
  {
    name: 'loaded',
    async prepare(world, who) {
      await startProcess(world).launcher.knock(gateOf(await start(world, who)))
    },
    act: async ({ launcher }, world, who) => launcher.loaded(gateOf(await current(world, who))),
  },
  {
    name: 'stop of a viewer that is ready',
    prepare: async (world, who) => void (await ready(world, who)),
    laterMs: 2 * minute,
    act: async ({ launcher }, world, who) => launcher.stop(who, (await current(world, who)).id),
  },
  {
    name: 'stop of a viewer that starts',
    prepare: async (world, who) => void (await start(world, who)),
    act: async ({ launcher }, world, who) => launcher.stop(who, (await current(world, who)).id),
  },
  {
    name: 'a task event',
    endsSoon: true,
    async prepare(world, who) {
      await world.kill(await ready(world, who))
    },
    laterMs: 2 * minute,
    act: async ({ launcher }, world, who) => launcher.taskChanged((await current(world, who)).id),
  },
  {
    name: 'reap',
    alone: true,
    prepare: async (world, who) => void (await ready(world, who)),
    laterMs: 40 * minute,
    act: ({ tick }) => tick(),
  },
  {
    name: 'the place of who waits',
    alone: true,
    async prepare(world, { id: ownerId, name: ownerName }) {
      const { now } = world
      const times = { createdAt: now, lastSeenAt: now, lastActiveAt: now, dueAt: now + minute, unsettledAt: 0 }
      const waits = { state: 'queued', requestedAt: null, routePath: '', ...times } as const
      await world.sessions.claim(aSession({ id: newSessionId(), ownerId, ownerName, ...waits }))
    },
    act: ({ tick }) => tick(),
  },
  {
    name: 'sweep',
    alone: true,
    prepare: async (world) => void (await leak(world)),
    act: ({ tick }) => tick(),
  },
  {
    name: 'the change of a dataset',
    endsSoon: true,
    alone: true,
    prepare: async (world, who) => void (await ready(world, who)),
    laterMs: 2 * minute,
    // Who reads files may only write the catalogue: its viewers are ended by the minute.
    async act({ ports, tick }) {
      await ports.catalogue.put(aDataset({ sizeBytes: 7, version: `v${++versions}` }))
      await tick()
    },
  },
]
