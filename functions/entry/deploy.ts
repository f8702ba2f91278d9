/** `npm run deploy` and `npm run build:aws`. */
import { runDeploy } from '../platform/aws/deploy-cli.ts'

process.exitCode = await runDeploy(process.argv.slice(2), process.env)
