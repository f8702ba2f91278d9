/** `npm start`: the launcher on one machine. */
import { runLocal } from '../platform/local/run.ts'

await runLocal(process.argv.slice(2), process.env)
