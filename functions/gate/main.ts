/** Entry of the gate's own process: reads its configuration and runs until it has said goodbye. */
import { readConfig } from './config.ts'
import { jsonLog } from './log.ts'
import { run } from './run.ts'

process.umask(0o077)
try {
  await run(readConfig(process.env), { signals: process })
  process.exit(0)
} catch (error) {
  jsonLog('error', 'gate-failed', { detail: error instanceof Error ? error.message : 'unknown' })
  process.exit(1)
}
