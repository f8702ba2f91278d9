/** What the viewers of this installation need to see, found out once at start. */
import { execFile } from 'node:child_process'
import { realpathSync } from 'node:fs'
import { dirname, isAbsolute } from 'node:path'
import { isLauncherError } from '../../core/errors.ts'
import type { Ports } from '../../core/ports.ts'
import { isInside, partsOfPrefix } from './bubblewrap.ts'
import type { SandboxPlan } from './sandbox.ts'
import type { Settings } from './settings.ts'

/** @param viewerCommand a program, then its arguments; those that are paths are shown to it */
export async function planSandbox(
  viewerCommand: readonly string[],
  settings: Pick<Settings, 'stateDir' | 'dataDir'>,
  runDir: string,
): Promise<SandboxPlan> {
  const [program = ''] = viewerCommand
  const prefixes = await prefixesOf(program)
  const shown = prefixes?.paths ?? []
  // Shown once: what lies in a folder that is shown may be a link, onto which nothing can be put.
  const isShown = (path: string) => isSystem(path) || shown.some((folder) => isInside(path, folder))
  return {
    readOnly: [...shown, ...viewerCommand.filter((word) => isAbsolute(word) && !isShown(word))],
    hidden: [settings.stateDir, settings.dataDir, runDir],
    // h5py brings the largest part of the libraries that could be missing.
    trial: prefixes === null ? [program, '--version'] : [program, '-I', '-c', 'import h5py'],
    runDir,
  }
}

/** An environment's own folder, and what it needs of the Python that it was made from; null for no Python. */
function prefixesOf(program: string): Promise<{ paths: string[] } | null> {
  const question = 'import sys, json; print(json.dumps([sys.prefix, sys.base_prefix, sys.base_exec_prefix]))'
  return new Promise((resolve) => {
    execFile(program, ['-I', '-c', question], { timeout: 60_000 }, (error, stdout) => {
      if (error !== null) return resolve(null)
      const [own = '', ...base] = JSON.parse(stdout) as string[]
      const bases = new Set([...base, dirname(dirname(realpathSync(program)))])
      bases.delete(own)
      resolve({ paths: [own, ...[...bases].filter((prefix) => !isSystem(prefix)).flatMap(partsOfPrefix)] })
    })
  })
}

const isSystem = (path: string): boolean => isInside(path, '/usr') || path === '/'

/** Where the file of a dataset lies; null when it is gone, which its gate then says in words. */
export async function fileOf(ports: Pick<Ports, 'catalogue' | 'files'>, datasetId: string): Promise<string | null> {
  try {
    const at = await ports.files.locate((await ports.catalogue.get(datasetId))?.path ?? '')
    return at.kind === 'path' ? at.path : null
  } catch (error) {
    if (isLauncherError(error, 'not-found')) return null
    throw error
  }
}
