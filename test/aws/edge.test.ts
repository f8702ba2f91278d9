/** The harness's stand between SDKs and emulators: what it counts, what it plays, and that everything else passes untouched. */
import { DynamoDBClient, ListTablesCommand } from '@aws-sdk/client-dynamodb'
import { DescribeClustersCommand, ECSClient, ListClustersCommand } from '@aws-sdk/client-ecs'
import { DescribeLoadBalancersCommand, ElasticLoadBalancingV2Client } from '@aws-sdk/client-elastic-load-balancing-v2'
import {
  CreateBucketCommand,
  GetObjectCommand,
  ListBucketsCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import { GetParameterCommand, PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Moto, startMoto } from '../support/moto.ts'
import { startTables, type Tables } from '../support/tables.ts'
import { jsonAnswer } from './call.ts'
import { type Edge, startEdge } from './edge.ts'

let moto: Moto
let tables: Tables
let edge: Edge
const clients: { destroy(): void }[] = []
const as = <T extends { destroy(): void }>(make: (config: object) => T, caller = 'api', maxAttempts = 1): T => {
  const credentials = { accessKeyId: caller, secretAccessKey: 'test' }
  const client = make({ endpoint: edge.url, region: 'us-east-1', credentials, maxAttempts })
  clients.push(client)
  return client
}
beforeAll(async () => {
  ;[moto, tables] = await Promise.all([startMoto(), startTables()])
  edge = await startEdge({ moto: moto.endpoint, dynamodb: tables.endpoint })
}, 120_000)
afterAll(async () => {
  for (const client of clients) client.destroy()
  await edge?.stop()
  await Promise.all([moto?.stop(), tables?.stop()])
})

test('passes every service that functions use, and counts by caller and operation', async () => {
  const table = await tables.empty()
  const [s3, ssm] = [as((config) => new S3Client(config), 'indexer'), as((config) => new SSMClient(config))]
  await s3.send(new CreateBucketCommand({ Bucket: 'data' }))
  await s3.send(new PutObjectCommand({ Bucket: 'data', Key: 'public/a b.h5ad', Body: 'x'.repeat(100_000) }))
  const found = await s3.send(new GetObjectCommand({ Bucket: 'data', Key: 'public/a b.h5ad', Range: 'bytes=0-9' }))
  expect(await found.Body?.transformToString()).toBe('xxxxxxxxxx')
  await ssm.send(new PutParameterCommand({ Name: '/a/b', Value: 'secret', Type: 'SecureString' }))
  const { Parameter } = await ssm.send(new GetParameterCommand({ Name: '/a/b', WithDecryption: true }))
  expect(Parameter?.Value).toBe('secret')
  // Made with other credentials than these: DynamoDB Local would show each caller tables of its own.
  const { TableNames } = await as((config) => new DynamoDBClient(config), 'reaper').send(new ListTablesCommand({}))
  expect(TableNames).toContain(table.name)
  await as((config) => new ElasticLoadBalancingV2Client(config)).send(new DescribeLoadBalancersCommand({}))
  await as((config) => new ECSClient(config)).send(new DescribeClustersCommand({}))
  expect(edge.counts()).toMatchObject({
    'indexer s3.CreateBucket': 1,
    'indexer s3.PutObject': 1,
    'indexer s3.GetObject': 1,
    'api ssm.PutParameter': 1,
    'api ssm.GetParameter': 1,
    'reaper dynamodb.ListTables': 1,
    'api elb.DescribeLoadBalancers': 1,
    'api ecs.DescribeClusters': 1,
  })
})

test('throttles in the words of each service, as often as it is told, and no other caller', async () => {
  const asked = {
    ecs: [() => as((c) => new ECSClient(c)).send(new ListClustersCommand({})), 'ThrottlingException'],
    elb: [
      () => as((c) => new ElasticLoadBalancingV2Client(c)).send(new DescribeLoadBalancersCommand({})),
      'Throttling',
    ],
    s3: [() => as((c) => new S3Client(c)).send(new ListBucketsCommand({})), 'SlowDown'],
    ssm: [() => as((c) => new SSMClient(c)).send(new GetParameterCommand({ Name: '/a/b' })), 'ThrottlingException'],
    dynamodb: [() => as((c) => new DynamoDBClient(c)).send(new ListTablesCommand({})), 'ThrottlingException'],
  } as const
  for (const [service, [ask, name]] of Object.entries(asked)) {
    const other = edge.inject({ on: `${service}.*`, caller: 'reaper', effect: { kind: 'throttle' } })
    const injected = edge.inject({ on: `${service}.*`, skip: 1, effect: { kind: 'throttle' } })
    await ask()
    await expect(ask(), service).rejects.toMatchObject({ name })
    await ask()
    expect([injected.hits(), other.hits()]).toEqual([1, 0])
    other.remove()
  }
})

test('loses an answer after its call took effect, cuts one before, and refuses with the words given', async () => {
  const ssm = as((config) => new SSMClient(config))
  const put = (Value: string) =>
    ssm.send(new PutParameterCommand({ Name: '/lost', Value, Type: 'String', Overwrite: true }))
  const get = async () => (await ssm.send(new GetParameterCommand({ Name: '/lost' }))).Parameter?.Value
  await put('first')
  edge.inject({ on: 'ssm.PutParameter', effect: { kind: 'cut' } })
  await expect(put('second')).rejects.toThrow()
  expect(await get()).toBe('first')
  edge.inject({ on: 'ssm.PutParameter', effect: { kind: 'lost' } })
  await expect(put('third')).rejects.toThrow()
  expect(await get()).toBe('third')
  const refusal = { kind: 'error', name: 'ParameterLimitExceeded', message: 'Too many.' } as const
  edge.inject({ on: 'ssm.PutParameter', effect: refusal })
  await expect(put('fourth')).rejects.toMatchObject({ name: 'ParameterLimitExceeded', message: 'Too many.' })
})

test('lets others of the harness answer in the emulator’s place, after a look at what it says', async () => {
  const ecs = as((config) => new ECSClient(config))
  const heard: string[] = []
  edge.hear((call, status) => heard.push(`${call.operation} ${status}`))
  edge.play('ecs.ListClusters', async (_call, pass) => {
    const { clusterArns } = JSON.parse((await pass()).body.toString()) as { clusterArns: string[] }
    return jsonAnswer({ clusterArns: [...clusterArns, 'arn:played'] })
  })
  const { clusterArns } = await ecs.send(new ListClustersCommand({}))
  expect(clusterArns).toEqual(['arn:played'])
  expect(heard).toEqual(['ListClusters 200'])
})
