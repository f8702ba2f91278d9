/** The harness's IAM: what a role has is let through, everything else is told. */
import { expect, it } from 'vitest'
import { environmentNames } from '../../functions/platform/aws/settings.ts'
import type { Call } from './call.ts'
import { createRights } from './rights.ts'

const environment = {
  [environmentNames.table]: 'cxod-here',
  [environmentNames.dataBucket]: 'cxod-data',
  [environmentNames.vaultBucket]: 'cxod-vault',
  [environmentNames.cluster]: 'viewers',
  [environmentNames.taskFamily]: 'cxod-viewer',
  [environmentNames.parameters]: '/cellxgene-on-demand/here',
}
const rights = createRights(environment, ['arn:one'])
const ask = (caller: string, service: Call['service'], operation: string, body: object | string, target = '/') =>
  rights.missing({
    caller,
    service,
    operation,
    target,
    method: 'POST',
    headers: {},
    body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
  })
const item = (pk: string) => ({ TableName: 'cxod-here', Key: { pk: { S: pk } } })

it('knows who may do what', () => {
  expect(ask('api', 'dynamodb', 'GetItem', item('users'))).toEqual([])
  expect(ask('indexer', 'dynamodb', 'GetItem', item('users'))).toHaveLength(1)
  expect(ask('indexer', 'dynamodb', 'GetItem', item('datasets'))).toEqual([])
  expect(ask('indexer', 'dynamodb', 'UpdateItem', item('look'))).toEqual([])
  for (const pk of ['owner#local:ann', 'deployment', 'slots', 'task#1'])
    expect(ask('indexer', 'dynamodb', 'PutItem', item(pk)), pk).toHaveLength(1)
  expect(ask('api', 'dynamodb', 'PutItem', item('deployment'))).toHaveLength(1)
  expect(ask('api', 'dynamodb', 'Scan', { TableName: 'cxod-here' })).toHaveLength(1)
  const query = { IndexName: 'due', KeyConditionExpression: 'live = :live AND dueAt <= :now' }
  const values = { ExpressionAttributeValues: { ':live': { S: 'live' } } }
  expect(ask('reaper', 'dynamodb', 'Query', { TableName: 'cxod-here', ...query, ...values })).toEqual([])

  expect(ask('indexer', 's3', 'GetObject', '', '/cxod-data/public/a.h5ad')).toEqual([])
  expect(ask('indexer', 's3', 'GetObject', '', '/cxod-vault/somebody/a/labels/1')).toHaveLength(1)
  expect(ask('indexer', 's3', 'PutObject', '', '/cxod-vault/cells/1.gz')).toEqual([])
  expect(ask('reaper', 's3', 'HeadObject', '', '/cxod-data/public/a.h5ad')).toHaveLength(1)
  expect(ask('presigned', 's3', 'GetObject', '', '/cxod-data/a?X-Amz-Credential=lobby%2F2026')).toHaveLength(1)

  const run = { cluster: 'viewers', taskDefinition: 'cxod-viewer:1' }
  expect(ask('api', 'ecs', 'RunTask', run)).toEqual([])
  expect(ask('indexer', 'ecs', 'RunTask', run)).toHaveLength(3)
  expect(ask('indexer', 'ecs', 'StopTask', { cluster: 'viewers', task: 'x' })).toHaveLength(1)
  expect(ask('api', 'ecs', 'RunTask', { ...run, cluster: 'other' })).toHaveLength(2)
  expect(ask('api', 'ecs', 'RunTask', { ...run, taskDefinition: 'other:1' })).toHaveLength(1)
  expect(ask('api', 'ecs', 'ListTasks', { cluster: 'other' })).toHaveLength(1)
  expect(ask('api', 'elb', 'RegisterTargets', 'Action=RegisterTargets&TargetGroupArn=arn:one')).toEqual([])
  expect(ask('api', 'elb', 'RegisterTargets', 'Action=RegisterTargets&TargetGroupArn=arn:two')).toHaveLength(1)
  const key = { Name: '/cellxgene-on-demand/here/signing-key' }
  expect(ask('api', 'ssm', 'PutParameter', { ...key, Overwrite: false })).toEqual([])
  expect(ask('indexer', 'ssm', 'GetParameters', { Names: [key.Name] })).toHaveLength(1)
  expect(ask('api', 'ssm', 'PutParameter', { ...key, Overwrite: true })).toHaveLength(1)
  expect(ask('person', 'ssm', 'PutParameter', { ...key, Overwrite: true }), 'nobody of the plan').toEqual([])
})
