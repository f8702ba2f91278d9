/** `npm run sweep` on leaks that were made by hand, and on a twin of the same account that has none. */
import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { RunTaskCommand } from '@aws-sdk/client-ecs'
import { PutCommand } from '@aws-sdk/lib-dynamodb'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { taskPerHour } from '../../functions/platform/aws/prices.ts'
import { deploymentKey, environmentNames } from '../../functions/platform/aws/settings.ts'
import { runSweepCli, sweepUsage } from '../../functions/platform/aws/sweep-cli.ts'
import { aDeployment } from '../support/aws-account.ts'
import { builtPrograms } from '../support/built.ts'
import { tempDir } from '../support/temp-dir.ts'
import { leak, leaveTarget, ready, start } from './death-steps.ts'
import { makeWorld } from './emulators.ts'
import { startProcess } from './process.ts'
import { minute, person, type World } from './world.ts'

let world: World
let env: Record<string, string>
const dir = tempDir('sweep-')

beforeAll(async () => {
  world = await makeWorld(8)
  env = await deploy(world)
  Object.assign(process.env, aws())
}, 180_000)
afterAll(() => world?.close())

/** @returns the environment of its Lambdas */
async function deploy({ table, slots, bucket, cluster, subnets }: World): Promise<Record<string, string>> {
  const document = JSON.stringify(aDeployment({ slots }))
  await table.client.send(new PutCommand({ TableName: table.name, Item: { ...deploymentKey, document } }))
  return {
    [environmentNames.table]: table.name,
    [environmentNames.dataBucket]: bucket,
    [environmentNames.vaultBucket]: bucket,
    [environmentNames.cluster]: cluster,
    [environmentNames.taskDefinition]: 'viewer:1',
    [environmentNames.taskFamily]: 'viewer',
    [environmentNames.subnets]: subnets.join(','),
    [environmentNames.taskSecurityGroup]: 'sg-12345678',
    [environmentNames.parameters]: '/cxod/test',
  }
}

function aws(): Record<string, string> {
  const { region, credentials } = world.moto.clientConfig
  return {
    AWS_REGION: region,
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    AWS_ENDPOINT_URL: world.moto.endpoint,
    AWS_ENDPOINT_URL_DYNAMODB: world.tables.endpoint,
  }
}

async function run(words: readonly string[], given: Record<string, string>) {
  const [said, complained]: [string[], string[]] = [[], []]
  const terminal = {
    output: { write: (text: string) => said.push(text) },
    error: { write: (text: string) => complained.push(text) },
  }
  const code = await runSweepCli(words, terminal, given, world.clock, 0)
  return { code, said: said.join(''), complained: complained.join('') }
}
const sweep = (...words: string[]) => run(words, env)

type Report = {
  dollarsPerDay: number
  found: { kind: string; sessionId: string | null; what: string }[]
  left: unknown[]
}

describe('npm run sweep', () => {
  test('where nothing leaks it says so, whatever runs', async () => {
    await ready(world, person('works'))
    await start(world, person('starts'))
    // Requested a moment ago, nothing started yet: that is no leak either.
    const process = startProcess(world, ({ name }) => (name === 'RunTask' ? 'die-before' : 'go'))
    await process.run(process.launcher.launch(person('claims'), 'pbmc', { by: 'click' }))
    expect(await sweep('--dry-run')).toMatchObject({ code: 0, said: expect.stringContaining('Nothing leaks') })
    expect(await sweep()).toMatchObject({ code: 0, said: expect.stringContaining('Nothing leaks') })
    expect(await world.sessions.listLive()).toHaveLength(3)
  })

  test('names each leak and its $ a day, changes nothing on a dry run, and ends all of them without', async () => {
    const orphan = await leak(world)
    const leased = await leak(world)
    await startProcess(world).ports.tasks.stop(leased)
    const dead = await ready(world, person('dead'))
    await world.kill(dead)
    const before = await world.leases.all()
    const free = world.slots.findIndex(({ slot }) => !before.some((lease) => lease.slot === slot))
    await leaveTarget(world, free, '10.9.9.9')

    const looked = await sweep('--dry-run', '--json')
    expect(looked.code).toBe(1)
    const report = JSON.parse(looked.said) as Report
    const listed = report.found.map(({ kind, sessionId }) => `${kind} ${sessionId}`).sort()
    const wanted = [`lease ${leased}`, `lease ${orphan}`, `session ${dead.id}`, 'target null', `task ${orphan}`]
    expect(listed).toEqual(wanted.sort())
    const size = { memoryMiB: 1024, vcpu: 0.5, spot: false, architecture: 'arm64' } as const
    const spot = taskPerHour({ ...size, spot: true }) * 24
    const onDemand = taskPerHour(size) * 24
    // Emulators differ in whether they say on what a task runs.
    expect([spot, onDemand].map((sum) => Number(sum.toFixed(2)))).toContain(report.dollarsPerDay)
    expect(onDemand).toBeCloseTo((0.5 * 0.03238 + 0.00356 + 0.005) * 24, 6)
    expect(await world.leases.all()).toEqual(before)
    expect((await world.allTasks()).get(orphan)?.[0]?.running).toBe(true)
    expect((await sweep('--dry-run')).said).toMatch(/5 leaks, \$0\.\d\d a day/)

    // Grace: what was starting a minute ago is not declared over.
    world.now += 2 * minute
    const ended = await sweep('--json')
    expect(ended.complained).toContain('orphans collected')
    expect(ended).toMatchObject({ code: 0 })
    expect((JSON.parse(ended.said) as Report).left).toEqual([])
    expect(await world.leaks()).toEqual([])
    expect((await world.receipts.listByOwner('local:dead')).map(({ sessionId }) => sessionId)).toEqual([dead.id])
    expect((await world.sessionOf(person('works')))?.state).toBe('ready')
  })

  test('a reaper that does not run shows; a task that somebody else started is named and left alone', async () => {
    const theirs = new RunTaskCommand({
      cluster: world.cluster,
      taskDefinition: 'viewer:1',
      launchType: 'FARGATE',
      networkConfiguration: { awsvpcConfiguration: { subnets: world.subnets, securityGroups: ['sg-12345678'] } },
    })
    const arn = (await world.ecs.send(theirs)).tasks?.[0]?.taskArn ?? ''
    world.now += 60 * minute
    const { code, said } = await sweep('--dry-run')
    expect(code).toBe(1)
    expect(said).toMatch(/does the reaper run\?/)
    expect(said).toContain(arn.split('/').at(-1))
    const ended = await sweep()
    expect(ended.said).toContain('started by somebody else')
    world.now += 2 * minute
    const left = JSON.parse((await sweep('--json')).said) as Report
    expect(left.left).toHaveLength(1)
    // On their way out: nothing of theirs runs, and the grace rule waits for calls that may be late.
    expect((await world.sessions.listLive()).filter(({ state }) => state !== 'stopping')).toEqual([])
  })

  test('says what is missing, and what can’t be read', async () => {
    expect(await run(['--dry-run'], {})).toMatchObject({ code: 2, complained: expect.stringContaining('CXOD_TABLE') })
    expect(await run(['--dryrun'], env)).toMatchObject({ code: 2, complained: expect.stringContaining(sweepUsage) })
    const noFile = await run(['--env', join(dir, 'none')], {})
    expect(noFile).toMatchObject({ code: 2, complained: expect.stringMatching(/none can't be read/) })
    const noTable = await run(['--dry-run'], { ...env, CXOD_TABLE: 'never-made' })
    expect(noTable).toMatchObject({ code: 2, complained: expect.stringContaining('ResourceNotFoundException') })
  })

  test('as a program, with the environment as AWS prints it', async () => {
    const dist = await builtPrograms()
    const file = join(dir, 'deployment.json')
    const twin = await makeWorld(1)
    // The program's clock is the machine's.
    twin.now = Date.now()
    writeFileSync(file, JSON.stringify(await deploy(twin)))
    await ready(twin, person('works'))
    const program = promisify(execFile)(process.execPath, [join(dist, 'sweep.mjs'), '--dry-run', '--env', file], {
      env: { PATH: process.env.PATH, ...aws() },
    })
    expect((await program).stdout).toContain('Nothing leaks')
    twin.close()
  })
})
