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

type Env = Readonly<Record<string, string | undefined>>
const requestHandler = () => new NodeHttpHandler(timeouts)

export function createClients(env: Env): Clients {
  return {
    ...createDataClients(env),
    // One try each: `withPatience` repeats, and knows what may be repeated.
    ecs: new ECSClient({ requestHandler: requestHandler(), maxAttempts: 1 }),
    elb: new ElasticLoadBalancingV2Client({ requestHandler: requestHandler(), maxAttempts: 1 }),
    ssm: new SSMClient({ requestHandler: requestHandler() }),
  }
}

/** For who works with the table and the buckets alone. */
export function createDataClients(env: Env): Pick<Clients, 'dynamo' | 's3'> {
  const emulated = Boolean(env.AWS_ENDPOINT_URL_S3 ?? env.AWS_ENDPOINT_URL)
  return {
    dynamo: new DynamoDBClient({ requestHandler: requestHandler() }),
    // A bucket's own host name can't be had from an emulator on a loopback address. The body of a vault's version may be large.
    s3: new S3Client({
      requestHandler: new NodeHttpHandler({ ...timeouts, requestTimeout: 30_000 }),
      forcePathStyle: emulated,
    }),
  }
}
