// `npm run deploy -- --stage NAME` and `npm run build:aws`.
import { runProgram } from './program.mjs'

// SST is a package for development.
await runProgram('deploy.mjs', { dev: true })
