// `npm start`: brings a fresh clone to a running launcher.
import { helpText } from '../platform/local/settings-table.mjs'
import { runProgram } from './program.mjs'

const asked = process.argv.slice(2)
if (asked.includes('--help') || asked.includes('-h')) process.stdout.write(helpText())
else await runProgram('local.mjs')
