/** From the command line to a running launcher and back: settings, set-up, one line to open, signals. */
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { prepare } from '../../setup/prepare.ts'
import { explainStartError } from '../../setup/start-error.ts'
import { say } from '../../setup/words.mjs'
import { type LocalLauncher, startLocal } from './index.ts'
import { parseSettings } from './settings.ts'

/** Sets the exit code: 0 after a stop that was asked for, 1 when it could not start. */
export async function runLocal(argv: readonly string[], env: NodeJS.ProcessEnv): Promise<void> {
  // Its notice about Node 20 is for us, not for who starts the launcher.
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true'
  const parsed = parseSettings(argv, env)
  if ('problems' in parsed) {
    process.stderr.write(`${parsed.problems.join('\n')}\nnpm start -- --help lists the settings.\n`)
    process.exitCode = 1
    return
  }
  const stop = onStop()
  try {
    const { python } = await prepare(parsed.settings)
    // After the data folder, which others may share: what follows is all the launcher's own, whatever the shell's umask.
    process.umask(0o077)
    // This file runs as dist/local.mjs.
    const root = resolve(fileURLToPath(import.meta.url), '..', '..')
    const running = await startLocal(parsed.settings, { python, root })
    for (const warning of running.warnings) say(`Note: ${warning}`)
    process.stdout.write(`Open ${running.signInUrl}\n`)
    process.stdout.write(`(signs you in as admin, once; log: ${running.logPath}; Ctrl-C stops everything)\n`)
    await stop.asked
    await close(running, stop)
  } catch (error) {
    const words = explainStartError(error)
    process.stderr.write(`${words ?? (error instanceof Error ? error.stack : String(error))}\n`)
    process.exitCode = 1
  }
}

type Stop = { asked: Promise<void>; again: Promise<void> }

/** The first signal asks for an orderly stop; a second one means now. */
function onStop(): Stop {
  let first = () => {}
  let second = () => {}
  const asked = new Promise<void>((resolve) => {
    first = resolve
  })
  const again = new Promise<void>((resolve) => {
    second = resolve
  })
  let count = 0
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => (++count === 1 ? first() : second()))
  return { asked, again }
}

async function close(running: LocalLauncher, stop: Stop): Promise<void> {
  process.stdout.write('Stopping: every viewer is ended; what was shown as saved is kept …\n')
  await Promise.race([running.close(), stop.again])
  process.exit(0)
}
