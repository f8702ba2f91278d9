/**
 * What a run of the suite used and wrote: secrets into one folder, logs into another, so that `npm test` can look for the
 * first in the second when it is done (test/run/log-secrets.ts). Does nothing where no run asked for it.
 */
import { randomBytes } from 'node:crypto'
import { appendFileSync, closeSync, linkSync, mkdirSync, openSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** Names the folder of the run; set by `npm test`. */
export const suiteVariable = 'CXOD_TEST_SUITE'

export type SecretKind = 'cookie' | 'token' | 'password' | 'link secret' | 'query string' | 'label' | 'gene'

export const suiteFolders = (suite: string) => ({ secrets: join(suite, 'secrets'), logs: join(suite, 'logs') })

const known = new Set<string>()
let kept = 0

/** Words that a log may hold by itself; a run that types one of them proves nothing by it. */
const tooPlain = (kind: SecretKind, value: string): boolean =>
  kind === 'label' || kind === 'gene' ? value.length < 5 || /^[a-z]{1,9}$/.test(value) : value.length < 8

/** From now on `value` must be in no log. Values too short or too plain to tell from a log's own words are left out. */
export function recordSecret(kind: SecretKind, value: string | null | undefined): void {
  const suite = process.env[suiteVariable]
  if (!suite || !value || tooPlain(kind, value)) return
  const line = JSON.stringify({ kind, value })
  const file = join(suiteFolders(suite).secrets, `${process.pid}.jsonl`)
  if (known.has(file + line)) return
  known.add(file + line)
  appendFileSync(file, `${line}\n`, { mode: 0o600 })
}

/**
 * Keeps a log that is being, or will be, written: a second name for the same file, so that nothing is lost when its folder
 * is removed or its program is killed.
 */
export function keepLog(path: string): void {
  const suite = process.env[suiteVariable]
  if (!suite) return
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  closeSync(openSync(path, 'a', 0o600))
  linkSync(path, nextName(suite, 'launcher.log'))
}

/** @returns takes what a program prints, piece by piece */
export function keepOutput(name: string): (text: string | Buffer) => void {
  const suite = process.env[suiteVariable]
  if (!suite) return () => {}
  const file = nextName(suite, `${name}.out`)
  return (text) => appendFileSync(file, text, { mode: 0o600 })
}

/** A run makes more processes than there are process ids on many machines, so an id alone may come twice. */
const self = `${process.pid}-${randomBytes(6).toString('hex')}`

function nextName(suite: string, name: string): string {
  kept += 1
  return join(suiteFolders(suite).logs, `${self}-${kept}-${name}`)
}
