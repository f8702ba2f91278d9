/**
 * Looks for secrets in logs: for every one that the run used (test/support/suite-record.ts), and for whatever has the shape
 * of one. Says which log and which kind, never the secret itself.
 */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suiteFolders } from '../support/suite-record.ts'

export type Finding = { log: string; line: number; kind: string }
export type Scan = { logs: number; bytes: number; secrets: number; findings: Finding[] }

/** Shapes that are secrets wherever they come from. */
const shapes: readonly { kind: string; pattern: RegExp }[] = [
  { kind: 'a signed token', pattern: /\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*/ },
  // `newSecret`: login cookies, nonces, admin links. A hash in the same form would open nothing, and has no business here.
  {
    kind: 'an opaque secret or its hash',
    pattern: /(?<![\w/+-])(?=[\w-]*[A-Z])(?=[\w-]*[a-z])(?=[\w-]*\d)[\w-]{43}(?![\w/+=-])/,
  },
  { kind: 'a cookie', pattern: /\bcxod-[a-z]+=[^\s";]+/ },
  { kind: 'a bearer token', pattern: /\bBearer [\w~+/.-]{8,}/i },
  // `(left out)` is what the log writes in a password's place (functions/core/redact.ts).
  { kind: 'a password or its hash', pattern: /\$argon2|\bpassword=(?!\(left out\))\S/i },
  { kind: 'a private key', pattern: /-----BEGIN [A-Z ]*PRIVATE|"crv":"Ed25519"[^}]*"d":/ },
  { kind: 'a query string', pattern: /\/[\w~%.\-/]*\?[\w%.\-:]+=/ },
]

/** The launcher prints its one-time link, once, for whoever started it: the one place where a secret is meant to be. */
const signInLine = /^Open https?:\/\/\S+\/sign-in\/link#\S+$/

/** An empty folder for a run to record into. On the same disk as the tests' own folders, so that logs can be linked. */
export function newSuiteFolder(): string {
  const suite = mkdtempSync(join(tmpdir(), 'cxod-suite-'))
  for (const folder of Object.values(suiteFolders(suite))) mkdirSync(folder, { mode: 0o700 })
  return suite
}

export function scanLogs(suite: string): Scan {
  const folders = suiteFolders(suite)
  const { find, count } = finder(readSecrets(folders.secrets))
  const scan: Scan = { logs: 0, bytes: 0, secrets: count, findings: [] }
  if (!existsSync(folders.logs)) return scan
  for (const log of readdirSync(folders.logs)) {
    const text = readFileSync(join(folders.logs, log), 'utf8')
    if (text !== '') scan.logs += 1
    scan.bytes += text.length
    text.split('\n').forEach((line, at) => {
      if (signInLine.test(line)) return
      for (const { kind, pattern } of shapes)
        if (pattern.test(line)) scan.findings.push({ log, line: at + 1, kind: `${kind}, by its shape` })
      for (const kind of find(line)) scan.findings.push({ log, line: at + 1, kind: `a ${kind} that was used` })
    })
  }
  return scan
}

type Secret = { kind: string; value: string }

function readSecrets(folder: string): Secret[] {
  if (!existsSync(folder)) return []
  const lines = readdirSync(folder).flatMap((file) => readFileSync(join(folder, file), 'utf8').split('\n'))
  return [...new Set(lines)].filter(Boolean).map((line) => JSON.parse(line) as Secret)
}

/** Length of the beginnings by which secrets are looked up: one walk over a log, however many secrets there are. */
const startLength = 8

function finder(secrets: readonly Secret[]): { find(line: string): Set<string>; count: number } {
  const byStart = new Map<string, Secret[]>()
  const words = new Map<string, string>()
  for (const { kind, value } of secrets) {
    // As it is, and as it looks in an address or in JSON.
    const encoded = encodeURIComponent(value)
    for (const form of new Set([value, encoded, encoded.replaceAll('%20', '+'), JSON.stringify(value).slice(1, -1)])) {
      // A label or a gene is a word of its own; the beginning of a longer one is another word.
      if ((kind === 'label' || kind === 'gene') && /^[\w%.-]+$/.test(form)) words.set(form, kind)
      else {
        const start = form.slice(0, startLength)
        const there = byStart.get(start)
        if (there) there.push({ kind, value: form })
        else byStart.set(start, [{ kind, value: form }])
      }
    }
  }
  return {
    count: secrets.length,
    find(line) {
      const found = new Set<string>()
      for (let at = 0; at + startLength <= line.length; at += 1)
        for (const { kind, value } of byStart.get(line.slice(at, at + startLength)) ?? [])
          if (line.startsWith(value, at)) found.add(kind)
      if (words.size > 0)
        for (const word of line.split(/[^\w%.-]+/)) {
          const kind = words.get(word)
          if (kind !== undefined) found.add(kind)
        }
      return found
    },
  }
}
