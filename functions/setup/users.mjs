// `npm run users -- add|list|disable …`: the accounts of the one-machine platform.
import { runProgram } from './program.mjs'

await runProgram('users.mjs')
