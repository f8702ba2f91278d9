/**
 * Routes on AWS: a pool of slots that infra made (listener rule `/s/<nn>-*` → target group `nn`). A session leases one
 * while it is live; at run time only its one target is registered and deregistered.
 */
import {
  DeregisterTargetsCommand,
  DescribeTargetHealthCommand,
  type ElasticLoadBalancingV2Client,
  RegisterTargetsCommand,
  type TargetDescription,
} from '@aws-sdk/client-elastic-load-balancing-v2'
import { LauncherError } from '../../core/errors.ts'
import type { Clock, Router } from '../../core/ports.ts'
import { type Patience, withPatience } from './backoff.ts'
import { awsName, unavailable } from './errors.ts'
import type { Lease, Leases } from './leases.ts'

export type Slot = { /** Two digits. */ slot: string; targetGroupArn: string }

export type SlotRouter = Router & {
  /** Targets that no lease accounts for, for the hourly sweep; empty when all is well. */
  strayTargets(): Promise<{ slot: string; endpoint: string }[]>
  removeTarget(slot: string, endpoint: string): Promise<void>
  /** Sessions whose slot a later deploy has taken away: nothing leads to them any more. */
  lostSessionIds(): Promise<string[]>
}

type Deps = {
  elb: ElasticLoadBalancingV2Client
  leases: Leases
  slots: readonly Slot[]
  clock: Clock
  patience?: Patience
}

/** The path carries the session's id, so that a slot that is leased again never answers an old page. */
const pathOf = (slot: string, sessionId: string) => `/s/${slot}-${sessionId}/`

export function createRouter({ elb, leases, slots, clock, patience }: Deps): SlotRouter {
  const isDeployed = (slot: string): boolean => slots.some((one) => one.slot === slot)
  const groupOf = (slot: string): string => {
    const found = slots.find((one) => one.slot === slot)
    if (found) return found.targetGroupArn
    throw new LauncherError('unavailable', `Slot ${slot} is leased but not deployed. Deploy again with as many slots.`)
  }
  const call = async <T>(send: () => Promise<T>): Promise<T> => {
    try {
      return await withPatience(send, patience)
    } catch (error) {
      throw unavailable('The load balancer', error)
    }
  }

  async function leasesOf(sessionId: string): Promise<Lease[]> {
    const mine = (await leases.all()).filter((lease) => lease.sessionId === sessionId)
    return mine.sort((a, b) => (a.slot < b.slot ? -1 : 1))
  }

  /** Registered targets, draining ones left out, with whether they pass their health check. */
  async function targetsOf(slot: string): Promise<{ target: TargetDescription; healthy: boolean }[]> {
    const ask = new DescribeTargetHealthCommand({ TargetGroupArn: groupOf(slot) })
    const { TargetHealthDescriptions = [] } = await call(() =>
      elb.send(ask).catch((error: unknown) => {
        // A deploy with fewer slots has taken it away, and all that was in it.
        if (/^TargetGroupNotFound/.test(awsName(error))) return { TargetHealthDescriptions: [] }
        throw error
      }),
    )
    return TargetHealthDescriptions.flatMap(({ Target, TargetHealth }) =>
      Target === undefined || TargetHealth?.State === 'draining'
        ? []
        : [{ target: Target, healthy: TargetHealth?.State === 'healthy' }],
    )
  }

  async function deregister(slot: string, targets: TargetDescription[]): Promise<void> {
    if (targets.length === 0) return
    const command = new DeregisterTargetsCommand({ TargetGroupArn: groupOf(slot), Targets: targets })
    await call(() =>
      elb.send(command).catch((error: unknown) => {
        // Already gone: what was wanted.
        if (!/^(InvalidTarget|TargetGroupNotFound)(Exception)?$/.test(awsName(error))) throw error
      }),
    )
  }

  /**
   * Targets that were listed between two looks which both say “leased by this session” are its own or older: whoever acts on
   * them, however late, can't take away the target of who leases the slot next.
   */
  const stillHas = async (sessionId: string, slot: string): Promise<boolean> =>
    (await leasesOf(sessionId)).some((lease) => lease.slot === slot)

  return {
    // A slow call can still register a target after a close; the grace rule waits for it.
    final: false,

    async reserve(sessionId) {
      const all = await leases.all()
      const had = all.filter((lease) => lease.sessionId === sessionId).map(({ slot }) => slot)
      const taken = new Set(all.map(({ slot }) => slot))
      const free = had.length > 0 ? [] : shuffled(slots.map(({ slot }) => slot).filter((slot) => !taken.has(slot)))
      for (const slot of free) if (await leases.take(slot, sessionId, clock.now())) break
      // Two calls for one session may have taken one each: both keep the same one.
      const [kept, ...others] = await leasesOf(sessionId)
      for (const { slot } of others) await leases.give(slot, sessionId)
      if (kept) return { path: pathOf(kept.slot, sessionId) }
      throw new LauncherError(
        'no-room',
        `All ${slots.length} places of this launcher are taken. Try again when a viewer has gone to sleep.`,
        { slots: slots.length },
      )
    },

    async open(sessionId, endpoint) {
      const [lease] = await leasesOf(sessionId)
      if (!lease) throw closed()
      const target = targetOf(endpoint)
      // What an earlier holder left behind would get this session's requests.
      const others = (await targetsOf(lease.slot)).filter((other) => !same(other.target, target))
      if (others.length > 0 && !(await stillHas(sessionId, lease.slot))) throw closed()
      await deregister(
        lease.slot,
        others.map((other) => other.target),
      )
      const register = new RegisterTargetsCommand({ TargetGroupArn: groupOf(lease.slot), Targets: [target] })
      await call(() => elb.send(register))
      if (await leases.setEndpoint(lease.slot, sessionId, endpoint)) return
      // Closed meanwhile: nobody else will take this target away.
      await deregister(lease.slot, [target])
      throw closed()
    },

    /** A group with only unhealthy targets fails open, so *open* is ours to say: the target passes its health check. */
    async status(sessionId) {
      const [lease] = await leasesOf(sessionId)
      if (!lease) return 'none'
      if (lease.endpoint === null) return 'reserved'
      const target = targetOf(lease.endpoint)
      const found = (await targetsOf(lease.slot)).find((one) => same(one.target, target))
      return found?.healthy ? 'open' : 'reserved'
    },

    async close(sessionId) {
      for (const { slot } of await leasesOf(sessionId)) {
        // A slot that a later deploy has no more can't be left leased: its session would never be over.
        const targets = isDeployed(slot) ? (await targetsOf(slot)).map(({ target }) => target) : []
        if (targets.length > 0 && (await stillHas(sessionId, slot))) await deregister(slot, targets)
        // Last: until then nobody else may use the slot.
        await leases.give(slot, sessionId)
      }
    },

    async listSessionIds() {
      return [...new Set((await leases.all()).map(({ sessionId }) => sessionId))]
    },

    async strayTargets() {
      // Targets first: what is registered in between has its lease by the time that leases are read.
      const found: { slot: string; endpoint: string }[] = []
      for (const { slot } of slots)
        for (const { target } of await targetsOf(slot)) found.push({ slot, endpoint: endpointOf(target) })
      const leased = new Map((await leases.all()).map(({ slot, endpoint }) => [slot, endpoint]))
      return found.filter(({ slot, endpoint }) => {
        const own = leased.get(slot)
        // Leased, and not open yet: that one may be on its way to become its own.
        return own === undefined || (own !== null && own !== endpoint)
      })
    },

    removeTarget: (slot, endpoint) => deregister(slot, [targetOf(endpoint)]),

    async lostSessionIds() {
      return (await leases.all()).flatMap(({ slot, sessionId }) => (isDeployed(slot) ? [] : [sessionId]))
    },
  }
}

const closed = () => new LauncherError('session-over', 'The route of this session was closed.')

/** Two launches at once that both began with the first free slot would fight over each in turn. */
function shuffled<T>(items: readonly T[]): T[] {
  const order = items.map((item) => ({ item, at: Math.random() }))
  return order.sort((a, b) => a.at - b.at).map(({ item }) => item)
}

function targetOf(endpoint: string): TargetDescription & { Id: string; Port: number } {
  const found = /^http:\/\/([\d.]+):(\d+)$/.exec(endpoint)
  if (!found) throw new LauncherError('bad-request', 'A route on AWS leads to an address and a port.')
  return { Id: found[1] ?? '', Port: Number(found[2]) }
}

const endpointOf = ({ Id, Port }: TargetDescription): string => `http://${Id}:${Port}`
const same = (a: TargetDescription, b: TargetDescription): boolean => a.Id === b.Id && a.Port === b.Port
