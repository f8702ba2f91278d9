/** The one logger: a line of JSON per event, to a file that only the launcher's user can read. Never bodies, tokens, cookies or query strings. */
import { mkdirSync, openSync, renameSync, statSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Clock, Log } from '../../core/ports.ts'

export type LogFile = { log: Log /** For child processes, which write beside us. */; fd: number; path: string }

/** At the next start a larger file is put aside as `<name>.1`; the one before that is replaced. */
const rotateBytes = 20 * 2 ** 20

export function openLog(path: string, clock: Clock): LogFile {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) > rotateBytes) renameSync(path, `${path}.1`)
  const fd = openSync(path, 'a', 0o600)
  return {
    fd,
    path,
    log(level, event, fields = {}) {
      const line = JSON.stringify({ time: new Date(clock.now()).toISOString(), level, event, ...fields })
      try {
        writeSync(fd, `${line}\n`)
      } catch {
        // A full disk must not end the launcher because of its log.
      }
    },
  }
}
