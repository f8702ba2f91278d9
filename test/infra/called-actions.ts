/** Which actions the program's own calls need, read from its source. */
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { projectRoot } from '../../functions/setup/python.ts'

/** What AWS asks of who makes a call, beyond an action of the call's own name. */
const needs: Record<string, string[]> = {
  HeadObject: ['s3:GetObject'],
  ListObjectsV2: ['s3:ListBucket'],
  RunTask: ['ecs:RunTask', 'ecs:TagResource', 'iam:PassRole'],
  RegisterTargets: ['elasticloadbalancing:RegisterTargets'],
  DeregisterTargets: ['elasticloadbalancing:DeregisterTargets'],
  DescribeTargetHealth: ['elasticloadbalancing:DescribeTargetHealth'],
  Get: ['dynamodb:GetItem'],
  Put: ['dynamodb:PutItem'],
  Update: ['dynamodb:UpdateItem'],
  Delete: ['dynamodb:DeleteItem'],
  Query: ['dynamodb:Query'],
}
const services: Record<string, string> = { s3: 's3', ecs: 'ecs', ssm: 'ssm' }
/** For one machine, where the table is ours to make and TTL is ours to do; and for people at their own computer. */
const notInLambdas = ['dynamo/table.ts', 'dynamo/expired.ts']

/** Actions that the adapters' calls need, read from their source: `new XCommand(` and `paginateX(`, by the package they are from. */
export function actionsOfSource(): Set<string> {
  const platform = path.join(projectRoot(), 'functions', 'platform')
  const found = new Set<string>()
  for (const folder of ['aws', 'dynamo'])
    for (const file of readdirSync(path.join(platform, folder))) {
      if (!file.endsWith('.ts') || notInLambdas.includes(`${folder}/${file}`)) continue
      const source = readFileSync(path.join(platform, folder, file), 'utf8')
      for (const [, names = '', client = ''] of source.matchAll(
        /import (?:type )?\{([^}]*)\} from '@aws-sdk\/(?:client-|lib-)([a-z0-9-]+)'/g,
      ))
        for (const [, command, paginated] of names.matchAll(/\b(\w+)Command\b|\bpaginate(\w+)\b/g)) {
          const call = command ?? paginated ?? ''
          for (const action of needs[call] ?? [`${services[client] ?? client}:${call}`]) found.add(action)
        }
    }
  return found
}
