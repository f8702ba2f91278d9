/**
 * What costs while nothing runs, and what does not. A test holds every type of resource of the plan against these two lists,
 * so that nothing is deployed whose bill nobody has looked at. Prices: us-east-1, US dollars, read in September 2026; a
 * month has 730 hours.
 */
export type IdleCost = {
  item: string
  /** Types of resource in the plan that it stands for. */
  types: readonly string[]
  price: string
  /** Dollars a month of a deployment that nobody uses. */
  perMonth: number
  /** How it comes to that. */
  because: string
  source: string
  /** What it would take to be without it; null where nothing is saved worth the loss. */
  without: string | null
}

export const idleCosts: readonly IdleCost[] = [
  {
    item: 'Load balancer',
    types: ['aws:lb/loadBalancer:LoadBalancer'],
    price: '$0.0225 an hour + $0.008 per LCU-hour',
    perMonth: 16.43,
    because: '730 hours; without traffic no LCU. Its rules, target groups and health checks are free',
    source: 'https://aws.amazon.com/elasticloadbalancing/pricing/',
    without:
      'Pages reaching a task by its own public address: each task would need a certificate and a name of its own, and would be open to the internet. Or deleting the load balancer outside working hours, and minutes of waiting each morning.',
  },
  {
    item: 'The minute and the hour (schedules, reaper, indexer)',
    types: ['aws:cloudwatch/eventRule:EventRule', 'aws:lambda/function:Function'],
    price: '$1.00 per million events; Lambda (arm64) $0.20 per million requests + $0.0000133334 per GB-second',
    perMonth: 0.18,
    because:
      '43,800 ticks of about 0.3 s at 512 MB: $0.04 + $0.01 + $0.09, and 730 looks at the bucket: $0.03; the free tier of Lambda covers its part',
    source: 'https://aws.amazon.com/eventbridge/pricing/, https://aws.amazon.com/lambda/pricing/',
    without: 'A longer interval; every viewer would then run so much longer after it is due, which costs more.',
  },
  {
    item: 'Table',
    types: ['aws:dynamodb/table:Table'],
    price: '$0.125 per million reads, $0.625 per million writes, $0.25 per GB-month, recovery $0.20 per GB-month',
    perMonth: 0.03,
    because: 'three reads a minute, and some megabytes',
    source: 'https://aws.amazon.com/dynamodb/pricing/on-demand/',
    without: null,
  },
  {
    item: 'Images',
    types: ['aws:ecr/repository:Repository'],
    price: '$0.10 per GB-month',
    perMonth: 0.2,
    because: 'ten deploys that share most layers: about 2 GB',
    source: 'https://aws.amazon.com/ecr/pricing/',
    without: null,
  },
  {
    item: 'Logs',
    types: ['aws:cloudwatch/logGroup:LogGroup'],
    price: '$0.50 per GB written, $0.03 per GB-month kept',
    perMonth: 0.02,
    because: 'the reaper’s lines: about 30 MB; the free tier is 5 GB',
    source: 'https://aws.amazon.com/cloudwatch/pricing/',
    without: null,
  },
  {
    item: 'Alarms, their metrics, dashboard',
    types: [
      'aws:cloudwatch/metricAlarm:MetricAlarm',
      'aws:cloudwatch/logMetricFilter:LogMetricFilter',
      'aws:cloudwatch/dashboard:Dashboard',
    ],
    price: '$0.10 per alarm, $0.30 per metric, $3.00 per dashboard, each month; ten, ten and three are free',
    perMonth: 0,
    because: 'within the free tier; $5.60 in an account that has used it up elsewhere',
    source: 'https://aws.amazon.com/cloudwatch/pricing/',
    without: 'Deploy without them and look yourself whether the reaper runs.',
  },
  {
    item: 'Files and annotations',
    types: ['aws:s3/bucket:Bucket'],
    price: '$0.023 per GB-month',
    perMonth: 0,
    because: 'by what is in them: 100 GB are $2.30; replaced files count for 30 days, replaced annotations for 90',
    source: 'https://aws.amazon.com/s3/pricing/',
    without: null,
  },
]

/** Sum of the above: what a deployment costs that nobody uses. */
export const idleDollarsPerMonth = idleCosts.reduce((sum, { perMonth }) => sum + perMonth, 0)

/** Billed by use alone, or never. */
export const freeTypes: readonly string[] = [
  // By request and byte.
  'aws:cloudfront/distribution:Distribution',
  'aws:lambda/functionUrl:FunctionUrl',
  'aws:sns/topic:Topic',
  'aws:sns/topicSubscription:TopicSubscription',
  // By the second of a task, with its public address.
  'aws:ecs/taskDefinition:TaskDefinition',
  // No charge of its own.
  'aws:cloudfront/vpcOrigin:VpcOrigin',
  'aws:cloudwatch/eventTarget:EventTarget',
  'aws:dynamodb/tableItem:TableItem',
  'aws:ec2/defaultSecurityGroup:DefaultSecurityGroup',
  'aws:ec2/internetGateway:InternetGateway',
  'aws:ec2/routeTable:RouteTable',
  'aws:ec2/routeTableAssociation:RouteTableAssociation',
  'aws:ec2/securityGroup:SecurityGroup',
  'aws:ec2/subnet:Subnet',
  'aws:ec2/vpc:Vpc',
  'aws:ecr/lifecyclePolicy:LifecyclePolicy',
  'aws:ecs/cluster:Cluster',
  'aws:ecs/clusterCapacityProviders:ClusterCapacityProviders',
  'aws:iam/role:Role',
  'aws:iam/rolePolicy:RolePolicy',
  'aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig',
  'aws:lambda/permission:Permission',
  'aws:lb/listener:Listener',
  'aws:lb/listenerRule:ListenerRule',
  'aws:lb/targetGroup:TargetGroup',
  'aws:s3/bucketCorsConfiguration:BucketCorsConfiguration',
  'aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration',
  'aws:s3/bucketNotification:BucketNotification',
  'aws:s3/bucketPolicy:BucketPolicy',
  'aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock',
  'aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration',
  'aws:s3/bucketVersioning:BucketVersioning',
  // The bundles, some megabytes in SST's own bucket.
  'aws:s3/bucketObjectv2:BucketObjectv2',
  'aws:ssm/parameter:Parameter',
  'aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule',
  'aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule',
  // Nothing at AWS.
  'docker-build:index:Image',
  'random:index/randomBytes:RandomBytes',
]

/** Free as a gateway, $7.30 a month and zone as an interface: so by what it is, not by its type. */
export const freeEndpoint = (inputs: Readonly<Record<string, unknown>>): boolean =>
  String(inputs.serviceName).endsWith('.s3') && (inputs.vpcEndpointType ?? 'Gateway') === 'Gateway'
