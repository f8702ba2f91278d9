// `npm run sweep -- [--dry-run]`: what leaks in a deployment on AWS, and its end.
import { runProgram } from './program.mjs'

await runProgram('sweep.mjs')
