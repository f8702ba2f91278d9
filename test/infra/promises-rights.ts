/** What each function may do: exactly what the program calls, on exactly what is its own. */
import { all, edit, one, type Promised, set, text, unless } from './ask.ts'
import { actionsOfSource } from './called-actions.ts'
import type { Graph } from './graph.ts'
import { exists, fits, knowsCondition, knowsNoResource, parsePolicy, rolesOf, type Statement } from './iam.ts'

const lambdaRoles = ['Api', 'Lobby', 'Reaper', 'Indexer', 'TaskEvents']
type RawStatement = { Sid?: string; Action: string | string[]; Resource: string | string[]; Condition?: unknown }
const change = (graph: Graph, role: string, how: (statements: RawStatement[]) => void): void =>
  edit<{ Statement: RawStatement[] }>(one(graph, 'iam/rolePolicy:', `${role}Rights`).inputs, 'policy', (policy) =>
    how(policy.Statement),
  )
const named = (statements: RawStatement[], sid: string): RawStatement => {
  const found = statements.find(({ Sid }) => Sid === sid)
  if (!found) throw new Error(`No statement ${sid}.`)
  return found
}

/** Of DynamoDB's items: those under these keys. */
const catalogueAlone = { 'ForAllValues:StringEquals': { 'dynamodb:LeadingKeys': ['datasets', 'look'] } }

async function each(graph: Graph, ask: (statement: Statement, action: string) => Promise<string[]>): Promise<string[]> {
  const problems: string[] = []
  for (const { role, statements } of rolesOf(graph))
    for (const statement of statements)
      for (const action of statement.Action)
        problems.push(...(await ask(statement, action)).map((words) => `${role}: ${words}`))
  return problems
}

export const rightsPromises: readonly Promised[] = [
  {
    name: 'every action in every policy exists',
    problems: (graph) =>
      each(graph, async (_, action) => unless(await exists(action), `AWS knows no action ${action}`)),
    broken: (graph) =>
      change(graph, 'Api', (statements) => set(named(statements, 'StartTask'), { Action: 'ecs:RunTasks' })),
  },
  {
    name: 'every right names its resources, but where AWS knows none; a list of tasks is bound to our cluster',
    problems: (graph) =>
      each(graph, async ({ Effect, Resource, Condition }, action) => {
        if (Effect === 'Deny' || !Resource.includes('*') || (await knowsNoResource(action))) return []
        const bound = action === 'ecs:ListTasks' && text(Condition).includes(':cluster/')
        return unless(bound, `${action} on everything`)
      }),
    broken: (graph) => change(graph, 'Lobby', (statements) => set(named(statements, 'CloseRoute'), { Resource: '*' })),
  },
  {
    name: 'every action fits its resources, and every condition is one that AWS fills in for it',
    problems: (graph) =>
      each(graph, async ({ Resource, Condition }, action) => {
        const problems: string[] = []
        for (const arn of Resource)
          if (arn !== '*' && !(await fits(action, arn))) problems.push(`${action} is not about ${arn}`)
        for (const key of Object.values(Condition).flatMap(Object.keys))
          if (!(await knowsCondition(action, key))) problems.push(`${action} knows no condition ${key}`)
        return problems
      }),
    broken: (graph) =>
      change(graph, 'Api', (statements) => {
        const list = named(statements, 'DataList')
        set(list, { Resource: `${list.Resource}/*` })
      }),
  },
  {
    name: 'all functions together may do what the program calls, and nothing else',
    problems: (graph) => {
      const called = actionsOfSource()
      const allowed = new Set(
        rolesOf(graph)
          .filter(({ role }) => lambdaRoles.includes(role))
          .flatMap(({ statements }) => statements)
          .filter(({ Effect }) => Effect === 'Allow')
          .flatMap(({ Action }) => Action)
          .filter((action) => !action.startsWith('logs:')),
      )
      return [
        ...[...called].filter((action) => !allowed.has(action)).map((action) => `nobody may ${action}`),
        ...[...allowed].filter((action) => !called.has(action)).map((action) => `nobody needs ${action}`),
      ]
    },
    broken: (graph) =>
      change(graph, 'Reaper', (statements) => set(named(statements, 'CloseRoute'), { Action: ['ecs:ExecuteCommand'] })),
  },
  {
    name: 'a role is its service’s alone: never the account’s, never with a policy that is not here',
    problems: (graph) =>
      all(graph, 'iam/role:').flatMap(({ name, inputs }) => {
        const statements = (JSON.parse(String(inputs.assumeRolePolicy)) as { Statement: { Principal?: object }[] })
          .Statement
        return [
          ...unless(
            [statements].flat().every(({ Principal }) => text(Object.keys(Principal ?? {})) === '["Service"]'),
            `${name} can be taken by others`,
          ),
          ...unless(text(inputs.managedPolicyArns ?? []) === '[]', `${name} has a policy of AWS’s`),
          ...unless(inputs.inlinePolicies === undefined, `${name} has policies within itself`),
        ]
      }),
    broken: (graph) =>
      edit<{ Statement: { Principal: object }[] }>(
        one(graph, 'iam/role:', 'ApiRole').inputs,
        'assumeRolePolicy',
        (trust) => {
          for (const statement of trust.Statement) set(statement.Principal, { AWS: 'arn:aws:iam::123456789012:root' })
        },
      ),
  },
  {
    name: 'who starts tasks pulls the two images and writes the tasks’ log: no parameter, no secret, no other repository',
    problems: (graph) => {
      const actions = rolesOf(graph)
        .filter(({ role }) => role === 'TaskExecution')
        .flatMap(({ statements }) => statements.flatMap(({ Action }) => Action))
      return unless(
        text(actions.sort()) ===
          text([
            'ecr:BatchCheckLayerAvailability',
            'ecr:BatchGetImage',
            'ecr:GetAuthorizationToken',
            'ecr:GetDownloadUrlForLayer',
            'logs:CreateLogStream',
            'logs:PutLogEvents',
          ]),
        `it may ${actions.join(', ')}`,
      )
    },
    broken: (graph) =>
      change(graph, 'TaskExecution', (statements) => set(named(statements, 'OwnLog'), { Action: 'ssm:GetParameters' })),
  },
  {
    name: 'a function starts tasks of our definition in our cluster, and may hand over one role, to ECS',
    problems: (graph) => {
      const execution = one(graph, 'iam/role:', 'TaskExecution').inputs.name
      const cluster = one(graph, 'ecs/cluster:', 'Cluster').inputs.name
      const family = one(graph, 'ecs/taskDefinition:', 'Task').inputs.family
      return rolesOf(graph).flatMap(({ role, statements }) =>
        statements.flatMap(({ Action, Resource, Condition }) => [
          ...(Action.includes('iam:PassRole')
            ? unless(
                Resource.length === 1 &&
                  String(Resource[0]).endsWith(`:role/${execution}`) &&
                  text(Condition).includes('"iam:PassedToService":["ecs-tasks.amazonaws.com"]'),
                `${role} may hand over more`,
              )
            : []),
          ...(Action.includes('ecs:RunTask')
            ? unless(
                Resource.length === 1 &&
                  String(Resource[0]).endsWith(`:task-definition/${family}:*`) &&
                  text(Condition).includes(`cluster/${cluster}"`),
                `${role} may start other tasks`,
              )
            : []),
        ]),
      )
    },
    broken: (graph) =>
      change(graph, 'Api', (statements) => void delete named(statements, 'GiveTaskItsExecutionRole').Condition),
  },
  {
    name: 'the signing key is made and never replaced; no function writes what CloudFront says, nor what infra says',
    problems: (graph) =>
      lambdaRoles.flatMap((role) => {
        const statements = parsePolicy(one(graph, 'iam/rolePolicy:', `${role}Rights`).inputs.policy)
        const writes = statements.filter(({ Action }) => Action.includes('ssm:PutParameter'))
        const tableWrites = ['dynamodb:PutItem', 'dynamodb:UpdateItem', 'dynamodb:DeleteItem']
        const denied = statements.find(
          ({ Effect, Condition }) => Effect === 'Deny' && text(Condition).includes('"deployment"'),
        )
        // Or it may write under some keys alone, and that is none of them.
        const bound = statements
          .filter(({ Effect, Action }) => Effect === 'Allow' && Action.some((action) => tableWrites.includes(action)))
          .every(({ Condition }) => {
            const keys = Condition['ForAllValues:StringEquals']?.['dynamodb:LeadingKeys']
            return keys !== undefined && !keys.includes('deployment')
          })
        return [
          ...unless(
            writes.every(
              ({ Resource, Condition }) =>
                Resource.every((arn) => arn.endsWith('/signing-key')) &&
                text(Condition) === '{"StringEquals":{"ssm:Overwrite":["false"]}}',
            ),
            `${role} may replace a secret`,
          ),
          ...unless(
            bound || tableWrites.every((action) => denied?.Action.includes(action)),
            `${role} may write the deployment`,
          ),
        ]
      }),
    broken: (graph) =>
      change(graph, 'Reaper', (statements) => void delete named(statements, 'MakeSigningKey').Condition),
  },
  {
    name: 'who reads files that anybody may have made sees no annotations, nor who keeps some',
    problems: (graph) => {
      const statements = parsePolicy(one(graph, 'iam/rolePolicy:', 'IndexerRights').inputs.policy)
      return statements
        .filter(({ Effect, Action }) => Effect === 'Allow' && Action.some((action) => action.startsWith('s3:')))
        .flatMap(({ Resource }) => Resource)
        .filter((arn) => arn.includes('-vault-') && !arn.endsWith('/cells/*'))
        .map((arn) => `it reaches ${arn}`)
    },
    broken: (graph) =>
      change(graph, 'Indexer', (statements) => {
        const cells = named(statements, 'CellNames')
        set(cells, { Resource: String(cells.Resource).replace('cells/', '') })
      }),
  },
  {
    name: 'who reads files that anybody may have made sees and writes the catalogue alone: no account, no session',
    problems: (graph) =>
      parsePolicy(one(graph, 'iam/rolePolicy:', 'IndexerRights').inputs.policy)
        .filter(({ Action }) => Action.some((action) => action.startsWith('dynamodb:')))
        .filter(({ Effect, Condition }) => Effect !== 'Allow' || text(Condition) !== text(catalogueAlone))
        .map(({ Sid }) => `${Sid} is about more`),
    broken: (graph) => change(graph, 'Indexer', (statements) => void delete named(statements, 'Catalogue').Condition),
  },
  {
    name: 'who reads files that anybody may have made has no key, and can neither start, see nor end a viewer',
    problems: (graph) => {
      const actions = parsePolicy(one(graph, 'iam/rolePolicy:', 'IndexerRights').inputs.policy).flatMap(
        ({ Action }) => Action,
      )
      const table = ['GetItem', 'Query', 'PutItem', 'UpdateItem', 'DeleteItem'].map((name) => `dynamodb:${name}`)
      const needed = [
        ...table,
        's3:GetObject',
        's3:ListBucket',
        's3:PutObject',
        'logs:CreateLogStream',
        'logs:PutLogEvents',
      ]
      return [
        ...[...new Set(actions)].filter((action) => !needed.includes(action)).map((action) => `it may ${action}`),
        ...needed.filter((action) => !actions.includes(action)).map((action) => `it may not ${action}`),
      ]
    },
    broken: (graph) =>
      change(graph, 'Indexer', (statements) => {
        statements.push({ Action: ['ssm:GetParameters'], Resource: '*' })
      }),
  },
  {
    name: 'only who hears of gates opens routes; only who forgets names of cells deletes objects',
    problems: (graph) => {
      const who = (action: string) =>
        rolesOf(graph).flatMap(({ role, statements }) =>
          statements.some(({ Effect, Action }) => Effect === 'Allow' && Action.includes(action)) ? [role] : [],
        )
      return [
        ...unless(text(who('elasticloadbalancing:RegisterTargets')) === '["Api"]', 'others open routes'),
        ...unless(text(who('s3:DeleteObject')) === '["Reaper"]', 'others delete objects'),
      ]
    },
    broken: (graph) =>
      change(graph, 'Lobby', (statements) =>
        set(named(statements, 'CloseRoute'), { Action: ['elasticloadbalancing:RegisterTargets'] }),
      ),
  },
  {
    name: 'each writes its own log alone, and what it may do fits into a role',
    problems: (graph) =>
      all(graph, 'iam/rolePolicy:').flatMap(({ name, inputs }) => {
        const logs = parsePolicy(inputs.policy).filter(({ Action }) => Action.includes('logs:PutLogEvents'))
        return [
          ...unless(logs.length === 1 && logs[0]?.Resource.length === 1, `${name} writes several logs`),
          ...logs
            .flatMap(({ Resource }) => Resource)
            .filter(
              (arn) =>
                !all(graph, 'cloudwatch/logGroup:').some((group) =>
                  arn.endsWith(`:log-group:${group.inputs.name}:log-stream:*`),
                ),
            )
            .map((arn) => `${name} writes ${arn}`),
          // IAM counts without white space.
          ...unless(String(inputs.policy).replace(/\s/g, '').length <= 10_240, `${name} is too long`),
        ]
      }),
    broken: (graph) =>
      change(graph, 'Api', (statements) =>
        set(named(statements, 'OwnLog'), { Resource: 'arn:aws:logs:us-east-1:123456789012:*' }),
      ),
  },
]
