/** The slot pool: an internal load balancer, and for each slot one rule (`/s/<nn>-*`) and one target group. */
import type { Network } from './network.ts'
import type { Openings } from './openings.ts'
import { gatePort, isKept, named, shortNamed, slotCount } from './stage.ts'

export type Routes = ReturnType<typeof routes>

export function routes({ vpc, balancerSubnets }: Network, { balancer: group }: Openings) {
  const balancer = new aws.lb.LoadBalancer('Balancer', {
    name: shortNamed('alb'),
    internal: true,
    loadBalancerType: 'application',
    securityGroups: [group.id],
    subnets: balancerSubnets.map(({ id }) => id),
    // Above the longest silence of a differential expression; CloudFront's own 60 s is met by 202 answers.
    idleTimeout: 300,
    dropInvalidHeaderFields: true,
    desyncMitigationMode: 'strictest',
    enableDeletionProtection: isKept,
  })
  const listener = new aws.lb.Listener('Listener', {
    loadBalancerArn: balancer.arn,
    port: 80,
    protocol: 'HTTP',
    // What leads to no slot is answered like a viewer that isn't there; a fixed response can't carry our header.
    defaultActions: [{ type: 'fixed-response', fixedResponse: { contentType: 'text/plain', statusCode: '404' } }],
  })
  const slotPrefix = shortNamed('')
  const slots = Array.from({ length: slotCount }, (_, n) => {
    const slot = String(n).padStart(2, '0')
    const target = new aws.lb.TargetGroup(`Slot${slot}`, {
      // Named, so that a right can be given for all of them in one line.
      name: slotPrefix + slot,
      vpcId: vpc.id,
      targetType: 'ip',
      port: gatePort,
      protocol: 'HTTP',
      deregistrationDelay: 5,
      // A new target needs one passing check before it is used.
      healthCheck: {
        path: '/-/health',
        interval: 5,
        timeout: 4,
        healthyThreshold: 2,
        unhealthyThreshold: 2,
        matcher: '200',
      },
      tags: { Name: named(`slot-${slot}`) },
    })
    new aws.lb.ListenerRule(`Slot${slot}Rule`, {
      listenerArn: listener.arn,
      priority: n + 1,
      conditions: [{ pathPattern: { values: [`/s/${slot}-*`] } }],
      actions: [{ type: 'forward', targetGroupArn: target.arn }],
    })
    return { slot, targetGroupArn: target.arn }
  })
  return { balancer, listener, slots, slotPrefix }
}
