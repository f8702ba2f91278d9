/** What somebody hears of: each alarm by what the program really logs. */
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { defaultLimits } from '../../functions/core/limits.ts'
import { projectRoot } from '../../functions/setup/python.ts'
import { all, one, type Promised, set, text, unless } from './ask.ts'
import type { Graph } from './graph.ts'

const filters = (graph: Graph) =>
  all(graph, 'cloudwatch/logMetricFilter:').map(({ name: title, inputs }) => ({
    title,
    group: String(inputs.logGroupName),
    pattern: String(inputs.pattern),
    ...(inputs.metricTransformation as { name: string; namespace: string; value: string }),
  }))
const alarm = (graph: Graph, name: string) => one(graph, 'cloudwatch/metricAlarm:', name).inputs

let sources: string | null = null
/** Everything of functions/, to look for what a pattern looks for. */
function sourceText(): string {
  if (sources !== null) return sources
  const root = path.join(projectRoot(), 'functions')
  const files = readdirSync(root, { recursive: true, withFileTypes: true }).filter(({ name }) => name.endsWith('.ts'))
  sources = files.map(({ parentPath, name }) => readFileSync(path.join(parentPath, name), 'utf8')).join('\n')
  return sources
}

export const alarmPromises: readonly Promised[] = [
  {
    name: 'somebody hears when the reaper has not run: silence is bad news',
    problems: (graph) => {
      const silent = alarm(graph, 'ReaperSilent')
      const counted = filters(graph).find(({ title }) => title === 'TickLiveSessions')
      return [
        ...unless(silent.treatMissingData === 'breaching', 'silence is good news'),
        ...unless(
          silent.statistic === 'SampleCount' && silent.comparisonOperator === 'LessThanThreshold',
          'it counts otherwise',
        ),
        ...unless(Number(silent.period) * Number(silent.evaluationPeriods) <= 300, 'it takes too long'),
        ...unless(silent.metricName === counted?.name, 'it looks at something else'),
      ]
    },
    broken: (graph) => set(alarm(graph, 'ReaperSilent'), { treatMissingData: 'missing' }),
  },
  {
    name: 'every alarm tells the same people, of its beginning and its end, and says what to look at',
    problems: (graph) => {
      const topic = `:${one(graph, 'sns/topic:', 'Alarms').inputs.name}`
      return all(graph, 'cloudwatch/metricAlarm:').flatMap(({ name, inputs }) =>
        (['alarmActions', 'okActions'] as const)
          .filter((kind) => !(inputs[kind] as string[] | undefined)?.some((arn) => arn.endsWith(topic)))
          .map((kind) => `${name} has no ${kind}`)
          .concat(unless(String(inputs.alarmDescription).length > 30, `${name} does not say what to do`)),
      )
    },
    broken: (graph) => set(alarm(graph, 'SavesRefused'), { alarmActions: [] }),
  },
  {
    name: 'there is an alarm for each thing that costs money or labels',
    problems: (graph) => {
      const wanted = [
        'ReaperSilent',
        'ReaperErrors',
        'ReaperLate',
        'IndexerErrors',
        'TasksWithoutSession',
        'SessionTooOld',
        'StartsRefused',
        'SavesRefused',
      ]
      const there = all(graph, 'cloudwatch/metricAlarm:').map(({ name }) => name)
      return wanted.filter((name) => !there.includes(name)).map((name) => `no alarm ${name}`)
    },
    broken: (graph) => {
      graph.resources = graph.resources.filter(({ name }) => name !== 'TasksWithoutSession')
    },
  },
  {
    name: 'every figure of ours that an alarm looks at is counted from a line that the program writes',
    problems: (graph) => {
      const own = filters(graph)
      return [
        ...all(graph, 'cloudwatch/metricAlarm:')
          .filter(({ inputs }) => !String(inputs.namespace).startsWith('AWS/'))
          .filter(
            ({ inputs }) => !own.some((one) => one.name === inputs.metricName && one.namespace === inputs.namespace),
          )
          .map(({ name }) => `${name} looks at what nobody counts`),
        ...own.flatMap(({ title, pattern, value }) => {
          const event = /\$\.event = "([^"]+)"/.exec(pattern)?.[1] ?? ''
          const member = value.startsWith('$.') ? value.slice(2) : /\$\.(?!event\b)(\w+) (?:=|IS)/.exec(pattern)?.[1]
          return [
            ...unless(sourceText().includes(`'${event}'`), `${title}: nobody logs “${event}”`),
            ...unless(
              member === undefined || new RegExp(`\\b${member}\\b`).test(sourceText()),
              `${title}: nobody logs ${member}`,
            ),
          ]
        }),
        ...own
          .filter(({ group }) => !all(graph, 'cloudwatch/logGroup:').some(({ inputs }) => inputs.name === group))
          .map(({ title }) => `${title} reads no log`),
      ]
    },
    broken: (graph) => {
      const { inputs } = one(graph, 'cloudwatch/logMetricFilter:', 'Unsaved')
      inputs.pattern = String(inputs.pattern).replace('save-not-durable', 'save-lost')
    },
  },
  {
    name: 'a session is too old an hour after its end, and no function’s refusals are left out',
    problems: (graph) => [
      ...unless(alarm(graph, 'SessionTooOld').threshold === defaultLimits.lifetimeMs + 3_600_000, 'another age'),
      ...all(graph, 'lambda/function:')
        .map(({ inputs }) => (inputs.loggingConfig as { logGroup: string }).logGroup)
        .filter((group) => !filters(graph).some((one) => one.name === 'StartsRefused' && one.group === group))
        .map((group) => `refusals in ${group} are not counted`),
    ],
    broken: (graph) => set(alarm(graph, 'SessionTooOld'), { threshold: defaultLimits.lifetimeMs / 2 }),
  },
  {
    name: 'the dashboard shows what the alarms look at',
    problems: (graph) => {
      const body = String(one(graph, 'cloudwatch/dashboard:', 'Dashboard').inputs.dashboardBody)
      return ['LiveSessions', 'OldestSessionMs', 'StartsRefused', 'SavesRefused', 'TasksWithoutSession', 'Errors']
        .filter((name) => !body.includes(`"${name}"`))
        .map((name) => `it does not show ${name}`)
        .concat(unless(!text(body).includes('undefined'), 'something is missing in it'))
    },
    broken: (graph) => {
      const { inputs } = one(graph, 'cloudwatch/dashboard:', 'Dashboard')
      inputs.dashboardBody = String(inputs.dashboardBody).replace('"SavesRefused"', '"Saves"')
    },
  },
]
