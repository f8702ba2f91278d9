/** `npm run backup`: a launcher's state, copied and brought back. */
import { runBackupCli } from '../platform/local/backup-cli.ts'

// Its notice about Node 20 is for us, not for who runs this.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true'
process.umask(0o077)
const terminal = { output: process.stdout, error: process.stderr }
process.exitCode = await runBackupCli(process.argv.slice(2), terminal, process.env, { now: () => Date.now() })
