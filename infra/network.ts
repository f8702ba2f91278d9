/**
 * The network: public subnets for tasks (a public address each instead of a NAT gateway, which would cost all day), and
 * subnets without any way out for the load balancer.
 */
import { named } from './stage.ts'

export type Network = ReturnType<typeof network>

export function network() {
  const tags = (what: string) => ({ Name: named(what) })
  const vpc = new aws.ec2.Vpc('Vpc', {
    cidrBlock: '10.40.0.0/16',
    enableDnsHostnames: true,
    tags: tags('vpc'),
  })
  const zones = aws.getAvailabilityZonesOutput({ state: 'available' }).names
  const gateway = new aws.ec2.InternetGateway('Gateway', { vpcId: vpc.id, tags: tags('gateway') })
  const out = new aws.ec2.RouteTable('Public', {
    vpcId: vpc.id,
    routes: [{ cidrBlock: '0.0.0.0/0', gatewayId: gateway.id }],
    tags: tags('public'),
  })
  const subnet = (kind: string, n: number, first: number) =>
    new aws.ec2.Subnet(`${kind}${n}`, {
      vpcId: vpc.id,
      cidrBlock: `10.40.${first + n}.0/24`,
      availabilityZone: zones.apply((names) => names[n] ?? ''),
      tags: tags(`${kind.toLowerCase()}-${n}`),
    })
  // Capacity is per zone: three of them for tasks.
  const taskSubnets = [0, 1, 2].map((n) => subnet('Task', n, 0))
  for (const [n, { id }] of taskSubnets.entries())
    new aws.ec2.RouteTableAssociation(`Task${n}Out`, { subnetId: id, routeTableId: out.id })
  const balancerSubnets = [0, 1].map((n) => subnet('Balancer', n, 100))
  // Files come from S3 without crossing the internet, and without a bill for it.
  new aws.ec2.VpcEndpoint('S3', {
    vpcId: vpc.id,
    serviceName: aws.getRegionOutput().region.apply((region) => `com.amazonaws.${region}.s3`),
    routeTableIds: [out.id],
    tags: tags('s3'),
  })
  return { vpc, taskSubnets, balancerSubnets }
}
