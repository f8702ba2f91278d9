/** Why ECS would not start a task, told apart and named: some refusals are for the user, some for whoever runs the account. */
import type { Failure } from '@aws-sdk/client-ecs'
import { isLauncherError, LauncherError } from '../../core/errors.ts'
import { isPassing } from './backoff.ts'
import { awsName } from './errors.ts'

/**
 * What to look for in ECS's own words, most specific first. Sources: “API failure reasons” and “Amazon ECS service
 * quotas” of the ECS developer guide.
 */
const reasons: readonly { pattern: RegExp; reason: string; message: string }[] = [
  {
    pattern: /limit on the number of vcpus|vcpu.{0,40}(limit|quota)|RESOURCE:CPU/i,
    reason: 'vcpu-quota',
    message:
      'This AWS account may not run more processors at once. Stop a viewer, or ask whoever runs this launcher to raise the quota “Fargate On-Demand (or Spot) vCPU resource count” under Service Quotas.',
  },
  {
    pattern: /concurrently|number of tasks.{0,40}(limit|quota)|TasksLimit/i,
    reason: 'task-quota',
    message:
      'This AWS account may not run more tasks at once. Stop a viewer, or ask whoever runs this launcher to raise the quota.',
  },
  {
    pattern: /capacity is unavailable|no capacity|RESOURCE:(FARGATE|MEMORY|ENI)|insufficient.{0,20}capacity/i,
    reason: 'zone-capacity',
    message: 'AWS has no room for this viewer in any of the zones just now. Try again in a few minutes.',
  },
]

/** A `no-room` to show, where ECS refused outright (nothing was started); null where the same call may succeed later. */
export function refusalOf(answer: { failures: readonly Failure[] } | { error: unknown }): LauncherError | null {
  if ('error' in answer) {
    const { error } = answer
    if (isLauncherError(error)) return error
    const named = find(`${awsName(error)} ${error instanceof Error ? error.message : ''}`)
    return named ?? (isPassing(error) ? null : misconfigured(error))
  }
  const words = answer.failures.map(({ reason, detail }) => `${reason ?? ''} ${detail ?? ''}`).join('; ')
  return find(words) ?? (words === '' ? null : misconfigured(new Error(words)))
}

function find(words: string): LauncherError | null {
  const found = reasons.find(({ pattern }) => pattern.test(words))
  return found ? new LauncherError('no-room', found.message, { reason: found.reason }) : null
}

/** Refused for what it asks (a right that lacks, a subnet that is gone): a repeat changes nothing. */
function misconfigured(error: unknown): LauncherError {
  return new LauncherError(
    'bad-setting',
    'AWS refused to start the viewer for a reason that is none of yours. It was written to the log; tell whoever runs this launcher.',
    { reason: awsName(error) || 'refused' },
    { cause: error },
  )
}
