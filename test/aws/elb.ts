/**
 * The load balancer's knowledge: rules and targets as the emulator has them, health as checks of our own find it (moto's
 * targets are healthy from the first moment and for ever). Answers DescribeTargetHealth with it.
 */
import http from 'node:http'
import {
  type Rule as AlbRule,
  DescribeListenersCommand,
  DescribeRulesCommand,
  DescribeTargetGroupsCommand,
  DescribeTargetHealthCommand,
  ElasticLoadBalancingV2Client,
  type TargetGroup,
} from '@aws-sdk/client-elastic-load-balancing-v2'
import { formOf } from './call.ts'
import type { Edge } from './edge.ts'

export type Health = 'initial' | 'healthy' | 'unhealthy' | 'draining'
export type Target = { id: string; port: number; health: Health; failures: number; drainedAt: number }
export type Rule = { priority: number; patterns: string[]; group: string }

export type Elb = {
  rules(): Promise<Rule[]>
  /** Registered targets of a group, draining ones too. */
  targets(group: string): Target[]
  groups(): string[]
  stop(): Promise<void>
}

export type ElbSettings = {
  endpoint: string
  /** Where a target's address is on this machine; null: nothing answers there. */
  portOf(address: string): number | null
  /** Between two checks of one group, ms; infra asks for 5 s. */
  checkEveryMs: number
}

const rulesKeptMs = 5_000

export async function playElb(edge: Edge, settings: ElbSettings): Promise<Elb> {
  const { checkEveryMs, portOf } = settings
  const elb = new ElasticLoadBalancingV2Client({
    endpoint: settings.endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  })
  const known = new Map<string, Map<string, Target>>()
  const shapes = new Map<string, TargetGroup>()
  let rules: { at: number; found: Promise<Rule[]> } | null = null
  let stopped = false

  const groupOf = (arn: string) => {
    const found = known.get(arn) ?? new Map<string, Target>()
    known.set(arn, found)
    return found
  }

  async function readRules(): Promise<Rule[]> {
    const { TargetGroups = [] } = await elb.send(new DescribeTargetGroupsCommand({}))
    for (const group of TargetGroups) shapes.set(group.TargetGroupArn ?? '', group)
    const found: Rule[] = []
    for (const LoadBalancerArn of new Set(TargetGroups.flatMap(({ LoadBalancerArns = [] }) => LoadBalancerArns))) {
      const { Listeners = [] } = await elb.send(new DescribeListenersCommand({ LoadBalancerArn }))
      for (const { ListenerArn } of Listeners) {
        const { Rules = [] } = await elb.send(new DescribeRulesCommand({ ListenerArn }))
        found.push(...Rules.flatMap(ruleOf))
      }
    }
    return found.sort((a, b) => a.priority - b.priority)
  }

  /** What is registered is the emulator's word, read again after every change that it took. */
  async function refresh(arn: string): Promise<void> {
    const ask = new DescribeTargetHealthCommand({ TargetGroupArn: arn })
    const { TargetHealthDescriptions = [] } = await elb.send(ask)
    const group = groupOf(arn)
    const now = performance.now()
    const there = new Set<string>()
    for (const { Target: { Id = '', Port = 0 } = {} } of TargetHealthDescriptions) {
      const name = `${Id}:${Port}`
      there.add(name)
      const had = group.get(name)
      if (!had || had.health === 'draining')
        group.set(name, { id: Id, port: Port, health: 'initial', failures: 0, drainedAt: 0 })
    }
    for (const [name, target] of group)
      if (!there.has(name) && target.health !== 'draining')
        Object.assign(target, { health: 'draining', drainedAt: now + drainMs })
  }

  for (const operation of ['RegisterTargets', 'DeregisterTargets'])
    edge.play(`elb.${operation}`, async (call, pass) => {
      const { status, body } = await pass()
      if (status === 200) await refresh(formOf(call).get('TargetGroupArn') ?? '')
      return { status, headers: { 'content-type': 'text/xml' }, body: body.toString('utf8') }
    })
  edge.play('elb.DescribeTargetHealth', async (call, pass) => {
    const { status, body } = await pass()
    const arn = formOf(call).get('TargetGroupArn') ?? ''
    if (status !== 200) return { status, headers: { 'content-type': 'text/xml' }, body: body.toString('utf8') }
    const members = targets(arn).map(
      ({ id, port, health }) =>
        `<member><HealthCheckPort>${port}</HealthCheckPort><Target><Id>${id}</Id><Port>${port}</Port></Target><TargetHealth><State>${health}</State></TargetHealth></member>`,
    )
    const list = `<TargetHealthDescriptions>${members.join('')}</TargetHealthDescriptions>`
    const answer = `<DescribeTargetHealthResponse xmlns="http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/"><DescribeTargetHealthResult>${list}</DescribeTargetHealthResult><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></DescribeTargetHealthResponse>`
    return { status: 200, headers: { 'content-type': 'text/xml' }, body: answer }
  })

  function targets(arn: string): Target[] {
    const group = groupOf(arn)
    for (const [name, { health, drainedAt }] of group)
      if (health === 'draining' && performance.now() > drainedAt) group.delete(name)
    return [...group.values()]
  }

  async function check(target: Target, shape: TargetGroup | undefined): Promise<void> {
    const port = portOf(target.id)
    const passed = port !== null && (await answers(port, shape?.HealthCheckPath ?? '/', checkTimeoutMs))
    if (target.health === 'draining') return
    target.failures = passed ? 0 : target.failures + 1
    // A new target needs one check that passes (AWS), and one that was healthy fails twice before it counts (infra).
    if (passed) target.health = 'healthy'
    else if (target.failures >= (shape?.UnhealthyThresholdCount ?? 2)) target.health = 'unhealthy'
  }

  // Paths of the health checks are wanted before the first request.
  await readRules()

  /** One group after the other, on a schedule of our own. */
  const checking = (async () => {
    while (!stopped) {
      for (const [arn, group] of known)
        for (const target of group.values()) if (target.health !== 'draining') await check(target, shapes.get(arn))
      await new Promise((resolve) => setTimeout(resolve, checkEveryMs))
    }
  })()

  return {
    rules() {
      const now = performance.now()
      if (rules === null || now - rules.at > rulesKeptMs) {
        const found = readRules()
        rules = { at: now, found }
        found.catch(() => {
          rules = null
        })
      }
      return rules.found
    },
    targets,
    groups: () => [...known.keys()],
    async stop() {
      stopped = true
      await checking
      elb.destroy()
    },
  }
}

function ruleOf({ Priority, Conditions = [], Actions = [] }: AlbRule): Rule[] {
  const group = Actions.find(({ Type }) => Type === 'forward')?.TargetGroupArn
  const patterns = Conditions.flatMap(({ PathPatternConfig, Values }) => PathPatternConfig?.Values ?? Values ?? [])
  return group && Priority !== 'default' ? [{ priority: Number(Priority), patterns, group }] : []
}

/** Infra's deregistration delay. */
const drainMs = 5_000
const checkTimeoutMs = 4_000

function answers(port: number, path: string, timeoutMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const request = http.get({ host: '127.0.0.1', port, path, timeout: timeoutMs, agent: false }, (response) => {
      response.resume()
      resolve(response.statusCode === 200)
    })
    request.once('timeout', () => request.destroy())
    request.once('error', () => resolve(false))
  })
}
