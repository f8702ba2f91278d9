/** A private temporary folder with a short path (Unix sockets), removed when the test file is done. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'

export function tempDir(prefix = 'cxod-'): string {
  const dir = mkdtempSync(join(tmpdir(), prefix))
  afterAll(async () => {
    for (let left = 50; ; left -= 1)
      try {
        return rmSync(dir, { recursive: true, force: true })
      } catch (error) {
        // A process that was told to end a moment ago has just written something there.
        if (left === 0) throw error
        await new Promise((resolve) => setTimeout(resolve, 100))
      }
  })
  return dir
}
