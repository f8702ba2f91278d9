/** `npm run backup`: makes a backup of a launcher's state while it runs, and restores one. */
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { isLauncherError, LauncherError } from '../../core/errors.ts'
import type { Clock } from '../../core/ports.ts'
import { makeBackup, restoreBackup } from './backup.ts'

const backupUsage = `npm run backup -- make DIR       copies what is kept into DIR; the launcher may run. Again: only what is new.
npm run backup -- restore DIR    brings it back into an empty state folder; then start the launcher on that.

--state DIR names the launcher's state folder (default ./state, or CXOD_STATE). Run it as the launcher's user.`

type Terminal = { output: NodeJS.WritableStream; error: NodeJS.WritableStream }

/** @returns exit code */
export async function runBackupCli(
  argv: readonly string[],
  { output, error: errors }: Terminal,
  env: Readonly<Record<string, string | undefined>>,
  clock: Clock,
): Promise<number> {
  try {
    const { positionals, values } = parse(argv)
    const [verb = 'help', folder] = positionals
    if (values.help || verb === 'help') {
      output.write(`${backupUsage}\n`)
      return 0
    }
    if ((verb !== 'make' && verb !== 'restore') || folder === undefined)
      throw new LauncherError('bad-request', backupUsage)
    const stateDir = resolve(values.state ?? (env.CXOD_STATE || './state'))
    const dir = resolve(folder)
    if (verb === 'make') {
      const { files, copied, items } = await makeBackup(stateDir, dir, clock)
      output.write(`Backup of ${stateDir} in ${dir}: ${files} files (${copied} new), ${items} records.\n`)
    } else {
      const { files, items } = await restoreBackup(dir, stateDir)
      output.write(`Restored ${files} files and ${items} records into ${stateDir}. Start the launcher on it.\n`)
    }
    return 0
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : ''
    const words = ['EACCES', 'EPERM', 'ENOSPC', 'EDQUOT', 'EROFS', 'ENOENT'].includes(code)
    if (!isLauncherError(error) && !words) throw error
    errors.write(`${error instanceof Error ? error.message : String(error)}\n`)
    return 1
  }
}

function parse(argv: readonly string[]) {
  try {
    const options = { state: { type: 'string' }, help: { type: 'boolean', short: 'h' } } as const
    return parseArgs({ args: [...argv], allowPositionals: true, options })
  } catch (error) {
    throw new LauncherError('bad-request', `${error instanceof Error ? error.message : error}\n\n${backupUsage}`)
  }
}
