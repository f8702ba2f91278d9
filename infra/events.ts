/** What wakes the functions that nobody calls: the minute, files that come and go (and the hour, in case that was not heard), tasks that stop. */
import type { Functions } from './functions.ts'
import { named } from './stage.ts'
import type { Storage } from './storage.ts'
import type { Tasks } from './tasks.ts'

export function events({ reaper, indexer, taskEvents }: Functions, { data }: Storage, { cluster }: Tasks) {
  on('Minute', 'minute', { scheduleExpression: 'rate(1 minute)' }, reaper)
  // The next minute is the retry: one that comes late would only be in its way.
  new aws.lambda.FunctionEventInvokeConfig(
    'ReaperRetries',
    {
      functionName: reaper.name,
      maximumRetryAttempts: 0,
      maximumEventAgeInSeconds: 60,
    },
    { dependsOn: reaper.fn },
  )

  on(
    'TaskStops',
    'task-stops',
    {
      eventPattern: $jsonStringify({
        source: ['aws.ecs'],
        'detail-type': ['ECS Task State Change'],
        detail: {
          clusterArn: [cluster.arn],
          // A task that starts tells so itself, by its gate.
          lastStatus: ['DEACTIVATING', 'STOPPING', 'DEPROVISIONING', 'STOPPED'],
        },
      }),
    },
    taskEvents,
  )

  // An event may be lost, or its three looks be too few for a first import: nothing waits for longer than an hour.
  on('Hour', 'hour', { scheduleExpression: 'rate(1 hour)' }, indexer)
  const allowed = new aws.lambda.Permission('FilesMayCall', {
    action: 'lambda:InvokeFunction',
    function: indexer.fn.nodes.function.name,
    principal: 's3.amazonaws.com',
    sourceArn: data.arn,
    // A bucket's name alone could be somebody else's after it is deleted.
    sourceAccount: aws.getCallerIdentityOutput().accountId,
  })
  new aws.s3.BucketNotification(
    'Files',
    {
      bucket: data.id,
      lambdaFunctions: [
        {
          lambdaFunctionArn: indexer.fn.arn,
          events: ['s3:ObjectCreated:*', 's3:ObjectRemoved:*'],
          filterSuffix: '.h5ad',
        },
      ],
    },
    { dependsOn: allowed },
  )
}

function on(title: string, name: string, when: aws.cloudwatch.EventRuleArgs, { fn }: Functions['reaper']) {
  const rule = new aws.cloudwatch.EventRule(title, { name: named(name), ...when })
  new aws.cloudwatch.EventTarget(`${title}Target`, {
    rule: rule.name,
    arn: fn.arn,
    retryPolicy: { maximumRetryAttempts: 0, maximumEventAgeInSeconds: 60 },
  })
  new aws.lambda.Permission(`${title}MayCall`, {
    action: 'lambda:InvokeFunction',
    function: fn.nodes.function.name,
    principal: 'events.amazonaws.com',
    sourceArn: rule.arn,
  })
}
