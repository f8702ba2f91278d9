/** Finds a Python that cellxgene runs on, and a way to make an environment from it. */
import { run } from './run.ts'
import { SetupError } from './words.mjs'

export type Python = {
  /** The interpreter itself, not a shim in front of it. */
  path: string
  /** As `3.11.7`. */
  version: string
  /** False on Debian without its package python3-venv: the environment then comes without a pip of its own. */
  hasEnsurepip: boolean
  hasPip: boolean
}

/** cellxgene 1.3.0 pins numpy 2.0.1, which has packages for these; 3.11 first: figures were measured on it. */
export const supported = ['3.11', '3.12', '3.10'] as const
const names = [...supported.map((version) => `python${version}`), 'python3', 'python']

const question = `
import importlib.util, json, sys
has = lambda name: importlib.util.find_spec(name) is not None
print(json.dumps({"path": sys.executable, "version": "%d.%d.%d" % sys.version_info[:3],
                  "hasEnsurepip": has("venv") and has("ensurepip"), "hasPip": has("venv") and has("pip")}))`

/** What this program says of itself; null when it is not there or no Python 3 (a version manager's shim may be neither). */
export async function askPython(program: string): Promise<Python | null> {
  try {
    const said = await run(program, ['-I', '-c', question], { timeoutMs: 20_000 })
    const last = said.lines.at(-1)
    return said.code === 0 && last !== undefined ? (JSON.parse(last) as Python) : null
  } catch {
    return null
  }
}

const isSupported = (python: Python): boolean => supported.some((version) => python.version.startsWith(`${version}.`))

/**
 * @param wanted the interpreter somebody asked for; null: search the path
 * @throws SetupError when there is none to make an environment from
 */
export async function findPython(wanted: string | null): Promise<Python> {
  const seen: Python[] = []
  for (const name of wanted === null ? names : [wanted]) {
    const python = await askPython(name)
    if (python === null) continue
    if (isSupported(python) && (python.hasEnsurepip || python.hasPip)) return python
    seen.push(python)
  }
  throw new SetupError(refusal(wanted, seen))
}

function refusal(wanted: string | null, seen: readonly Python[]): string {
  const usable = seen.find(isSupported)
  if (usable !== undefined) {
    const short = usable.version.split('.').slice(0, 2).join('.')
    return (
      `Python ${usable.version} (${usable.path}) can't make environments: its modules venv and ensurepip are missing. ` +
      `On Debian and Ubuntu: sudo apt install python${short}-venv. Then start again.`
    )
  }
  const need = 'cellxgene needs Python 3.10, 3.11 or 3.12'
  const remedy = 'Install one (Debian, Ubuntu: sudo apt install python3 python3-venv) or name it with --python FILE.'
  if (wanted !== null && seen[0] === undefined) return `${wanted} is not a Python that runs; ${need}. ${remedy}`
  if (seen[0] === undefined) return `No Python was found; ${need}. ${remedy}`
  return `${need}; found only ${[...new Set(seen.map((python) => `${python.version} (${python.path})`))].join(', ')}. ${remedy}`
}
