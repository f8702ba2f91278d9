/** The five functions: their size and time, what they are told, what calls them. */
import { defaultLimits } from '../../functions/core/limits.ts'
import { readEnvironment } from '../../functions/platform/aws/settings.ts'
import { all, edit, one, type Promised, set, text, unless } from './ask.ts'
import { type Graph, lambdas } from './graph.ts'

const titles: Record<(typeof lambdas)[number], string> = {
  api: 'Api',
  lobby: 'Lobby',
  reaper: 'Reaper',
  indexer: 'Indexer',
  'task-events': 'TaskEvents',
}
const lambda = (graph: Graph, name: (typeof lambdas)[number]) =>
  one(graph, 'lambda/function:', `${titles[name]}Function`).inputs
const variables = (graph: Graph, name: (typeof lambdas)[number]) =>
  (lambda(graph, name).environment as { variables: Record<string, string> }).variables
const seconds = (graph: Graph, name: (typeof lambdas)[number]) => Number(lambda(graph, name).timeout) * 1000
/** What names a function in a plan: its own name, which is the end of its ARN. */
const isFor = (arn: unknown, graph: Graph, name: (typeof lambdas)[number]) =>
  String(arn).endsWith(`:function:${lambda(graph, name).name}`) || arn === lambda(graph, name).name

export const functionPromises: readonly Promised[] = [
  {
    name: 'each function is one bundle of ours, on ARM, with a role and a log of its own',
    problems: (graph) =>
      lambdas.flatMap((name) => {
        const { role, handler, runtime, architectures, loggingConfig } = lambda(graph, name)
        const own = one(graph, 'iam/role:', `${titles[name]}Role`).inputs.name
        const logs = one(graph, 'cloudwatch/logGroup:', `${titles[name]}Logs`).inputs.name
        return [
          ...unless(String(role).endsWith(`:role/${own}`), `${name} has another’s role`),
          ...unless(handler === 'index.handler' && runtime === 'nodejs22.x', `${name} runs otherwise`),
          ...unless(text(architectures) === '["arm64"]', `${name} is not for ARM`),
          ...unless(text(loggingConfig) === text({ logFormat: 'Text', logGroup: logs }), `${name} logs elsewhere`),
        ]
      }),
    broken: (graph) => set(lambda(graph, 'reaper'), { role: lambda(graph, 'api').role }),
  },
  {
    name: 'each is told what the program reads, and no secret',
    problems: (graph) =>
      lambdas.flatMap((name) => {
        const { SST_KEY, SST_KEY_FILE, SST_RESOURCE_App, ...ours } = variables(graph, name)
        try {
          const read = readEnvironment(ours)
          return [
            ...unless(
              Object.keys(ours).every((key) => key.startsWith('CXOD_')),
              `${name} is told more`,
            ),
            ...unless(read.subnets.length === 3, `${name} knows other zones`),
            ...unless(read.taskDefinition.includes(`/${read.taskFamily}:`), `${name} knows another task`),
          ]
        } catch (error) {
          return [`${name}: ${error instanceof Error ? error.message : error}`]
        }
      }),
    broken: (graph) => void delete variables(graph, 'indexer').CXOD_PARAMETERS,
  },
  {
    name: 'no call outlives the rules that make the protocol safe: requested three times as long, grace twice',
    problems: (graph) => {
      const { requestedMs, graceMs } = defaultLimits
      return [
        ...(['api', 'lobby', 'task-events'] as const)
          .filter((name) => seconds(graph, name) * 3 > requestedMs || seconds(graph, name) * 2 > graceMs)
          .map((name) => `${name} may run too long`),
        // Alone in starting what waits in line, once a minute: it must be over before anybody could take its work for dead.
        ...unless(seconds(graph, 'reaper') < Math.min(graceMs, requestedMs, 60_000), 'the reaper may run too long'),
      ]
    },
    broken: (graph) => set(lambda(graph, 'api'), { timeout: 60 }),
  },
  {
    name: 'who brings labels together has memory for those of a million cells (1.3 GB)',
    problems: (graph) =>
      (['api', 'lobby'] as const)
        .filter((name) => Number(lambda(graph, name).memorySize) < 2048)
        .map((name) => `${name} has too little`),
    broken: (graph) => set(lambda(graph, 'lobby'), { memorySize: 1024 }),
  },
  {
    name: 'who answers browsers has time for a long poll and less than CloudFront’s; who reads files has the most there is',
    problems: (graph) => {
      return [
        ...(['api', 'lobby'] as const)
          .filter((name) => seconds(graph, name) <= 25_000 || seconds(graph, name) >= 60_000)
          .map((name) => `${name} has another time`),
        ...unless(seconds(graph, 'indexer') === 900_000, 'the indexer has less than 15 minutes'),
        // More than that is billed by the second.
        ...lambdas
          .filter((name) => text(lambda(graph, name).ephemeralStorage) !== '{"size":512}')
          .map((name) => `${name} pays for disk`),
        // A new account may have no larger function.
        ...lambdas
          .filter((name) => Number(lambda(graph, name).memorySize) > 3008)
          .map((name) => `${name} is too large`),
        // Reserving takes from the account’s ten, of which ten must be left: a new account could not deploy.
        ...lambdas
          .filter((name) => lambda(graph, name).reservedConcurrentExecutions !== undefined)
          .map((name) => `${name} reserves`),
      ]
    },
    broken: (graph) => set(lambda(graph, 'indexer'), { timeout: 300 }),
  },
  {
    name: 'the reaper runs each minute, and a late minute is not made up for',
    problems: (graph) => {
      const rule = one(graph, 'cloudwatch/eventRule:', 'Minute').inputs
      const target = one(graph, 'cloudwatch/eventTarget:', 'MinuteTarget').inputs
      const may = one(graph, 'lambda/permission:', 'MinuteMayCall').inputs
      const retries = one(graph, 'lambda/functionEventInvokeConfig:', 'ReaperRetries').inputs
      return [
        ...unless(rule.scheduleExpression === 'rate(1 minute)' && rule.state !== 'DISABLED', 'another schedule'),
        ...unless(target.rule === rule.name && isFor(target.arn, graph, 'reaper'), 'it wakes another'),
        ...unless(
          isFor(may.function, graph, 'reaper') && String(may.sourceArn).endsWith(`rule/${rule.name}`),
          'it may not',
        ),
        ...unless(
          isFor(retries.functionName, graph, 'reaper') && retries.maximumRetryAttempts === 0,
          'it is tried again',
        ),
      ]
    },
    broken: (graph) =>
      set(one(graph, 'cloudwatch/eventRule:', 'Minute').inputs, { scheduleExpression: 'rate(5 minutes)' }),
  },
  {
    name: 'a file that comes or goes wakes the indexer, and only our bucket may',
    problems: (graph) => {
      const { inputs } = one(graph, 's3/bucketNotification:', 'Files')
      const [call, ...others] = inputs.lambdaFunctions as {
        lambdaFunctionArn: string
        events: string[]
        filterSuffix: string
      }[]
      const may = one(graph, 'lambda/permission:', 'FilesMayCall').inputs
      return [
        ...unless(String(inputs.bucket).includes('-data-') && others.length === 0, 'another bucket, or more'),
        ...unless(
          isFor(call?.lambdaFunctionArn, graph, 'indexer') && call?.filterSuffix === '.h5ad',
          'it wakes another',
        ),
        ...unless(text(call?.events) === '["s3:ObjectCreated:*","s3:ObjectRemoved:*"]', 'not for both'),
        ...unless(
          isFor(may.function, graph, 'indexer') &&
            String(may.sourceArn).includes('-data-') &&
            may.sourceAccount === '123456789012',
          'somebody else’s bucket may',
        ),
      ]
    },
    broken: (graph) => void delete one(graph, 'lambda/permission:', 'FilesMayCall').inputs.sourceAccount,
  },
  {
    name: 'a file whose event was lost is found within the hour',
    problems: (graph) => {
      const rule = one(graph, 'cloudwatch/eventRule:', 'Hour').inputs
      const target = one(graph, 'cloudwatch/eventTarget:', 'HourTarget').inputs
      const may = one(graph, 'lambda/permission:', 'HourMayCall').inputs
      return [
        ...unless(rule.scheduleExpression === 'rate(1 hour)' && rule.state !== 'DISABLED', 'another schedule'),
        ...unless(target.rule === rule.name && isFor(target.arn, graph, 'indexer'), 'it wakes another'),
        ...unless(
          isFor(may.function, graph, 'indexer') && String(may.sourceArn).endsWith(`rule/${rule.name}`),
          'it may not',
        ),
      ]
    },
    broken: (graph) => set(one(graph, 'cloudwatch/eventTarget:', 'HourTarget').inputs, { rule: 'another' }),
  },
  {
    name: 'a task of our cluster that stops wakes its function, and nobody else’s does',
    problems: (graph) => {
      const rule = one(graph, 'cloudwatch/eventRule:', 'TaskStops').inputs
      const { source, detail } = JSON.parse(String(rule.eventPattern)) as {
        source: string[]
        detail: { clusterArn: string[]; lastStatus: string[] }
      }
      const cluster = one(graph, 'ecs/cluster:', 'Cluster').inputs.name
      return [
        ...unless(text(source) === '["aws.ecs"]', 'another source'),
        ...unless(
          detail.clusterArn?.length === 1 && detail.clusterArn[0]?.endsWith(`/${cluster}`) === true,
          'another cluster',
        ),
        ...unless(detail.lastStatus.includes('STOPPED') && !detail.lastStatus.includes('RUNNING'), 'another change'),
        ...unless(
          isFor(one(graph, 'cloudwatch/eventTarget:', 'TaskStopsTarget').inputs.arn, graph, 'task-events'),
          'it wakes another',
        ),
        ...unless(
          isFor(one(graph, 'lambda/permission:', 'TaskStopsMayCall').inputs.function, graph, 'task-events'),
          'it may not',
        ),
      ]
    },
    broken: (graph) =>
      edit<{ detail: { clusterArn?: string[] } }>(
        one(graph, 'cloudwatch/eventRule:', 'TaskStops').inputs,
        'eventPattern',
        ({ detail }) => void delete detail.clusterArn,
      ),
  },
  {
    name: 'nobody else may call a function: the two with addresses by these alone, the others by one event each',
    problems: (graph) =>
      all(graph, 'lambda/permission:')
        .filter(({ inputs }) => inputs.sourceArn === undefined)
        .filter(({ inputs }) => inputs.functionUrlAuthType !== 'NONE' && inputs.invokedViaFunctionUrl !== true)
        .map(({ name }) => `${name} lets anybody call`),
    broken: (graph) => void delete one(graph, 'lambda/permission:', 'ApiInvokeFunction').inputs.invokedViaFunctionUrl,
  },
]
