/** What SST would give a role by default is taken away from whatever is added one day; the plan itself has no such role. */
import { createRequire } from 'node:module'
import path from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { projectRoot } from '../../functions/setup/python.ts'
import { ensurePlatform } from './graph.ts'

type Args = Record<string, unknown>
type Output = { apply(then: (value: unknown) => void): void }
const infra = path.join(projectRoot(), 'infra', 'narrow.ts')
const globals = globalThis as unknown as Record<string, unknown>
let change: (args: Args) => void

beforeAll(async () => {
  await ensurePlatform()
  // Pulumi's own outputs, as SST hands them to programs.
  const load = createRequire(path.join(projectRoot(), '.sst', 'platform', 'package.json'))
  globals.$util = load('@pulumi/pulumi')
  globals.aws = { iam: { Role: class {} } }
  globals.$transform = (_: unknown, how: (args: Args) => void) => {
    change = how
  }
  const { narrow } = (await import(infra)) as { narrow(): void }
  narrow()
}, 300_000)
afterAll(() => {
  for (const name of ['$util', 'aws', '$transform']) delete globals[name]
})

const settled = (output: unknown) => new Promise((resolve) => (output as Output).apply(resolve))
const trust = (Principal: object) => ({ Effect: 'Allow', Action: 'sts:AssumeRole', Principal })
const policy = (...Statement: object[]) => JSON.stringify({ Version: '2012-10-17', Statement })

it('takes the account out of who may take a role', async () => {
  const service = { Service: 'lambda.amazonaws.com' }
  const args: Args = { assumeRolePolicy: policy(trust(service), trust({ AWS: 'arn:aws:iam::123456789012:root' })) }
  change(args)
  expect(JSON.parse(String(await settled(args.assumeRolePolicy)))).toMatchObject({ Statement: [trust(service)] })
  const both: Args = { assumeRolePolicy: JSON.parse(policy(trust({ ...service, AWS: '123456789012' }))) }
  change(both)
  expect(JSON.parse(String(await settled(both.assumeRolePolicy)))).toMatchObject({ Statement: [trust(service)] })
})

it('takes every parameter, every secret and the shell away, and leaves the rest', async () => {
  const [all, own] = ['*', 'arn:aws:ssm:us-east-1:123456789012:parameter/one']
  const right = (Action: string[], Resource: string) => ({ Effect: 'Allow', Action, Resource })
  const kept = [right(['ssm:GetParameters'], own ?? ''), right(['logs:PutLogEvents'], all ?? '')]
  const args: Args = {
    assumeRolePolicy: policy(trust({ Service: 'ecs-tasks.amazonaws.com' })),
    inlinePolicies: [
      { name: 'inline', policy: policy(right(['ssm:GetParameters', 'secretsmanager:GetSecretValue'], '*'), ...kept) },
      { name: 'shell', policy: policy(right(['ssmmessages:OpenDataChannel'], '*')) },
    ],
  }
  change(args)
  expect(await settled(args.inlinePolicies)).toEqual([{ name: 'inline', policy: policy(...kept) }])
})

it('leaves alone a role that is only looked up, and never orders other policies to be deleted', () => {
  const looked: Args = {}
  change(looked)
  expect(looked).toEqual({})
  const plain: Args = { assumeRolePolicy: policy(trust({ Service: 'lambda.amazonaws.com' })) }
  change(plain)
  expect(plain).not.toHaveProperty('inlinePolicies')
})
