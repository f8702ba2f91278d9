/** Is there a bubblewrap here that works? Tests of the sandbox say that they were left out where there is none. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openSandbox, type Sandbox } from '../../functions/platform/local/sandbox.ts'
import { planSandbox } from '../../functions/platform/local/sandbox-plan.ts'
import { testPython } from './tools.ts'

export type Found = { works: true; why: '' } | { works: false; why: string }

/** A sandbox for commands of the viewers' Python, with these folders hidden; of kind `none` where bubblewrap does not work. */
export async function sandboxFor(stateDir: string, dataDir: string, runDir: string): Promise<Sandbox> {
  return openSandbox('auto', await planSandbox([testPython()], { stateDir, dataDir }, runDir))
}

/** Asked once per test file. */
export async function findBubblewrap(): Promise<Found> {
  if (process.env.CXOD_TEST_IGNORE_SYSTEM === '1') return skipped('CXOD_TEST_IGNORE_SYSTEM is set')
  const dir = mkdtempSync(join(tmpdir(), 'cxod-'))
  try {
    const sandbox = await sandboxFor(dir, dir, dir)
    return sandbox.kind === 'bubblewrap' ? { works: true, why: '' } : skipped(sandbox.words ?? '')
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}

/** Said where everybody sees it: a count of skipped tests alone would hide that isolation was not looked at. */
function skipped(why: string): Found {
  process.stderr.write(`SKIPPED, not tested here: the sandbox of viewers. ${why}\n`)
  return { works: false, why }
}
