// What a function's process runs before the function itself: takes events from the harness, calls the handler, and can end
// the process at a chosen call to AWS. Plain JavaScript: node runs it as it is.
import http from 'node:http'
import { syncBuiltinESMExports } from 'node:module'
import { pathToFileURL } from 'node:url'

/** @typedef {{ id: string, event: unknown, name: string, timeoutMs: number, aheadMs: number, die: { call: number, when: string } | null }} Message */

let calls = 0
/** @type {Message['die']} */
let die = null
let aheadMs = 0

const request = http.request
http.request = (...given) => {
  calls++
  const dies = die !== null && die.call === calls
  if (dies && die?.when === 'before') process.kill(process.pid, 'SIGKILL')
  // @ts-expect-error as above
  const made = request(...given)
  if (dies) made.once('response', () => process.kill(process.pid, 'SIGKILL'))
  return made
}
syncBuiltinESMExports()

const RealDate = Date
globalThis.Date = new Proxy(RealDate, {
  construct: (real, given) => (given.length === 0 ? new real(real.now() + aheadMs) : Reflect.construct(real, given)),
  get: (real, key) => (key === 'now' ? () => real.now() + aheadMs : Reflect.get(real, key)),
})

const program = process.argv[2] ?? ''
const loaded = import(pathToFileURL(program).href)
// Code that can't be loaded fails every event, as with Lambda.
await loaded.catch(() => undefined)

process.on('message', async (/** @type {Message} */ { id, event, name, timeoutMs, ...more }) => {
  const began = RealDate.now()
  calls = 0
  die = more.die
  aheadMs = more.aheadMs
  const context = {
    functionName: name,
    awsRequestId: id,
    callbackWaitsForEmptyEventLoop: true,
    getRemainingTimeInMillis: () => timeoutMs - (RealDate.now() - began),
  }
  try {
    const { handler } = await loaded
    const value = await handler(event, context)
    process.send?.({ id, outcome: { kind: 'answer', value: value ?? null, calls } })
  } catch (error) {
    const {
      name: kind,
      message,
      stack,
    } = error instanceof Error ? error : { name: 'Error', message: String(error), stack: '' }
    console.error(JSON.stringify({ errorType: kind, errorMessage: message, stack }))
    process.send?.({ id, outcome: { kind: 'error', name: kind, message } })
  }
})
process.send?.({ ready: true })
// The harness is gone.
process.on('disconnect', () => process.exit(0))
