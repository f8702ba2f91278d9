/**
 * What the ground promises on which the rest stands: network, load balancer, buckets, table. Each comes with a change that
 * breaks it: a promise whose question still says yes then is no promise.
 */
import { uploadCors } from '../../functions/platform/aws/settings.ts'
import { tableShape } from '../../functions/platform/dynamo/table.ts'
import { all, type Inputs, one, type Promised, set, text, unless } from './ask.ts'
import type { Graph } from './graph.ts'

const idOf = (name: string) => `sg-${name.toLowerCase()}`
const ingress = (graph: Graph) => all(graph, 'vpc/securityGroupIngressRule:')
const egress = (graph: Graph) => all(graph, 'vpc/securityGroupEgressRule:')

/** Network, load balancer, buckets, table. */
export const groundPromises: readonly Promised[] = [
  {
    name: 'tasks are reached from the load balancer alone, never from another task',
    problems: (graph) =>
      ingress(graph)
        .filter(({ inputs }) => inputs.securityGroupId === idOf('TaskGroup'))
        .filter(
          ({ inputs }) => inputs.referencedSecurityGroupId !== idOf('BalancerGroup') || inputs.cidrIpv4 !== undefined,
        )
        .map(({ name }) => `${name} opens tasks to somebody else`),
    broken: (graph) =>
      set(one(graph, 'vpc/securityGroupIngressRule:', 'TaskIn').inputs, {
        referencedSecurityGroupId: idOf('TaskGroup'),
      }),
  },
  {
    name: 'tasks reach HTTPS and nothing else',
    problems: (graph) =>
      egress(graph)
        .filter(({ inputs }) => inputs.securityGroupId === idOf('TaskGroup'))
        .filter(({ inputs }) => inputs.fromPort !== 443 || inputs.toPort !== 443 || inputs.ipProtocol !== 'tcp')
        .map(({ name }) => `${name} lets tasks reach more`),
    broken: (graph) => set(one(graph, 'vpc/securityGroupEgressRule:', 'TaskOut').inputs, { fromPort: 0 }),
  },
  {
    name: 'nothing is open to the internet: no group lets any address in, and rules stand on their own',
    problems: (graph) => [
      ...ingress(graph).flatMap(({ name, inputs }) =>
        /0\.0\.0\.0\/0|::\/0/.test(text(inputs)) ? [`${name} is open to the world`] : [],
      ),
      ...all(graph, 'ec2/securityGroup:').flatMap(({ name, inputs }) =>
        inputs.ingress === undefined && inputs.egress === undefined ? [] : [`${name} has rules within itself`],
      ),
    ],
    broken: (graph) =>
      void Object.assign(one(graph, 'vpc/securityGroupIngressRule:', 'BalancerIn').inputs, { cidrIpv4: '0.0.0.0/0' }),
  },
  {
    name: 'who forgets to name a group gets one that lets nothing in or out',
    problems: (graph) => {
      const { ingress, egress, vpcId } = one(graph, 'ec2/defaultSecurityGroup:', 'NoGroup').inputs
      return unless(text([ingress, egress]) === '[[],[]]' && vpcId === 'vpc-vpc', 'the default group is open')
    },
    broken: (graph) => void delete one(graph, 'ec2/defaultSecurityGroup:', 'NoGroup').inputs.egress,
  },
  {
    name: 'the load balancer is internal, in subnets without a way out, and hears CloudFront alone',
    problems: (graph) => {
      const routed = new Set(all(graph, 'ec2/routeTableAssociation:').map(({ inputs }) => inputs.subnetId))
      const { inputs } = one(graph, 'lb/loadBalancer:', 'Balancer')
      return [
        ...(inputs.internal === true ? [] : ['it is not internal']),
        ...(inputs.subnets as string[])
          .filter((subnet) => routed.has(subnet))
          .map((subnet) => `${subnet} has a way out`),
        ...ingress(graph)
          .filter((rule) => rule.inputs.securityGroupId === idOf('BalancerGroup'))
          .filter((rule) => !String(rule.inputs.prefixListId).endsWith('cloudfront.origin-facing'))
          .map(({ name }) => `${name} lets somebody else in`),
      ]
    },
    broken: (graph) => set(one(graph, 'lb/loadBalancer:', 'Balancer').inputs, { internal: false }),
  },
  {
    name: 'each slot is one rule for its own paths and one target group',
    problems: (graph) => {
      const groups = all(graph, 'lb/targetGroup:')
      const rules = all(graph, 'lb/listenerRule:')
      const patterns = rules.map(({ inputs }) => text(inputs.conditions))
      const priorities = rules.map(({ inputs }) => inputs.priority)
      return [
        ...(groups.length === rules.length && groups.length > 0 && groups.length <= 100
          ? []
          : ['slots and rules differ, or are too many']),
        ...(new Set(patterns).size === rules.length ? [] : ['two rules have one path']),
        ...(new Set(priorities).size === rules.length ? [] : ['two rules have one priority']),
        ...rules.flatMap(({ name, inputs }) => {
          const slot = name.slice(4, 6)
          const leads = text(inputs.actions).includes(`-${slot}/7`)
          return leads && text(inputs.conditions).includes(`"/s/${slot}-*"`) ? [] : [`${name} leads elsewhere`]
        }),
      ]
    },
    broken: (graph) =>
      set(one(graph, 'lb/listenerRule:', 'Slot03Rule').inputs, {
        conditions: one(graph, 'lb/listenerRule:', 'Slot04Rule').inputs.conditions,
      }),
  },
  {
    name: 'a new viewer is in use within seconds: quick health checks, short deregistration',
    problems: (graph) =>
      all(graph, 'lb/targetGroup:').flatMap(({ name, inputs }) => {
        const check = inputs.healthCheck as { interval: number; timeout: number }
        return check.interval <= 5 && check.timeout < check.interval && Number(inputs.deregistrationDelay) <= 10
          ? []
          : [`${name} is slow`]
      }),
    broken: (graph) =>
      void Object.assign(one(graph, 'lb/targetGroup:', 'Slot00').inputs.healthCheck as Inputs, { interval: 30 }),
  },
  {
    name: 'buckets are private, encrypted, versioned, and answer TLS alone',
    problems: (graph) =>
      all(graph, 's3/bucket:').flatMap(({ name, inputs }) => {
        const of = (type: string) => all(graph, `s3/${type}:`).find((part) => part.name.startsWith(name))?.inputs
        const closed = Object.entries(of('bucketPublicAccessBlock') ?? {}).filter(([, value]) => value === true).length
        const bucket = String(inputs.bucketPrefix)
        return [
          ...(closed === 4 ? [] : [`${bucket} may be made public`]),
          ...(text(of('bucketServerSideEncryptionConfiguration')).includes('AES256')
            ? []
            : [`${bucket} is not encrypted`]),
          ...(text(of('bucketVersioning')).includes('"Enabled"') ? [] : [`${bucket} keeps no versions`]),
          ...(/Deny.*SecureTransport/.test(text(of('bucketPolicy'))) ? [] : [`${bucket} answers without TLS`]),
          ...(text(of('bucketLifecycleConfiguration')).includes('daysAfterInitiation')
            ? []
            : [`${bucket} keeps broken uploads`]),
        ]
      }),
    broken: (graph) =>
      set(one(graph, 's3/bucketVersioning:', 'VaultVersions').inputs, {
        versioningConfiguration: {
          status: 'Suspended',
        },
      }),
  },
  {
    name: 'the table has the program’s keys, comes back from any second of a month, and forgets what has expired',
    problems: (graph) => {
      const { inputs } = one(graph, 'dynamodb/table:', 'Table')
      const [hash, range] = tableShape.KeySchema
      return [
        ...(inputs.hashKey === hash?.AttributeName && inputs.rangeKey === range?.AttributeName ? [] : ['other keys']),
        ...(text(inputs.pointInTimeRecovery).includes('true') ? [] : ['no recovery']),
        ...(text(inputs.ttl).includes('"enabled":true') ? [] : ['nothing expires']),
        ...(inputs.billingMode === 'PAY_PER_REQUEST' ? [] : ['it costs while nothing runs']),
      ]
    },
    broken: (graph) => set(one(graph, 'dynamodb/table:', 'Table').inputs, { pointInTimeRecovery: { enabled: false } }),
  },
  {
    name: 'browsers reach one bucket from our two origins, to put what was signed for, and read nothing',
    problems: (graph) => {
      const [cors, ...others] = all(graph, 's3/bucketCorsConfiguration:')
      const [rule, ...rules] = (cors?.inputs.corsRules ?? []) as Record<string, unknown>[]
      // As the plan names what AWS will name.
      const origins = ['https://app.cloudfront.net', 'https://view.cloudfront.net']
      return [
        ...unless(others.length === 0 && rules.length === 0, 'there is more than one rule'),
        ...unless(
          cors?.inputs.bucket === one(graph, 's3/bucketVersioning:', 'VaultVersions').inputs.bucket,
          'it is not the vault’s bucket',
        ),
        ...unless(text(rule?.allowedOrigins) === text(origins), 'other origins, too'),
        ...unless(text(rule?.allowedMethods) === '["PUT"]', 'more than PUT'),
        ...unless(text(rule?.allowedHeaders) === text(uploadCors.headers), 'other headers than those that are signed'),
        ...unless(rule?.exposeHeaders === undefined, 'headers are shown'),
      ]
    },
    broken: (graph) => {
      const { inputs } = one(graph, 's3/bucketCorsConfiguration:', 'VaultUploads')
      for (const rule of inputs.corsRules as Inputs[]) rule.allowedOrigins = ['*']
    },
  },
  {
    name: 'bodies on their way are gone after a day, and every version of them',
    problems: (graph) => {
      const { rules } = one(graph, 's3/bucketLifecycleConfiguration:', 'VaultLifecycle').inputs as {
        rules: { filter: { prefix?: string }; expiration?: { days: number }; noncurrentVersionExpiration?: object }[]
      }
      const rule = rules.find(({ filter }) => filter.prefix === 'uploads/')
      return [
        ...unless(
          text(rule?.expiration) === '{"days":1}' && rule?.noncurrentVersionExpiration !== undefined,
          'they stay',
        ),
        // Annotations themselves: only what was replaced ever goes.
        ...unless(
          rules.every((one) => one === rule || one.expiration === undefined),
          'annotations expire',
        ),
      ]
    },
    broken: (graph) => {
      const { inputs } = one(graph, 's3/bucketLifecycleConfiguration:', 'VaultLifecycle')
      for (const rule of inputs.rules as { filter: { prefix?: string } }[]) delete rule.filter.prefix
    },
  },
  {
    name: 'in production, data and annotations outlive a mistake',
    problems: (graph) => [
      ...[...all(graph, 's3/bucket:'), ...all(graph, 'dynamodb/table:')]
        .filter(({ protect }) => !protect)
        .map(({ name }) => `${name} is not protected`),
      ...(one(graph, 'dynamodb/table:', 'Table').inputs.deletionProtectionEnabled === true
        ? []
        : ['the table can be deleted']),
      ...all(graph, 's3/bucket:')
        .filter(({ inputs }) => inputs.forceDestroy === true)
        .map(({ name }) => `${name} can be emptied`),
    ],
    broken: (graph) => set(one(graph, 's3/bucket:', 'Vault'), { protect: false }),
  },
]
