// `npm run backup -- make|restore DIR`: the state of the one-machine platform, copied and brought back.
import { runProgram } from './program.mjs'

await runProgram('backup.mjs')
