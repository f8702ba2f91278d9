/** A private folder for one test, removed when the test is over; its path is short because Unix sockets allow 107 bytes. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

export function shortTempDir(): string {
  const dir = mkdtempSync(join(tmpdir(), 'gate-'))
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }))
  return dir
}
