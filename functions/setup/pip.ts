/** pip, with progress while it works and its last words when it fails. */
import { readFileSync } from 'node:fs'
import { askPython, findPython, type Python } from './find-python.ts'
import { type Ran, run } from './run.ts'
import { SetupError, say, sayBriefly, sayNothing } from './words.mjs'

/**
 * Installs pinned requirements into an environment. Only what has one of the listed hashes is let in.
 * @param into `python`: the environment's interpreter; `base`: whose pip is used when the environment has none
 */
export async function pipInstall(into: { python: string; base: Python; requirements: string }): Promise<void> {
  const pins = readFileSync(into.requirements, 'utf8').split('\n')
  const all = new Set(pins.flatMap((line) => /^([A-Za-z0-9._-]+)==/.exec(line)?.[1]?.toLowerCase() ?? []))
  const done = new Set<string>()
  const pip = into.base.hasEnsurepip
    ? { program: into.python, args: ['-I', '-m', 'pip', 'install'] }
    : { program: into.base.path, args: ['-I', '-m', 'pip', '--python', into.python, 'install'] }
  const options = ['--no-input', '--no-deps', '--require-hashes', '--progress-bar=off', '-r', into.requirements]
  const ran = await run(pip.program, [...pip.args, ...options], {
    env: pipEnvironment(),
    onLine: (line) => {
      const name = /^Collecting ([A-Za-z0-9._-]+)==/.exec(line)?.[1]?.toLowerCase()
      if (name !== undefined) done.add(name)
      const size = /^\s*Downloading \S*?([A-Za-z0-9_.]+)-\S* \((\d+(?:\.\d+)? MB)/.exec(line)
      if (name !== undefined) sayBriefly(`  ${done.size} of ${all.size}: ${name}`)
      else if (size !== null) say(`  ${done.size} of ${all.size}: downloading ${size[1]}, ${size[2]}`)
      else if (line.startsWith('Installing collected')) say(`  downloaded; unpacking …`)
    },
  })
  sayNothing()
  if (ran.code !== 0) throw pipFailed(ran, 'install the Python packages')
}

/** A pip that somebody's settings can't send elsewhere; index and certificate settings stay theirs. */
export function pipEnvironment(): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = { ...process.env, PIP_DISABLE_PIP_VERSION_CHECK: '1', PIP_NO_COLOR: '1' }
  for (const name of ['PIP_TARGET', 'PIP_PREFIX', 'PIP_USER', 'PIP_REQUIRE_VIRTUALENV', 'PIP_QUIET', 'PYTHONHOME'])
    delete env[name]
  return env
}

export function pipFailed(ran: Ran, what: string): SetupError {
  if (isDiskFull(ran.lines)) return diskFull()
  const words = ran.lines.slice(-6).join('\n  ')
  const offline = ran.lines.some((line) =>
    /ConnectionError|NewConnectionError|Max retries|timed out|Could not find a version/.test(line),
  )
  const remedy = ran.lines.some((line) => /THESE PACKAGES DO NOT MATCH THE HASHES/.test(line))
    ? 'A package is not the one that was pinned: do not go on; ask who runs your package mirror.'
    : offline
      ? 'Is the network there? Behind a proxy or mirror, set pip’s own PIP_INDEX_URL, PIP_PROXY or PIP_CERT, and start again.'
      : 'Start again; if it fails the same way, its words above say why.'
  return new SetupError(`pip could not ${what}. Its last words:\n  ${words}\n${remedy}`)
}

/** An interpreter that has pip: this one, or whichever made it (an environment made without ensurepip has none). */
export async function withPip(python: string): Promise<string> {
  return (await askPython(python))?.hasPip ? python : (await findPython(null)).path
}

export const isDiskFull = (lines: readonly string[]): boolean =>
  lines.some((line) => /No space left on device|Disk quota exceeded|Errno 28|Errno 122/.test(line))

export const diskFull = (): SetupError =>
  new SetupError('The disk is full. Free 2 GB for the Python environment and start again.')
