/** The gate's logger: one line of JSON per event on standard output. Never bodies, tokens, cookies or query strings. */
import type { Log } from '../core/ports.ts'

export const jsonLog: Log = (level, event, fields = {}) => {
  process.stdout.write(`${JSON.stringify({ at: new Date().toISOString(), level, event, ...fields })}\n`)
}
