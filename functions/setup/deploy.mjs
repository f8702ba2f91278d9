// `npm run deploy -- --stage NAME` and `npm run build:aws`.
import { runProgram } from './program.mjs'

const asksForHelp = process.argv.includes('--help') || process.argv.includes('-h')
// SST is a package for development.
await runProgram('deploy.mjs', { dev: !asksForHelp })
