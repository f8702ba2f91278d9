/**
 * The viewers' Python environment: versions and hashes pinned, made once, made again when either changes.
 * Each content has a folder of its own, `<folder>/<hash of the requirements>-<Python version>`, and counts only once it has
 * the mark that is written last: what a crash leaves half-way is thrown away by the next start.
 */
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { askPython, findPython, type Python } from './find-python.ts'
import { withLock } from './lock.mjs'
import { diskFull, isDiskFull, pipInstall } from './pip.ts'
import { run } from './run.ts'
import { SetupError, say } from './words.mjs'

export type PythonWish = {
  /** Where environments are kept; one subfolder for each. */
  folder: string
  /** Interpreter to make it from; null: search the path. */
  wanted: string | null
  /** Pinned, with hashes. */
  requirements?: string
  /** What it is, for the progress lines. */
  what?: string
}

/** In the bundle and in the sources alike, two or fewer folders below the project's. */
export function projectRoot(): string {
  let folder = import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname)
  while (!existsSync(path.join(folder, 'package-lock.json'))) {
    if (folder === path.dirname(folder)) throw new SetupError('The project’s folder was not found: check it out again.')
    folder = path.dirname(folder)
  }
  return folder
}

/** cellxgene's package in an environment. */
export function serverDirOf(python: string): string {
  const lib = path.join(path.dirname(path.dirname(python)), 'lib')
  const version = readdirSync(lib).find((name) => /^python3\.\d+$/.test(name)) ?? 'python3'
  return path.join(lib, version, 'site-packages', 'server')
}

/** @returns path of the environment's interpreter */
export async function ensurePython(wish: PythonWish): Promise<string> {
  const requirements = wish.requirements ?? path.join(projectRoot(), 'functions/viewer/requirements.txt')
  const hash = createHash('sha256').update(readFileSync(requirements)).digest('hex').slice(0, 12)
  const ready = await findReady(wish, hash)
  if (ready !== null) return ready
  return withLock(path.join(wish.folder, '.lock'), async () => {
    const meanwhile = await findReady(wish, hash)
    if (meanwhile !== null) return meanwhile
    const base = await findPython(wish.wanted)
    return install(wish, base, requirements, `${hash}-${base.version}`)
  })
}

const interpreter = (environment: string): string => path.join(environment, 'bin', 'python')
const mark = '.complete'

/** A complete environment for these requirements whose interpreter still runs (a system upgrade may have taken its base). */
async function findReady(wish: PythonWish, hash: string): Promise<string | null> {
  const names = existsSync(wish.folder) ? readdirSync(wish.folder).filter((name) => name.startsWith(`${hash}-`)) : []
  const complete = names.filter((name) => existsSync(path.join(wish.folder, name, mark)))
  if (complete.length === 0) return null
  const asked = wish.wanted === null ? null : await askPython(wish.wanted)
  for (const name of complete) {
    const version = name.slice(hash.length + 1)
    if (asked !== null && asked.version !== version) continue
    const python = await askPython(interpreter(path.join(wish.folder, name)))
    if (python?.version === version) return interpreter(path.join(wish.folder, name))
  }
  return null
}

/** Only under the lock. */
async function install(wish: PythonWish, base: Python, requirements: string, name: string): Promise<string> {
  const started = performance.now()
  const folder = path.join(wish.folder, name)
  rmSync(folder, { recursive: true, force: true })
  say(`Installing ${wish.what ?? 'the viewers’ Python environment'} with Python ${base.version} (once) …`)
  try {
    await makeEnvironment(base, folder)
    await pipInstall({ python: interpreter(folder), base, requirements })
    writeFileSync(path.join(folder, mark), '')
  } catch (error) {
    rmSync(folder, { recursive: true, force: true })
    throw error
  }
  // Older ones: 700 MB each.
  for (const other of readdirSync(wish.folder))
    if (other !== name && !other.startsWith('.'))
      rmSync(path.join(wish.folder, other), { recursive: true, force: true })
  say(`Python environment installed in ${Math.round((performance.now() - started) / 1000)} s.`)
  return interpreter(folder)
}

async function makeEnvironment(base: Python, folder: string): Promise<void> {
  const made = await run(base.path, ['-I', '-m', 'venv', ...(base.hasEnsurepip ? [] : ['--without-pip']), folder])
  if (made.code === 0) return
  if (isDiskFull(made.lines)) throw diskFull()
  throw new SetupError(
    `Python ${base.version} (${base.path}) could not make an environment. On Debian and Ubuntu: sudo apt install ` +
      `python${base.version.split('.').slice(0, 2).join('.')}-venv. Its last words: ${made.lines.slice(-3).join(' | ')}`,
  )
}
