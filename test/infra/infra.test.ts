/** The plan of a deploy keeps its promises; and each promise is broken once, to see that the question would notice. */
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { parseDeployment } from '../../functions/platform/aws/settings.ts'
import { projectRoot } from '../../functions/setup/python.ts'
import { deploySettings } from '../../infra/settings.ts'
import { all, one } from './ask.ts'
import { type Graph, originSecret, planned } from './graph.ts'
import { policyTable } from './policy-table.ts'
import { promiseGroups } from './promises.ts'

let production: Graph
beforeAll(async () => {
  production = await planned('production')
}, 300_000)

describe.each(Object.entries(promiseGroups))('production: %s', (_, promises) => {
  it.each(promises.map((promise) => [promise.name, promise] as const))('%s', async (_name, { problems, broken }) => {
    expect(await problems(production)).toEqual([])
    const copy = structuredClone(production)
    broken(copy)
    expect(await problems(copy), 'the question does not notice').not.toEqual([])
  })
})

describe('the table of rights', () => {
  it('is what the plan says', () => {
    const written = readFileSync(path.join(projectRoot(), 'infra', 'policies.md'), 'utf8')
    expect(written, 'infra/policies.md is out of date. Run: npm run docs -- infra').toBe(policyTable(production))
    const copy = structuredClone(production)
    const { inputs } = one(copy, 'iam/rolePolicy:', 'ApiRights')
    inputs.policy = String(inputs.policy).replace('s3:GetObject', 's3:GetObjectAcl')
    expect(policyTable(copy)).not.toBe(written)
  })
})

describe('production when it is given up, with every setting', () => {
  let graph: Graph
  const certificate = (name: string) => `arn:aws:acm:us-east-1:123456789012:certificate/${name}`
  beforeAll(async () => {
    graph = await planned('production', {
      CXOD_GIVE_UP: 'production',
      CXOD_SLOTS: '3',
      CXOD_ALARM_EMAIL: 'lab@example.org',
      CXOD_APP_DOMAIN: 'cells.example.org',
      CXOD_APP_CERTIFICATE: certificate('app'),
      CXOD_VIEW_DOMAIN: 'view.cells.example.org',
      CXOD_VIEW_CERTIFICATE: certificate('view'),
      CXOD_IDLE_MINUTES: '20',
      CXOD_LIFETIME_HOURS: '8',
      CXOD_LIVE_SESSIONS_PER_USER: '2',
      CXOD_ON_DEMAND: 'public, heart',
      SST_SECRET_OriginSecretPrevious: `${originSecret}-before`,
    })
  }, 300_000)

  it('has as many slots as it is told, and leaves nothing behind', () => {
    expect(all(graph, 'lb/targetGroup:')).toHaveLength(3)
    expect(graph.resources.filter(({ protect }) => protect)).toEqual([])
    expect(one(graph, 'dynamodb/table:', 'Table').inputs.deletionProtectionEnabled).toBe(false)
    expect(one(graph, 'lb/loadBalancer:', 'Balancer').inputs.enableDeletionProtection).toBe(false)
    for (const { inputs } of all(graph, 's3/bucket:')) expect(inputs.forceDestroy).toBe(true)
    for (const { inputs } of all(graph, 'ecr/repository:')) expect(inputs.forceDelete).toBe(true)
  })

  it('has its own names, with a certificate and TLS 1.2 or newer, and the functions know them', () => {
    const item = String(one(graph, 'dynamodb/tableItem:', 'Deployment').inputs.item)
    const facts = parseDeployment((JSON.parse(item) as { document: { S: string } }).document.S)
    expect(facts).toMatchObject({
      appOrigin: 'https://cells.example.org',
      viewOrigin: 'https://view.cells.example.org',
      limits: { idleMs: 20 * 60_000, lifetimeMs: 8 * 3_600_000, liveSessionsPerUser: 2 },
      onDemand: ['public', 'heart'],
    })
    expect(one(graph, 'cloudfront/distribution:', 'View').inputs).toMatchObject({
      aliases: ['view.cells.example.org'],
      viewerCertificate: { acmCertificateArn: certificate('view'), minimumProtocolVersion: 'TLSv1.2_2021' },
    })
    expect(one(graph, 'cloudwatch/metricAlarm:', 'SessionTooOld').inputs.threshold).toBe(9 * 3_600_000)
  })

  it('takes both secrets while one replaces the other, and tells somebody of alarms', () => {
    expect(JSON.parse(String(one(graph, 'ssm/parameter:', 'OriginSecrets').inputs.value))).toEqual([
      originSecret,
      `${originSecret}-before`,
    ])
    expect(one(graph, 'sns/topicSubscription:', 'AlarmEmail').inputs).toMatchObject({ endpoint: 'lab@example.org' })
  })
})

describe('the settings of a deploy', () => {
  const infra = path.join(projectRoot(), 'infra')
  const sources = [
    ...readdirSync(infra)
      .filter((name) => name.endsWith('.ts') && name !== 'settings.ts')
      .map((name) => path.join(infra, name)),
    path.join(projectRoot(), 'sst.config.ts'),
  ]
    .map((file) => readFileSync(file, 'utf8'))
    .join('\n')

  it('are those of the guide: each is read, and no other', () => {
    // Two are put together: CXOD_APP and CXOD_VIEW, each with _DOMAIN and _CERTIFICATE.
    const read = (name: string) =>
      sources.includes(`'${name}'`) ||
      sources.includes(`process.env.${name} `) ||
      sources.includes(`'${name.replace(/_(DOMAIN|CERTIFICATE)$/, '')}'`)
    expect(Object.keys(deploySettings).filter((name) => !read(name))).toEqual([])
    const named = new Set([...sources.matchAll(/process\.env\.(\w+)/g)].map(([, name]) => name))
    // The region is AWS’s own word, and the stage’s protection is decided before a setting can be read.
    expect([...named].sort()).toEqual(['AWS_REGION', 'CXOD_GIVE_UP'])
  })
})

describe('a deploy that could not work', () => {
  it.each([
    ['a secret that could be guessed', { SST_SECRET_OriginSecret: 'short' }, /must have 32 or more/],
    ['more sessions than places', { CXOD_SLOTS: '2', CXOD_LIVE_SESSIONS: '3' }, /more than the 2 places/],
    ['functions that were not built', { CXOD_LAMBDAS: '/nowhere' }, /is not built/],
  ] as const)('is refused before anything is made: %s', async (_, env, words) => {
    await expect(planned('try', env)).rejects.toThrow(words)
  })
})
