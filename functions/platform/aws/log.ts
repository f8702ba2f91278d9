/** A Lambda's logger: one line of JSON per event on standard output, which CloudWatch keeps. Never bodies, tokens, cookies or query strings. */
import type { Log } from '../../core/ports.ts'

export const jsonLog: Log = (level, event, fields = {}) => {
  process.stdout.write(`${JSON.stringify({ time: new Date().toISOString(), level, event, ...fields })}\n`)
}
