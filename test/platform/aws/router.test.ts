/** The slot pool against moto's load balancer and DynamoDB Local: the router's contract, and what only a pool can do wrong. */
import { randomUUID } from 'node:crypto'
import {
  CreateTargetGroupCommand,
  DescribeTargetHealthCommand,
  ElasticLoadBalancingV2Client,
  RegisterTargetsCommand,
} from '@aws-sdk/client-elastic-load-balancing-v2'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createLeases } from '../../../functions/platform/aws/leases.ts'
import { createRouter, type Slot } from '../../../functions/platform/aws/router.ts'
import { type RouterUnderTest, routerContract } from '../../contracts/router.contract.ts'
import { type Moto, startMoto } from '../../support/moto.ts'
import { startTables, type Tables } from '../../support/tables.ts'

let moto: Moto
let tables: Tables
let elb: ElasticLoadBalancingV2Client
const pool: Slot[] = []
const clock = { now: () => 1_700_000_000_000 }
const session = (n: number) =>
  `s${String(n)
    .padStart(3, '0')
    .replace(/\d/g, (d) => 'abcdefghij'[Number(d)] ?? '')}${'a'.repeat(16)}`

beforeAll(async () => {
  ;[moto, tables] = await Promise.all([startMoto(), startTables()])
  elb = new ElasticLoadBalancingV2Client(moto.clientConfig)
  const { vpcId } = await moto.network()
  for (let n = 0; n < 8; n++) pool.push(await slot(n, vpcId))
}, 120_000)
afterAll(async () => {
  elb?.destroy()
  await Promise.all([moto?.stop(), tables?.stop()])
})

async function slot(n: number, vpcId: string): Promise<Slot> {
  const group = {
    Name: `g-${randomUUID().slice(0, 20)}`,
    Protocol: 'HTTP',
    Port: 8080,
    VpcId: vpcId,
    TargetType: 'ip',
  } as const
  const { TargetGroups } = await elb.send(new CreateTargetGroupCommand(group))
  return { slot: String(n).padStart(2, '0'), targetGroupArn: TargetGroups?.[0]?.TargetGroupArn ?? '' }
}

let address = 0
const endpoint = () => `http://10.0.${Math.floor(++address / 250)}.${address % 250}:8080`

async function make(slots = pool.slice(0, 3)): Promise<RouterUnderTest & { slots: Slot[] }> {
  const table = await tables.empty()
  const create = () => createRouter({ elb, leases: createLeases(table), slots, clock })
  // Groups are shared by the tests of this file, one after the other.
  const router = create()
  for (const stray of await router.strayTargets()) await router.removeTarget(stray.slot, stray.endpoint)
  return { router, again: create, endpoint, room: slots.length, settle: async () => {}, slots }
}

const targetsOf = async ({ targetGroupArn }: Slot) => {
  const { TargetHealthDescriptions = [] } = await elb.send(
    new DescribeTargetHealthCommand({ TargetGroupArn: targetGroupArn }),
  )
  return TargetHealthDescriptions.filter(({ TargetHealth }) => TargetHealth?.State !== 'draining').map(
    ({ Target }) => Target?.Id,
  )
}

routerContract('load balancer', make)

describe('the slot pool', () => {
  test('an open takes away what an earlier holder left in the slot', async () => {
    const { router, slots } = await make(pool.slice(0, 1))
    const [one] = slots as [Slot]
    await elb.send(
      new RegisterTargetsCommand({ TargetGroupArn: one.targetGroupArn, Targets: [{ Id: '10.9.9.9', Port: 8080 }] }),
    )
    await router.reserve(session(1))
    await router.open(session(1), 'http://10.1.1.1:8080')
    expect(await targetsOf(one)).toEqual(['10.1.1.1'])
    await router.close(session(1))
    expect(await targetsOf(one)).toEqual([])
  })

  test('finds targets that no lease accounts for', async () => {
    const slots = pool.slice(0, 2)
    await make(slots)
    const table = createRouter({ elb, leases: createLeases(await tables.empty()), slots, clock })
    const [, two] = slots as [Slot, Slot]
    await elb.send(
      new RegisterTargetsCommand({ TargetGroupArn: two.targetGroupArn, Targets: [{ Id: '10.8.8.8', Port: 8080 }] }),
    )
    const stray = [{ slot: two.slot, endpoint: 'http://10.8.8.8:8080' }]
    expect(await table.strayTargets()).toEqual(stray)
    await table.removeTarget(two.slot, 'http://10.8.8.8:8080')
    expect(await table.strayTargets()).toEqual([])
  })

  test('1,000 launches against 8 slots: never two sessions on a slot, and all are free in the end', async () => {
    const table = await tables.empty()
    const leases = createLeases(table)
    const routers = Array.from({ length: 4 }, () => createRouter({ elb, leases, slots: pool, clock }))
    const holders = new Map<string, string>()
    let served = 0
    let refused = 0
    async function person(n: number): Promise<void> {
      const router = routers[n % routers.length] as (typeof routers)[number]
      try {
        const { path } = await router.reserve(session(n))
        const taken = path.slice(3, 5)
        expect(holders.get(taken), `slot ${taken}`).toBeUndefined()
        holders.set(taken, session(n))
        served++
        await new Promise((resolve) => setTimeout(resolve, n % 7))
        holders.delete(taken)
        await leases.give(taken, session(n))
      } catch (error) {
        expect(error).toMatchObject({ code: 'no-room' })
        refused++
      }
    }
    for (let at = 0; at < 1000; at += 25) await Promise.all(Array.from({ length: 25 }, (_, i) => person(at + i)))
    expect(served + refused).toBe(1000)
    expect(served).toBeGreaterThanOrEqual(8 * 40)
    expect(await leases.all()).toEqual([])
  }, 120_000)
})
