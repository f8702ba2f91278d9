/** The AWS clients of a Lambda. Region and credentials come from its environment, and an emulator's address too (`AWS_ENDPOINT_URL…`). */
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { ECSClient } from '@aws-sdk/client-ecs'
import { ElasticLoadBalancingV2Client } from '@aws-sdk/client-elastic-load-balancing-v2'
import { S3Client } from '@aws-sdk/client-s3'
import { SSMClient } from '@aws-sdk/client-ssm'
import { NodeHttpHandler } from '@smithy/node-http-handler'

export type Clients = {
  dynamo: DynamoDBClient
  ecs: ECSClient
  elb: ElasticLoadBalancingV2Client
  s3: S3Client
  ssm: SSMClient
}

/** Well below the API's own time limit, so that a second try still fits: a connection of a frozen Lambda may be dead. */
const timeouts = { connectionTimeout: 2_000, requestTimeout: 6_000, throwOnRequestTimeout: true }
/** An emulator shares its machine with whoever asks it, and answers one after the other: on a busy one 6 s are nothing. */
const emulatorsTimeouts = { ...timeouts, connectionTimeout: 20_000, requestTimeout: 60_000 }

type Env = Readonly<Record<string, string | undefined>>
const isEmulated = (env: Env, service: string) => Boolean(env[`AWS_ENDPOINT_URL_${service}`] ?? env.AWS_ENDPOINT_URL)
const requestHandler = (env: Env, service: string) =>
  new NodeHttpHandler(isEmulated(env, service) ? emulatorsTimeouts : timeouts)

export function createClients(env: Env): Clients {
  return {
    ...createDataClients(env),
    // One try each: `withPatience` repeats, and knows what may be repeated.
    ecs: new ECSClient({ requestHandler: requestHandler(env, 'ECS'), maxAttempts: 1 }),
    elb: new ElasticLoadBalancingV2Client({
      requestHandler: requestHandler(env, 'ELASTIC_LOAD_BALANCING_V2'),
      maxAttempts: 1,
    }),
    ssm: new SSMClient({ requestHandler: requestHandler(env, 'SSM') }),
  }
}

/** For who works with the table and the buckets alone. */
export function createDataClients(env: Env): Pick<Clients, 'dynamo' | 's3'> {
  const emulated = isEmulated(env, 'S3')
  return {
    dynamo: new DynamoDBClient({ requestHandler: requestHandler(env, 'DYNAMODB') }),
    // A bucket's own host name can't be had from an emulator on a loopback address. The body of a vault's version may be large.
    s3: new S3Client({
      requestHandler: new NodeHttpHandler(emulated ? emulatorsTimeouts : { ...timeouts, requestTimeout: 30_000 }),
      forcePathStyle: emulated,
    }),
  }
}
