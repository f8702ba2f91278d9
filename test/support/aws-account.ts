/** An account on the emulators with what infra would have made for a deployment, but for its load balancer. */
import { randomBytes } from 'node:crypto'
import { CreateClusterCommand, ECSClient } from '@aws-sdk/client-ecs'
import { CreateBucketCommand, PutBucketVersioningCommand, S3Client } from '@aws-sdk/client-s3'
import { PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm'
import { PutCommand } from '@aws-sdk/lib-dynamodb'
import { type Deployment, deploymentKey, environmentNames } from '../../functions/platform/aws/settings.ts'
import type { Table } from '../../functions/platform/dynamo/table.ts'
import type { Moto } from './moto.ts'
import type { Tables } from './tables.ts'

export type Account = {
  table: Table
  /** As infra sets it for every Lambda, with the emulators' addresses. */
  environment: Record<string, string>
  originSecret: string
  setOriginSecrets(secrets: readonly string[]): Promise<void>
  deploy(deployment: Deployment): Promise<void>
}

export const aDeployment = (part: Partial<Deployment> = {}): Deployment => ({
  v: 1,
  appOrigin: 'https://app.example.org',
  viewOrigin: 'https://view.example.org',
  slots: [{ slot: '00', targetGroupArn: 'arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/slot-00/0' }],
  issuers: [],
  limits: {},
  onDemand: [],
  ...part,
})

export async function makeAccount(moto: Moto, tables: Tables): Promise<Account> {
  const name = randomBytes(4).toString('hex')
  const table = await tables.empty()
  const s3 = new S3Client({ ...moto.clientConfig, forcePathStyle: true })
  const ssm = new SSMClient(moto.clientConfig)
  const [data, vault, parameters] = [`data-${name}`, `vault-${name}`, `/cxod/${name}`]
  for (const Bucket of [data, vault]) {
    await s3.send(new CreateBucketCommand({ Bucket }))
    await s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Enabled' } }))
  }
  s3.destroy()
  const ecs = new ECSClient(moto.clientConfig)
  await ecs.send(new CreateClusterCommand({ clusterName: `cluster-${name}` }))
  ecs.destroy()
  const originSecret = randomBytes(32).toString('hex')
  const setOriginSecrets = async (secrets: readonly string[]) => {
    const Value = JSON.stringify(secrets)
    await ssm.send(
      new PutParameterCommand({ Name: `${parameters}/origin-secrets`, Value, Type: 'SecureString', Overwrite: true }),
    )
  }
  await setOriginSecrets([originSecret])
  const { region, credentials } = moto.clientConfig
  return {
    table,
    originSecret,
    setOriginSecrets,
    environment: {
      [environmentNames.table]: table.name,
      [environmentNames.dataBucket]: data,
      [environmentNames.vaultBucket]: vault,
      [environmentNames.cluster]: `cluster-${name}`,
      [environmentNames.taskDefinition]: 'viewer:1',
      [environmentNames.taskFamily]: 'viewer',
      [environmentNames.subnets]: 'subnet-1,subnet-2',
      [environmentNames.taskSecurityGroup]: 'sg-1',
      [environmentNames.parameters]: parameters,
      AWS_REGION: region,
      AWS_ACCESS_KEY_ID: credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
      AWS_ENDPOINT_URL: moto.endpoint,
      AWS_ENDPOINT_URL_DYNAMODB: tables.endpoint,
    },
    async deploy(deployment) {
      const Item = { ...deploymentKey, document: JSON.stringify(deployment) }
      await table.client.send(new PutCommand({ TableName: table.name, Item }))
    },
  }
}
