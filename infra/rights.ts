/**
 * What each role may do, and nothing else: the actions are those that functions/platform/{aws,dynamo} call. The table of
 * infra/policies.md is made from the plan, so it says what is deployed and not what is written here.
 */
import { deploymentKey } from '../functions/platform/aws/settings.ts'
import { turnKey } from '../functions/platform/aws/turn.ts'
import { cataloguePk } from '../functions/platform/dynamo/catalogue.ts'
import { dueIndex } from '../functions/platform/dynamo/table.ts'
import type { Routes } from './routes.ts'
import type { Storage } from './storage.ts'
import type { Tables } from './tables.ts'
import type { Tasks } from './tasks.ts'

type Statement = aws.types.input.iam.GetPolicyDocumentStatementArgs
export type Rights = Statement[]

const { accountId } = aws.getCallerIdentityOutput()
const { region } = aws.getRegionOutput()
export const inAccount = (service: string, resource: $util.Input<string>) =>
  $interpolate`arn:aws:${service}:${region}:${accountId}:${resource}`
export const documentOf = (statements: Rights) => aws.iam.getPolicyDocumentOutput({ statements }).json

/** Who may take a role: one service, for resources of this account alone where the service says whose they are. */
export const takenBy = (service: string, source?: $util.Input<string>) =>
  documentOf([
    {
      actions: ['sts:AssumeRole'],
      principals: [{ type: 'Service', identifiers: [service] }],
      ...(source ? { conditions: [{ test: 'ArnLike', variable: 'aws:SourceArn', values: [source] }] } : {}),
    },
  ])

export const writeLogs = (group: aws.cloudwatch.LogGroup): Statement => ({
  sid: 'OwnLog',
  actions: ['logs:CreateLogStream', 'logs:PutLogEvents'],
  resources: [$interpolate`${group.arn}:log-stream:*`],
})

/** Rights by part of the program; infra/functions.ts picks. */
export function rights(table: Tables, { data, vault }: Storage, tasks: Tasks, routes: Routes, parameters: string) {
  const write = ['dynamodb:PutItem', 'dynamodb:UpdateItem', 'dynamodb:DeleteItem']
  const read = ['dynamodb:GetItem', 'dynamodb:Query']
  const keys = (values: string[]) => [{ test: 'ForAnyValue:StringLike', variable: 'dynamodb:LeadingKeys', values }]
  const inCluster = [{ test: 'ArnEquals', variable: 'ecs:cluster', values: [tasks.cluster.arn] }]
  const parameter = (name: string) => inAccount('ssm', `parameter${parameters}/${name}`)
  const objects = (bucket: aws.s3.Bucket, below = '') => $interpolate`${bucket.arn}/${below}*`
  // By name: a hundred ARNs don't fit into a role's 10,240 characters.
  const slots = inAccount('elasticloadbalancing', `targetgroup/${routes.slotPrefix}*/*`)
  const task = $interpolate`${tasks.cluster.arn.apply((arn) => arn.replace(':cluster/', ':task/'))}/*`
  return {
    store: [
      { sid: 'Table', actions: [...read, ...write], resources: [table.arn] },
      { sid: 'DueIndex', actions: ['dynamodb:Query'], resources: [$interpolate`${table.arn}/index/${dueIndex}`] },
      // What infra writes tells every function where to send secrets and people.
      {
        sid: 'NotTheDeployment',
        effect: 'Deny',
        actions: write,
        resources: [table.arn],
        conditions: keys([deploymentKey.pk]),
      },
    ],
    /** For functions that nobody signs in at. */
    noAccounts: [
      {
        sid: 'NoAccounts',
        effect: 'Deny',
        actions: [...read, ...write],
        resources: [table.arn],
        conditions: keys(['users', 'login#*', 'once#*', 'count#*']),
      },
    ],
    /** For who reads files that anybody may have made: no session, account, link or secret; nor the list of what people keep. */
    catalogue: [
      {
        sid: 'Catalogue',
        actions: [...read, ...write],
        resources: [table.arn],
        conditions: [
          { test: 'ForAllValues:StringEquals', variable: 'dynamodb:LeadingKeys', values: [cataloguePk, turnKey.pk] },
        ],
      },
    ],
    secrets: [
      // Encrypted by the account's own key for SSM, which lets everybody in who may read the parameter: no right of its own.
      {
        sid: 'ReadSecrets',
        actions: ['ssm:GetParameters'],
        resources: [parameter('signing-key'), parameter('origin-secrets')],
      },
      {
        sid: 'MakeSigningKey',
        actions: ['ssm:PutParameter'],
        resources: [parameter('signing-key')],
        // Made once; a replaced key would end every login and cut off every gate.
        conditions: [{ test: 'StringEquals', variable: 'ssm:Overwrite', values: ['false'] }],
      },
    ],
    viewers: [
      {
        sid: 'StartTask',
        actions: ['ecs:RunTask'],
        resources: [inAccount('ecs', $interpolate`task-definition/${tasks.family}:*`)],
        conditions: inCluster,
      },
      {
        sid: 'TagTask',
        actions: ['ecs:TagResource'],
        resources: [task],
        conditions: [{ test: 'StringEquals', variable: 'ecs:CreateAction', values: ['RunTask'] }],
      },
      {
        sid: 'GiveTaskItsExecutionRole',
        actions: ['iam:PassRole'],
        resources: [tasks.executionRole.arn],
        conditions: [{ test: 'StringEquals', variable: 'iam:PassedToService', values: ['ecs-tasks.amazonaws.com'] }],
      },
      { sid: 'Tasks', actions: ['ecs:DescribeTasks', 'ecs:StopTask'], resources: [task], conditions: inCluster },
      // A list that names no container instance is asked of `*`; the condition keeps it to our cluster.
      { sid: 'ListTasks', actions: ['ecs:ListTasks'], resources: ['*'], conditions: inCluster },
      { sid: 'CloseRoute', actions: ['elasticloadbalancing:DeregisterTargets'], resources: [slots] },
      // AWS knows no narrower resource for this one.
      { sid: 'SlotHealth', actions: ['elasticloadbalancing:DescribeTargetHealth'], resources: ['*'] },
    ],
    /** For who hears of gates that are up. */
    openRoute: [{ sid: 'OpenRoute', actions: ['elasticloadbalancing:RegisterTargets'], resources: [slots] }],
    // Without the right to list, S3 answers 403 instead of 404 for what is not there.
    readData: [
      { sid: 'DataFiles', actions: ['s3:GetObject'], resources: [objects(data)] },
      { sid: 'DataList', actions: ['s3:ListBucket'], resources: [data.arn] },
    ],
    annotations: [
      { sid: 'Annotations', actions: ['s3:GetObject', 's3:PutObject'], resources: [objects(vault)] },
      { sid: 'AnnotationsList', actions: ['s3:ListBucket'], resources: [vault.arn] },
    ],
    cellNames: [{ sid: 'CellNames', actions: ['s3:GetObject', 's3:PutObject'], resources: [objects(vault, 'cells/')] }],
    listCellNames: [{ sid: 'CellNamesList', actions: ['s3:ListBucket'], resources: [vault.arn] }],
    forgetCellNames: [{ sid: 'ForgetCellNames', actions: ['s3:DeleteObject'], resources: [objects(vault, 'cells/')] }],
  } satisfies Record<string, Rights>
}
