/** SHA-256 (hex), by which a repeated request and a list of cells are known. */
import { createHash } from 'node:crypto'

export function sha256(...parts: (string | Uint8Array)[]): string {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return hash.digest('hex')
}
