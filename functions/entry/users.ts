/** `npm run users`: accounts on one machine. */
import { runUsersCli } from '../platform/local/users-cli.ts'

// Its notice about Node 20 is for us, not for who runs this.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true'
// Whoever opens the store first writes its files.
process.umask(0o077)
const terminal = { input: process.stdin, output: process.stdout, error: process.stderr }
process.exitCode = await runUsersCli(process.argv.slice(2), terminal, process.env, { now: () => Date.now() })
