/** SHA-256 (hex), by which a repeated request and a list of cells are known. */
import { createHash } from 'node:crypto'
import { type Steps, stepsOf } from '../core/steps.ts'

export function sha256(...parts: (string | Uint8Array)[]): string {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return hash.digest('hex')
}

/** Of all lines, each with its line feed. */
export function* sha256OfLines(lines: readonly string[]): Steps<string> {
  const hash = createHash('sha256')
  const due = stepsOf(1)
  let part = ''
  for (const line of lines) {
    part += `${line}\n`
    if (!due()) continue
    hash.update(part)
    part = ''
    yield
  }
  return hash.update(part).digest('hex')
}
