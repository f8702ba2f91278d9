/** Who may talk to whom: CloudFront to the load balancer, the load balancer to tasks, tasks to HTTPS. Nothing else. */
import type { Network } from './network.ts'
import { gatePort, named } from './stage.ts'

export type Openings = ReturnType<typeof openings>

export function openings({ vpc }: Network) {
  // What a network begins with lets everything in it talk to everything: nobody uses it, and nobody shall by mistake.
  new aws.ec2.DefaultSecurityGroup('NoGroup', { vpcId: vpc.id, ingress: [], egress: [] })
  const group = (name: string, description: string) =>
    new aws.ec2.SecurityGroup(`${name}Group`, {
      name: named(name.toLowerCase()),
      description,
      vpcId: vpc.id,
      // Rules of their own below: a group is made without any.
      revokeRulesOnDelete: true,
    })
  const balancer = group('Balancer', 'The load balancer: in from CloudFront, out to tasks')
  const task = group('Task', 'Viewer tasks: in from the load balancer alone, out to HTTPS')
  const cloudFront = aws.ec2.getManagedPrefixListOutput({ name: 'com.amazonaws.global.cloudfront.origin-facing' })
  const tcp = (port: number) => ({ ipProtocol: 'tcp', fromPort: port, toPort: port })
  new aws.vpc.SecurityGroupIngressRule('BalancerIn', {
    securityGroupId: balancer.id,
    prefixListId: cloudFront.id,
    ...tcp(80),
  })
  new aws.vpc.SecurityGroupEgressRule('BalancerOut', {
    securityGroupId: balancer.id,
    referencedSecurityGroupId: task.id,
    ...tcp(gatePort),
  })
  new aws.vpc.SecurityGroupIngressRule('TaskIn', {
    securityGroupId: task.id,
    referencedSecurityGroupId: balancer.id,
    ...tcp(gatePort),
  })
  new aws.vpc.SecurityGroupEgressRule('TaskOut', { securityGroupId: task.id, cidrIpv4: '0.0.0.0/0', ...tcp(443) })
  return { balancer, task }
}
