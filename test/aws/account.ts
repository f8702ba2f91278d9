/** Makes the emulated account what infra would make it: table, buckets, cluster, task definition, load balancer with its slots, secrets. */
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { CreateClusterCommand, ECSClient, RegisterTaskDefinitionCommand } from '@aws-sdk/client-ecs'
import {
  CreateListenerCommand,
  CreateLoadBalancerCommand,
  CreateRuleCommand,
  CreateTargetGroupCommand,
  ElasticLoadBalancingV2Client,
} from '@aws-sdk/client-elastic-load-balancing-v2'
import { CreateBucketCommand, PutBucketCorsCommand, PutBucketVersioningCommand, S3Client } from '@aws-sdk/client-s3'
import { PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm'
import { PutCommand } from '@aws-sdk/lib-dynamodb'
import { createPasswords } from '../../functions/auth/passwords.ts'
import type { UserRecord } from '../../functions/core/ports.ts'
import {
  type Deployment,
  deploymentKey,
  environmentNames,
  parseDeployment,
  taskShape,
  uploadCors,
} from '../../functions/platform/aws/settings.ts'
import { ensureTable, type Table } from '../../functions/platform/dynamo/table.ts'
import { createUserStore } from '../../functions/platform/dynamo/users.ts'
import type { Moto } from '../support/moto.ts'

export type AccountSettings = {
  moto: Moto
  dynamodb: string
  slots: number
  originSecret: string
  appOrigin: string
  viewOrigin: string
  limits?: Deployment['limits']
  onDemand?: string[]
}

export type Account = {
  table: Table
  /** Of every function, by infra's names. */
  environment: Record<string, string>
  /** Straight to the emulator, past the edge: not one of the functions' calls. */
  clients: { s3: S3Client; ecs: ECSClient; elb: ElasticLoadBalancingV2Client }
  slots: Deployment['slots']
  addUser(name: string, password: string, more?: Partial<UserRecord>): Promise<void>
  stop(): void
}

export const names = { data: 'cxod-data', vault: 'cxod-vault', cluster: 'viewers', family: 'cxod-viewer' } as const
const parameters = '/cellxgene-on-demand/here'

export async function makeAccount(given: AccountSettings): Promise<Account> {
  const { moto, originSecret, appOrigin, viewOrigin } = given
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' }
  const dynamo = new DynamoDBClient({ endpoint: given.dynamodb, region: 'us-east-1', credentials })
  const s3 = new S3Client(moto.clientConfig)
  const ecs = new ECSClient(moto.clientConfig)
  const elb = new ElasticLoadBalancingV2Client(moto.clientConfig)
  const ssm = new SSMClient(moto.clientConfig)
  const [table, { vpcId, subnetIds }] = await Promise.all([ensureTable(dynamo, 'cxod-here'), moto.network()])
  for (const Bucket of [names.data, names.vault]) {
    await s3.send(new CreateBucketCommand({ Bucket }))
    await s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Enabled' } }))
  }
  const rule = {
    AllowedOrigins: [appOrigin, viewOrigin],
    AllowedMethods: [...uploadCors.methods],
    AllowedHeaders: [...uploadCors.headers],
    MaxAgeSeconds: uploadCors.maxAgeSeconds,
  }
  await s3.send(new PutBucketCorsCommand({ Bucket: names.vault, CORSConfiguration: { CORSRules: [rule] } }))
  await ecs.send(new CreateClusterCommand({ clusterName: names.cluster }))
  await ecs.send(
    new RegisterTaskDefinitionCommand({
      family: names.family,
      networkMode: 'awsvpc',
      cpu: '256',
      memory: '1024',
      containerDefinitions: Object.values(taskShape.containers).map((name) => ({ name, image: name, memory: 512 })),
    }),
  )
  const slots = await makeSlots(elb, vpcId, subnetIds.slice(0, 2), given.slots)
  const Name = `${parameters}/origin-secrets`
  await ssm.send(new PutParameterCommand({ Name, Value: JSON.stringify([originSecret]), Type: 'SecureString' }))
  ssm.destroy()
  const { limits = {}, onDemand = [] } = given
  const document = JSON.stringify({ v: 1, appOrigin, viewOrigin, slots, issuers: [], limits, onDemand })
  parseDeployment(document)
  await table.client.send(new PutCommand({ TableName: table.name, Item: { ...deploymentKey, document } }))
  return {
    table,
    slots,
    clients: { s3, ecs, elb },
    environment: {
      [environmentNames.table]: table.name,
      [environmentNames.dataBucket]: names.data,
      [environmentNames.vaultBucket]: names.vault,
      [environmentNames.cluster]: names.cluster,
      [environmentNames.taskDefinition]: `${names.family}:1`,
      [environmentNames.taskFamily]: names.family,
      [environmentNames.subnets]: subnetIds.slice(0, 3).join(','),
      [environmentNames.taskSecurityGroup]: 'sg-0123456789abcdef0',
      [environmentNames.parameters]: parameters,
    },
    async addUser(name, password, more = {}) {
      const user: UserRecord = {
        name,
        email: null,
        groups: [],
        admin: false,
        disabled: false,
        passwordHash: await createPasswords().hash(password),
        generation: 0,
        createdAt: Date.now(),
        ...more,
      }
      if (!(await createUserStore(table).create(user))) throw new Error(`there is a user ${name} already`)
    },
    stop() {
      for (const client of [dynamo, s3, ecs, elb]) client.destroy()
    },
  }
}

/** As infra/routes.ts: an internal balancer, for each slot one target group and one rule. */
async function makeSlots(elb: ElasticLoadBalancingV2Client, vpcId: string, subnets: string[], count: number) {
  const { LoadBalancers } = await elb.send(
    new CreateLoadBalancerCommand({ Name: 'cxod-alb', Scheme: 'internal', Type: 'application', Subnets: subnets }),
  )
  const LoadBalancerArn = LoadBalancers?.[0]?.LoadBalancerArn ?? ''
  const fixed = { ContentType: 'text/plain', StatusCode: '404' }
  const { Listeners } = await elb.send(
    new CreateListenerCommand({
      LoadBalancerArn,
      Port: 80,
      Protocol: 'HTTP',
      DefaultActions: [{ Type: 'fixed-response', FixedResponseConfig: fixed }],
    }),
  )
  const slots: Deployment['slots'] = []
  for (let n = 0; n < count; n++) {
    const slot = String(n).padStart(2, '0')
    const { TargetGroups } = await elb.send(
      new CreateTargetGroupCommand({
        Name: `cxod-slot-${slot}`,
        VpcId: vpcId,
        TargetType: 'ip',
        Port: taskShape.gatePort,
        Protocol: 'HTTP',
        HealthCheckPath: '/-/health',
        HealthCheckIntervalSeconds: 5,
        HealthCheckTimeoutSeconds: 4,
        HealthyThresholdCount: 2,
        UnhealthyThresholdCount: 2,
        Matcher: { HttpCode: '200' },
      }),
    )
    const TargetGroupArn = TargetGroups?.[0]?.TargetGroupArn ?? ''
    await elb.send(
      new CreateRuleCommand({
        ListenerArn: Listeners?.[0]?.ListenerArn ?? '',
        Priority: n + 1,
        Conditions: [{ Field: 'path-pattern', PathPatternConfig: { Values: [`/s/${slot}-*`] } }],
        Actions: [{ Type: 'forward', TargetGroupArn }],
      }),
    )
    slots.push({ slot, targetGroupArn: TargetGroupArn })
  }
  return slots
}
