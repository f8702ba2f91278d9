/**
 * What somebody should hear of, by e-mail if there is an address. The figures come from lines that the functions and the
 * gates log anyway. Ten alarms and ten metrics are free in every account; here are fewer of each.
 */
import type { Functions } from './functions.ts'
import { lifetimeHours, named, text } from './stage.ts'
import type { Tasks } from './tasks.ts'

export type Alarms = ReturnType<typeof alarms>
type Metric = { namespace: string; metricName: string; dimensions?: Record<string, $util.Input<string>> }
type Watch = Metric & {
  when: string
  above: number
  minutes: number
  /** Seconds; one minute. */
  period?: number
  stat: 'Sum' | 'Maximum' | 'SampleCount'
  silenceIsBad?: boolean
}

const minute = 60
const hourMs = 3_600_000

export function alarms(fns: Functions, tasks: Tasks) {
  const topic = new aws.sns.Topic('Alarms', { name: named('alarms') })
  const email = text('CXOD_ALARM_EMAIL')
  if (email !== undefined)
    new aws.sns.TopicSubscription('AlarmEmail', { topic: topic.arn, protocol: 'email', endpoint: email })

  const namespace = `${$app.name}/${$app.stage}`
  const counted = (title: string, group: aws.cloudwatch.LogGroup, pattern: string, metricName: string, value = '1') => {
    new aws.cloudwatch.LogMetricFilter(title, {
      name: named(title.toLowerCase()),
      logGroupName: group.name,
      pattern,
      metricTransformation: { namespace, name: metricName, value },
    })
    return { namespace, metricName }
  }
  const tick = (metricName: string, member: string) =>
    counted(`Tick${metricName}`, fns.reaper.logs, '{ $.event = "tick" }', metricName, `$.${member}`)
  const live = tick('LiveSessions', 'liveSessions')
  const oldest = tick('OldestSessionMs', 'oldestMs')
  const orphans = tick('TasksWithoutSession', 'tasksWithoutSession')
  const late = tick('DueLeft', 'dueLeft')
  const [refused] = Object.entries(fns).map(([name, { logs }]) =>
    counted(`Refused${name}`, logs, '{ $.event = "session not started" && $.code = "no-room" }', 'StartsRefused'),
  ) as [Metric, ...Metric[]]
  const unsaved = counted('Unsaved', tasks.logs, '{ $.event = "save-not-durable" }', 'SavesRefused')

  const watch = (
    title: string,
    { when, above, minutes, stat, silenceIsBad = false, period = minute, ...metric }: Watch,
  ) =>
    new aws.cloudwatch.MetricAlarm(title, {
      name: named(title.replace(/(?<!^)([A-Z])/g, '-$1').toLowerCase()),
      alarmDescription: when,
      ...metric,
      statistic: stat,
      period,
      evaluationPeriods: minutes,
      datapointsToAlarm: minutes,
      threshold: above,
      comparisonOperator: silenceIsBad ? 'LessThanThreshold' : 'GreaterThanThreshold',
      treatMissingData: silenceIsBad ? 'breaching' : 'notBreaching',
      alarmActions: [topic.arn],
      okActions: [topic.arn],
    })
  const lambda = (fn: Functions['reaper'], metricName: string): Metric => ({
    namespace: 'AWS/Lambda',
    metricName,
    dimensions: { FunctionName: fn.name },
  })

  watch('ReaperSilent', {
    when: 'The reaper has not finished a tick for five minutes: nobody puts viewers to sleep, and each costs by the second. See its log.',
    ...live,
    // Each tick is one sample of it, whatever its value.
    above: 1,
    minutes: 5,
    stat: 'SampleCount',
    silenceIsBad: true,
  })
  watch('ReaperErrors', {
    when: 'The reaper failed three minutes in a row. See its log.',
    ...lambda(fns.reaper, 'Errors'),
    above: 0,
    minutes: 3,
    stat: 'Sum',
  })
  watch('IndexerErrors', {
    when: 'New data files could not be looked at, three times. See the log of the indexer; the next change of a file tries again.',
    ...lambda(fns.indexer, 'Errors'),
    // Many files at once are read in several calls, each of which but the last ends with an error so that Lambda repeats it.
    above: 2,
    minutes: 1,
    period: 60 * minute,
    stat: 'Sum',
  })
  watch('TasksWithoutSession', {
    when: 'Tasks without a session, five minutes in a row, although each tick ends them. `npm run sweep -- --dry-run` lists them.',
    ...orphans,
    above: 0,
    minutes: 5,
    stat: 'Maximum',
  })
  watch('SessionTooOld', {
    when: 'A session is an hour older than any may be: it does not end. See the log of the reaper.',
    ...oldest,
    above: (lifetimeHours + 1) * hourMs,
    minutes: 5,
    stat: 'Maximum',
  })
  watch('ReaperLate', {
    when: 'More is due than a tick can end, ten minutes in a row.',
    ...late,
    above: 0,
    minutes: 10,
    stat: 'Maximum',
  })
  watch('StartsRefused', {
    when: 'Viewers are refused for lack of places, processors or room at AWS. The log line says which: `session not started`.',
    ...refused,
    above: 0,
    minutes: 1,
    stat: 'Sum',
  })
  watch('SavesRefused', {
    when: 'Annotations could not be kept; pages show "not saved" and try again. See the tasks’ log and the bucket of annotations.',
    ...unsaved,
    above: 0,
    minutes: 1,
    stat: 'Sum',
  })
  return { topic, live, oldest, orphans, refused, unsaved }
}
