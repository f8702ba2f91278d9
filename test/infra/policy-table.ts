/** The table of infra/policies.md: each role of a plan, with exactly what it may do, on what, and when. */
import type { Graph } from './graph.ts'
import { rolesOf, type Statement } from './iam.ts'

const titles: Record<string, string> = {
  Api: 'api',
  Lobby: 'lobby',
  Reaper: 'reaper',
  Indexer: 'indexer',
  TaskEvents: 'task-events',
  TaskExecution: 'ECS, to start a task',
}

export function policyTable(graph: Graph): string {
  const rows = rolesOf(graph)
    .sort((a, b) => order(a.role) - order(b.role))
    .flatMap(({ role, statements }) =>
      statements.map(
        (statement, n) =>
          `| ${n === 0 ? (titles[role] ?? role) : ''} | ${statement.Effect === 'Deny' ? '**never** ' : ''}${code(statement.Action)} | ${code(statement.Resource.map(plain))} | ${conditions(statement)} |`,
      ),
    )
  return [
    '# What each role may do',
    '',
    'Made from the plan of a deploy by `npm run docs -- infra`, and checked against it by `npm run infra:check`. `<stage>` stands',
    'for the stage’s name. The task itself (gate and viewer) has no role: it may do nothing at AWS.',
    '',
    '| who | actions | on | only if |',
    '|---|---|---|---|',
    ...rows,
    '',
    'Where `*` stands, AWS knows no narrower resource for the action; the list of tasks is bound to the cluster by its condition.',
    '',
  ].join('\n')

  function plain(arn: string): string {
    return arn
      .replace(/^arn:aws:/, '')
      .replace(`:${graph.region}:`, ':')
      .replace(':123456789012:', ':')
      .replaceAll(graph.stage, '<stage>')
      .replace(/-mock(?=\/|$)/, '-…')
      .replace(/(cxod-<stage>-)[0-9a-f]{6}/, '$1…')
      .replace(/:{2,}/, ':')
  }

  function conditions({ Condition }: Statement): string {
    return Object.entries(Condition)
      .flatMap(([, keys]) =>
        Object.entries(keys).map(([key, values]) => `\`${key}\` is ${code(values.map(plain), ' or ')}`),
      )
      .join(' and ')
  }
}

const order = (role: string): number => {
  const found = Object.keys(titles).indexOf(role)
  return found < 0 ? 99 : found
}

const code = (values: readonly string[], between = ', '): string => values.map((value) => `\`${value}\``).join(between)
