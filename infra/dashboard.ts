/** One page for whoever runs it: how many viewers, what was refused, whether the functions work. Three dashboards are free. */
import type { Alarms } from './alarms.ts'
import type { Functions } from './functions.ts'
import { named } from './stage.ts'

export function dashboard({ live, oldest, orphans, refused, unsaved }: Alarms, fns: Functions) {
  const { region } = aws.getRegionOutput()
  const own = ({ namespace, metricName }: Alarms['live'], stat: string) => [namespace, metricName, { stat }]
  const lambdas = (metricName: string, stat: string) =>
    Object.values(fns).map(({ name }) => ['AWS/Lambda', metricName, 'FunctionName', name, { stat }])
  const graphs = [
    { title: 'Live sessions', metrics: [own(live, 'Maximum')] },
    { title: 'Age of the oldest session (ms)', metrics: [own(oldest, 'Maximum')] },
    {
      title: 'Should be 0: starts refused, saves refused, tasks without a session',
      metrics: [own(refused, 'Sum'), own(unsaved, 'Sum'), own(orphans, 'Maximum')],
    },
    { title: 'Errors of functions', metrics: lambdas('Errors', 'Sum') },
    { title: 'Duration of functions, 95th percentile (ms)', metrics: lambdas('Duration', 'p95') },
    { title: 'Functions at once (a new account may have 10)', metrics: lambdas('ConcurrentExecutions', 'Maximum') },
  ]
  new aws.cloudwatch.Dashboard('Dashboard', {
    dashboardName: named('overview'),
    dashboardBody: $jsonStringify({
      widgets: graphs.map((graph, n) => ({
        type: 'metric',
        ...{ x: 12 * (n % 2), y: 6 * Math.floor(n / 2), width: 12, height: 6 },
        properties: { ...graph, region, view: 'timeSeries', period: 60 },
      })),
    }),
  })
}
