/**
 * Stands in for the `pulumi` program while the real `sst diff` runs. SST asks it for three things: its version, an empty
 * stack, and a preview, which runs the program against the monitor and writes down every resource.
 */
import fs from 'node:fs'
import path from 'node:path'
import { install } from './monitor.mjs'

const [command, ...rest] = process.argv.slice(2)
const version = process.env.PULUMI_VERSION ?? ''

if (command === 'version') process.stdout.write(`${version}\n`)
else if (command === 'stack' && rest[0] === 'init') writeState(stateFile(rest[1] ?? ''), rest[1] ?? '', [])
else if (command === 'preview') await preview()
else {
  process.stderr.write(`This stand-in for pulumi does not know “${command} ${rest.join(' ')}”.\n`)
  process.exitCode = 1
}

/** @param {string} stack `organization/<app>/<stage>` */
function stateFile(stack) {
  const [, app = '', stage = ''] = stack.split('/')
  return path.join(process.cwd(), '.pulumi', 'stacks', app, `${stage}.json`)
}

/** @param {string} file @param {string} stack @param {unknown[]} resources */
function writeState(file, stack, resources) {
  const manifest = { time: '2026-01-01T00:00:00Z', magic: '', version }
  fs.mkdirSync(path.dirname(file), { recursive: true })
  fs.writeFileSync(file, JSON.stringify({ version: 3, checkpoint: { stack, latest: { manifest, resources } } }))
}

async function preview() {
  const flag = (/** @type {string} */ name) => rest[rest.indexOf(name) + 1] ?? ''
  const stack = flag('--stack')
  const [, project = '', stage = ''] = stack.split('/')
  const file = stateFile(stack) // before the program changes the folder
  const main = /^main: (.*)$/m.exec(fs.readFileSync('Pulumi.yaml', 'utf8'))?.[1] ?? ''
  const region = process.env.AWS_REGION ?? ''
  const monitor = await install({ platform: path.dirname(main), project, stage, region })
  /** @type {Set<string>} */
  const errors = new Set()
  const fail = (/** @type {any} */ error) => void errors.add(String(error?.stack ?? error))
  let settled = false
  let done = false
  process.on('unhandledRejection', fail)
  process.on('uncaughtException', fail)
  // Resources are registered inside apply()s, too, when nothing else is outstanding: it is over when the event loop is.
  process.on('beforeExit', () => {
    if (done) return
    done = true
    if (!settled && errors.size === 0) fail('The program never settled: some output stays unresolved.')
    const resources = monitor.graph()
    const graph = { project, stage, region, resources, errors: [...errors] }
    fs.writeFileSync(process.env.INFRA_GRAPH ?? '', JSON.stringify(graph))
    const state = resources.map(({ urn, custom, type, inputs, outputs, parent }) => ({
      ...{ urn, custom, type, inputs, outputs: outputs ?? inputs },
      parent: parent || undefined,
    }))
    writeState(file, stack, state)
    const summary = {
      maybeCorrupt: false,
      durationSeconds: 0,
      resourceChanges: { create: state.length },
      PolicyPacks: {},
    }
    for (const event of [
      ...[...errors].map((error) => ({
        diagnosticEvent: { message: error.split('\n')[0], color: 'never', severity: 'error' },
      })),
      { summaryEvent: summary },
    ])
      fs.appendFileSync(flag('--event-log'), `${JSON.stringify({ sequence: 0, timestamp: 0, ...event })}\n`)
    process.exitCode = errors.size > 0 ? 1 : 0
  })
  try {
    const program = async () => (await import(main)).default
    await monitor.pulumi.runtime.runInPulumiStack(program)
    await monitor.pulumi.runtime.disconnect()
    settled = true
  } catch (error) {
    fail(error)
  }
}
