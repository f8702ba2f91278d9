/** What all processes of a fault test share: the emulated account, the clock, and what a person would see of leaks in AWS's console. */
import { randomUUID } from 'node:crypto'
import {
  CreateClusterCommand,
  DescribeTasksCommand,
  ECSClient,
  ListTasksCommand,
  RegisterTaskDefinitionCommand,
  StopTaskCommand,
} from '@aws-sdk/client-ecs'
import {
  CreateTargetGroupCommand,
  DescribeTargetHealthCommand,
  ElasticLoadBalancingV2Client,
} from '@aws-sdk/client-elastic-load-balancing-v2'
import { CreateBucketCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { NodeHttpHandler } from '@smithy/node-http-handler'
import type { Log } from '../../functions/core/ports.ts'
import type { User } from '../../functions/core/principal.ts'
import { isLive, type Session } from '../../functions/core/session.ts'
import { createLeases } from '../../functions/platform/aws/leases.ts'
import type { Slot } from '../../functions/platform/aws/router.ts'
import { createCatalogue } from '../../functions/platform/dynamo/catalogue.ts'
import { createReceiptStore } from '../../functions/platform/dynamo/receipts.ts'
import { createSessionStore } from '../../functions/platform/dynamo/sessions.ts'
import { aDataset } from '../lobby/fake-launcher.ts'
import { type Moto, startMoto } from '../support/moto.ts'
import { startTables, type Tables } from '../support/tables.ts'

export type World = Awaited<ReturnType<typeof makeWorld>>

export const minute = 60_000
export const person = (name: string): User => ({
  kind: 'user',
  id: `local:${name}`,
  name,
  email: null,
  groups: [],
  admin: false,
  loginId: null,
})

export type Emulators = { moto: Moto; tables: Tables }

export async function startEmulators(): Promise<Emulators> {
  const [moto, tables] = await Promise.all([startMoto(), startTables()])
  // Left to itself moto's tasks stop at the fourth look.
  const transition = { progression: 'manual', times: 1_000_000 }
  await fetch(`${moto.endpoint}/moto-api/state-manager/set-transition`, {
    method: 'POST',
    body: JSON.stringify({ model_name: 'ecs::task', transition }),
  })
  return { moto, tables }
}

/** @param slotCount how many sessions can be live at once; some deaths leave one until the reaper comes */
export async function makeWorld({ moto, tables }: Emulators, slotCount: number) {
  const handler = new NodeHttpHandler()
  const config = { ...moto.clientConfig, requestHandler: handler }
  const [ecs, elb] = [new ECSClient(config), new ElasticLoadBalancingV2Client(config)]
  const s3 = new S3Client({ ...config, forcePathStyle: true })
  const [cluster, bucket] = [`viewers-${randomUUID()}`, `b-${randomUUID()}`]
  const [{ vpcId, subnetIds }, table] = await Promise.all([moto.network(), tables.empty()])
  await ecs.send(new CreateClusterCommand({ clusterName: cluster }))
  const containerDefinitions = ['gate', 'viewer'].map((name) => ({ name, image: name, memory: 512 }))
  const shape = { family: 'viewer', networkMode: 'awsvpc', cpu: '512', memory: '1024', containerDefinitions } as const
  await ecs.send(new RegisterTaskDefinitionCommand(shape))
  await s3.send(new CreateBucketCommand({ Bucket: bucket }))
  await s3.send(new PutObjectCommand({ Bucket: bucket, Key: 'public/pbmc.h5ad', Body: 'content' }))
  const slots: Slot[] = await Promise.all(
    Array.from({ length: slotCount }, async (_, n) => {
      const Name = `g-${randomUUID().slice(0, 20)}`
      const group = { Name, Protocol: 'HTTP', Port: 8080, VpcId: vpcId, TargetType: 'ip' } as const
      const { TargetGroups } = await elb.send(new CreateTargetGroupCommand(group))
      return { slot: String(n).padStart(2, '0'), targetGroupArn: TargetGroups?.[0]?.TargetGroupArn ?? '' }
    }),
  )
  const catalogue = createCatalogue(table)
  const sessions = createSessionStore(table)
  await catalogue.put(aDataset({ sizeBytes: 7 }))

  /** ECS keeps a client token's first answer; moto ignores the token. */
  const started = new Map<string, { body: string; answer: Promise<unknown> }>()
  /** Ids of the tasks that were ever started, by session. */
  async function allTasks(): Promise<Map<string, { arn: string; running: boolean }[]>> {
    const arns: string[] = []
    for (const desiredStatus of ['RUNNING', 'STOPPED'] as const)
      arns.push(...((await ecs.send(new ListTasksCommand({ cluster, desiredStatus }))).taskArns ?? []))
    const found = new Map<string, { arn: string; running: boolean }[]>()
    for (let at = 0; at < arns.length; at += 100) {
      const { tasks = [] } = await ecs.send(new DescribeTasksCommand({ cluster, tasks: arns.slice(at, at + 100) }))
      for (const { taskArn: arn = '', startedBy = '', lastStatus } of tasks)
        found.set(startedBy, [...(found.get(startedBy) ?? []), { arn, running: lastStatus !== 'STOPPED' }])
    }
    return found
  }

  const logged: { event: string; fields: object }[] = []
  const log: Log = (_, event, fields = {}) => void logged.push({ event, fields })
  const world = {
    moto,
    tables,
    table,
    handler,
    cluster,
    bucket,
    subnets: subnetIds.slice(0, 2),
    slots,
    ecs,
    elb,
    logged,
    log,
    catalogue,
    sessions,
    receipts: createReceiptStore(table),
    leases: createLeases(table),
    now: 1_800_000_000_000,
    clock: { now: (): number => world.now },
    allTasks,

    async onceByToken<T>(request: unknown, run: () => Promise<T>): Promise<T> {
      const body = String((request as { body?: unknown }).body)
      const { clientToken } = JSON.parse(body) as { clientToken: string }
      const known = started.get(clientToken)
      if (known === undefined) {
        const answer = run()
        started.set(clientToken, { body, answer })
        answer.catch(() => started.delete(clientToken))
        return answer
      }
      if (known.body !== body) throw new Error('ConflictException: another request with this client token')
      return known.answer as Promise<T>
    },

    async targets(): Promise<string[]> {
      const each = slots.map(async ({ slot, targetGroupArn }) => {
        const ask = new DescribeTargetHealthCommand({ TargetGroupArn: targetGroupArn })
        const { TargetHealthDescriptions = [] } = await elb.send(ask)
        return TargetHealthDescriptions.flatMap(({ Target, TargetHealth }) =>
          TargetHealth?.State === 'draining' ? [] : [`${slot} ${Target?.Id}`],
        )
      })
      return (await Promise.all(each)).flat()
    },

    /** Everything that costs or takes a place although no live session has it. */
    async leaks(): Promise<string[]> {
      const live = new Set((await sessions.listLive()).map(({ id }) => id))
      const leases = await world.leases.all()
      const tasks = [...(await allTasks())].filter(([id, all]) => all.some(({ running }) => running) && !live.has(id))
      const leased = new Set(leases.filter(({ sessionId }) => live.has(sessionId)).map(({ slot }) => slot))
      return [
        ...tasks.map(([id]) => `task of ${id}`),
        ...leases.filter(({ sessionId }) => !live.has(sessionId)).map(({ sessionId }) => `lease of ${sessionId}`),
        ...(await world.targets()).filter((target) => !leased.has(target.slice(0, 2))).map((one) => `target ${one}`),
      ]
    },

    /** The session's task ends by itself, as far as ECS tells. */
    async kill({ id }: Session, reason = 'Essential container in task exited'): Promise<void> {
      for (const { arn, running } of (await allTasks()).get(id) ?? [])
        if (running) await ecs.send(new StopTaskCommand({ cluster, task: arn, reason }))
    },

    async sessionOf(who: User): Promise<Session | null> {
      return sessions.get(who.id, 'pbmc')
    },
    isLive,
    close: () => handler.destroy(),
  }
  return world
}
