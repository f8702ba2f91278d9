/** `npm run sweep`: what leaks on AWS, and its end. */
import { runSweepCli } from '../platform/aws/sweep-cli.ts'

// Its notice about Node 20 is for us, not for who runs this.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true'
const terminal = { output: process.stdout, error: process.stderr }
process.exitCode = await runSweepCli(process.argv.slice(2), terminal, process.env, { now: () => Date.now() })
