/** `npm run aws:here`: the launcher as it runs on AWS, on this machine, for a person to look at. Ends with Ctrl-C and leaves nothing. */
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { SetupError, say } from '../../functions/setup/words.mjs'
import { ensureTools } from '../run/tools.ts'
import { names } from './account.ts'
import { type Harness, startHarness } from './start.ts'

const usage = `npm run aws:here [-- --start-seconds N] [--slots N] [--idle-minutes N]

--start-seconds N  what stands for Fargate's time between asking for a task and its containers (AWS: 45 to 90; here 5)
--slots N          viewers at once (4)
--idle-minutes N   until an unused viewer sleeps (30)`

function parse(args: string[]) {
  const options = {
    'start-seconds': { type: 'string', default: '5' },
    slots: { type: 'string', default: '4' },
    'idle-minutes': { type: 'string', default: '30' },
  } as const
  try {
    return parseArgs({ args, options }).values
  } catch (error) {
    throw new SetupError(`${error instanceof Error ? error.message : error}\n\n${usage}`)
  }
}

function readArguments(argv: string[]) {
  const given = parse(argv)
  const number = (name: keyof typeof given, least: number, most: number): number => {
    const value = Number(given[name])
    if (value >= least && value <= most) return value
    throw new SetupError(`--${name}: a number from ${least} to ${most}.\n\n${usage}`)
  }
  return {
    startMs: number('start-seconds', 0, 600) * 1000,
    slots: Math.round(number('slots', 1, 100)),
    limits: { idleMs: number('idle-minutes', 0.1, 24 * 60) * 60_000 },
  }
}

async function welcome(harness: Harness, sample: string): Promise<void> {
  const [name, password] = ['ann', randomBytes(9).toString('base64url')]
  await harness.account.addUser(name, password)
  await harness.upload('public/pbmc.h5ad', sample)
  const keys = 'AWS_ACCESS_KEY_ID=person AWS_SECRET_ACCESS_KEY=test AWS_DEFAULT_REGION=us-east-1'
  say(`
Open ${harness.appOrigin}/sign-in
Name      ${name}
Password  ${password}

Viewers' pages are at ${harness.viewOrigin}. The sample is being read; it can be opened in a few seconds.
To add a file:  ${keys} aws --endpoint-url ${harness.edge.url} s3 cp FILE s3://${names.data}/public/
Log: ${harness.logFile}
Ctrl-C ends it, and everything with it.`)
}

async function run(): Promise<void> {
  const settings = readArguments(process.argv.slice(2))
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true'
  const tools = await ensureTools()
  Object.assign(process.env, tools)
  const dir = mkdtempSync(path.join(tmpdir(), 'cxod-aws-'))
  process.once('exit', () => rmSync(dir, { recursive: true, force: true }))
  const harness = await startHarness({ ...settings, dir, tickEveryMs: 60_000 })
  const told = new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, resolve)
  })
  try {
    await welcome(harness, tools.CXOD_TEST_SAMPLE ?? '')
    await told
    const viewers = harness.ecs.processes().filter(({ role }) => role === 'viewer').length
    say(viewers > 0 ? `Stopping, and ${viewers} viewers with it.` : 'Stopping.')
  } finally {
    await harness.stop()
  }
}

if (process.argv.includes('--help') || process.argv.includes('-h')) process.stdout.write(`${usage}\n`)
else
  await run().catch((error: unknown) => {
    process.stderr.write(
      `${error instanceof SetupError ? error.message : error instanceof Error ? error.stack : error}\n`,
    )
    process.exitCode = 1
  })
