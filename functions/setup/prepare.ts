/** What must be there before the launcher starts: folders it may use, a Python environment, something to look at. */
import { existsSync } from 'node:fs'
import type { Settings } from '../platform/local/settings.ts'
import { ensureFolders } from './folders.ts'
import { ensurePorts } from './ports.ts'
import { ensurePython } from './python.ts'
import { ensureSample } from './sample.ts'

/**
 * Repeatable and safe to run twice at once; seconds when there is nothing to do.
 * @returns the interpreter that viewers are started with
 * @throws SetupError with words for a person
 */
export async function prepare(settings: Settings): Promise<{ python: string }> {
  ensureFolders(settings)
  // On a first start alone: later a busy port may be this state folder's own launcher, which start-up says better.
  if (!existsSync(`${settings.stateDir}/python`)) await ensurePorts(settings)
  const python = await ensurePython({ folder: `${settings.stateDir}/python`, wanted: settings.python })
  if (settings.dataIsDefault) await ensureSample({ python, dataDir: settings.dataDir })
  return { python }
}
