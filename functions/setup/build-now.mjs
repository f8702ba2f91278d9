// `npm run build`: what `npm start` would build, without starting it.
import { runProgram } from './program.mjs'

await runProgram(null)
