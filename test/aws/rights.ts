/**
 * Plays IAM: holds every call of a function against the rights that its role has on AWS, as infra/policies.md has them (made
 * from the plan of a deploy). Emulators let everybody do everything, so a right that lacks would show on AWS only.
 */
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { environmentNames } from '../../functions/platform/aws/settings.ts'
import { projectRoot } from '../../functions/setup/python.ts'
import { type Call, formOf, s3Place } from './call.ts'

type Right = { who: string; deny: boolean; actions: string[]; on: string[]; onlyIf: Record<string, string[]> }
type Asked = { action: string; on: string; context?: Record<string, string> }
export type Rights = {
  /** What the call asks for that its role may not do, in words; empty when all is well. */
  missing(call: Call): string[]
}

const codes = (cell: string): string[] => [...cell.matchAll(/`([^`]*)`/g)].map(([, code = '']) => code)

function readRights(markdown: string): Right[] {
  const rights: Right[] = []
  for (const line of markdown.split('\n')) {
    const [, who, actions = '', on = '', onlyIf = ''] = line.split('|').map((cell) => cell.trim())
    if (codes(actions).length === 0) continue
    const conditions = onlyIf.split(' and ').flatMap((one) => {
      const [key, ...values] = codes(one)
      return key === undefined ? [] : [[key, values] as const]
    })
    rights.push({
      who: who || (rights.at(-1)?.who ?? ''),
      deny: actions.startsWith('**never**'),
      actions: codes(actions),
      on: codes(on),
      onlyIf: Object.fromEntries(conditions),
    })
  }
  return rights
}

/** @param environment of the functions: which of the harness's names stands for which of the plan's */
export function createRights(
  environment: Readonly<Record<string, string>>,
  targetGroups: readonly string[],
  rights = readRights(readFileSync(path.join(projectRoot(), 'infra', 'policies.md'), 'utf8')),
): Rights {
  const callers = new Set(rights.map(({ who }) => who))
  const holds = ({ action, on, context = {} }: Asked) => {
    const said = ({ actions, on: patterns, onlyIf }: Right) =>
      actions.includes(action) &&
      patterns.some((pattern) => fits(pattern, on)) &&
      Object.entries(onlyIf).every(([key, values]) => values.some((value) => fits(value, context[key] ?? '')))
    return { said }
  }
  return {
    missing(call) {
      const signer = /[?&]X-Amz-Credential=(\w[\w-]*)/.exec(call.target)?.[1]
      const who = call.caller === 'presigned' ? (signer ?? '') : call.caller
      if (!callers.has(who)) return []
      const own = rights.filter((right) => right.who === who)
      return asked(call, environment, targetGroups)
        .filter((one) => {
          const { said } = holds(one)
          return own.some((right) => right.deny && said(right)) || !own.some((right) => !right.deny && said(right))
        })
        .map(({ action, on, context }) => `${who} may not ${action} on ${on} ${context ? JSON.stringify(context) : ''}`)
    },
  }
}

const fits = (pattern: string, value: string): boolean =>
  new RegExp(`^${pattern.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replace(/\*/g, '.*')}$`).test(value)

const plan = 'cellxgene-on-demand-<stage>'
/** Calls that need another action than one of their own name. */
const s3Actions: Record<string, string> = { HeadObject: 'GetObject', ListObjectsV2: 'ListBucket' }

/** What AWS would ask of the role, in the plan's names. */
function asked(call: Call, environment: Readonly<Record<string, string>>, targetGroups: readonly string[]): Asked[] {
  const { service, operation } = call
  // Answered by the bucket's own rules for origins, whoever has signed what comes after it.
  if (service === 's3' && operation === 'Preflight') return []
  if (service === 's3') {
    const { bucket, key } = s3Place(call.target)
    const named = {
      [environment[environmentNames.dataBucket] ?? '']: `${plan}-data-…`,
      [environment[environmentNames.vaultBucket] ?? '']: `${plan}-vault-…`,
    }
    const on = `s3:${named[bucket] ?? bucket}${key === '' ? '' : `/${key}`}`
    return [{ action: `s3:${s3Actions[operation] ?? operation}`, on }]
  }
  if (service === 'elb') {
    const action = `elasticloadbalancing:${operation}`
    if (operation.startsWith('Describe')) return [{ action, on: '*' }]
    const arn = formOf(call).get('TargetGroupArn') ?? ''
    const on = targetGroups.includes(arn) ? 'cxod-<stage>-…-00/0' : arn
    return [{ action, on: `elasticloadbalancing:targetgroup/${on}` }]
  }
  const body = JSON.parse(call.body.toString('utf8')) as Record<string, unknown>
  if (service === 'dynamodb') return [ofTable(operation, body, environment)]
  if (service === 'ssm') return ofParameters(operation, body, environment)
  if (service === 'ecs') return ofTasks(operation, body, environment)
  return [{ action: `${service}:${operation}`, on: '*' }]
}

type Value = { S?: string } | undefined
function ofTable(
  operation: string,
  body: Record<string, unknown>,
  environment: Readonly<Record<string, string>>,
): Asked {
  const table = body.TableName === environment[environmentNames.table] ? `${plan}-table` : String(body.TableName)
  const index = body.IndexName === undefined ? '' : `/index/${body.IndexName}`
  const item = (body.Key ?? body.Item) as Record<string, Value> | undefined
  const values = body.ExpressionAttributeValues as Record<string, Value> | undefined
  // The key that a query is about: named by its first condition.
  const asks = /^\w+ = (:\w+)/.exec(String(body.KeyConditionExpression ?? ''))?.[1]
  const key = item?.pk?.S ?? values?.[asks ?? '']?.S ?? ''
  return {
    action: `dynamodb:${operation}`,
    on: `dynamodb:table/${table}${index}`,
    context: { 'dynamodb:LeadingKeys': key },
  }
}

function ofParameters(
  operation: string,
  body: Record<string, unknown>,
  environment: Readonly<Record<string, string>>,
): Asked[] {
  const names = (body.Names ?? [body.Name]) as string[]
  const prefix = environment[environmentNames.parameters] ?? ''
  const place = (name: string) => name.replace(prefix, '/cellxgene-on-demand/<stage>')
  const context: Record<string, string> =
    operation === 'PutParameter' ? { 'ssm:Overwrite': String(body.Overwrite ?? false) } : {}
  return names.map((name) => ({ action: `ssm:${operation}`, on: `ssm:parameter${place(name)}`, context }))
}

function ofTasks(
  operation: string,
  body: Record<string, unknown>,
  environment: Readonly<Record<string, string>>,
): Asked[] {
  const last = (arn: unknown) => String(arn).split('/').at(-1) ?? ''
  const ours = last(body.cluster) === last(environment[environmentNames.cluster])
  const cluster = ours ? `${plan}-viewers` : last(body.cluster)
  const context = { 'ecs:cluster': `ecs:cluster/${cluster}` }
  const action = `ecs:${operation}`
  if (operation === 'ListTasks') return [{ action, on: '*', context }]
  if (operation !== 'RunTask') {
    const tasks = (body.tasks ?? [body.task]) as string[]
    return tasks.map((task) => ({ action, on: `ecs:task/${cluster}/${last(task)}`, context }))
  }
  const [family, revision = '1'] = last(body.taskDefinition).split(':')
  const named = family === environment[environmentNames.taskFamily] ? `${plan}-viewer` : family
  return [
    { action, on: `ecs:task-definition/${named}:${revision}`, context },
    { action: 'ecs:TagResource', on: `ecs:task/${cluster}/new`, context: { 'ecs:CreateAction': 'RunTask' } },
    {
      action: 'iam:PassRole',
      on: `iam:role/${plan}-task-execution`,
      context: { 'iam:PassedToService': 'ecs-tasks.amazonaws.com' },
    },
  ]
}
