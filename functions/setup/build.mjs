// Bundles the programs of the one-machine platform into dist/, when their sources changed since the last time. Node 20
// runs no TypeScript, and one file starts faster than a thousand.
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { withLock } from './lock.mjs'
import { SetupError, say } from './words.mjs'

/** What is bundled: name in dist/ → entry. @type {Readonly<Record<string, string>>} */
export const programs = {
  'local.mjs': 'functions/entry/local.ts',
  'gate.mjs': 'functions/gate/main.ts',
  'indexer.mjs': 'functions/indexer/worker.ts',
  'users.mjs': 'functions/entry/users.ts',
  'backup.mjs': 'functions/entry/backup.ts',
  'deploy.mjs': 'functions/entry/deploy.ts',
  'sweep.mjs': 'functions/entry/sweep.ts',
}
/** Scripts for the browser. @type {Readonly<Record<string, string>>} */
export const scripts = {
  'companion.js': 'web/companion/main.ts',
}

// These find files of their own beside themselves (native modules, wasm, actions loaded by name), so they stay packages.
const kept = ['@node-rs/argon2', 'dynalite', 'classic-level', 'h5wasm', 'h5wasm-plugins', 'esbuild']

/**
 * @param {string} root the project's folder
 * @returns {Promise<boolean>} whether anything had to be built
 */
export async function build(root) {
  const dist = path.join(root, 'dist')
  const stamp = path.join(dist, '.stamp')
  const fresh = () => existsSync(stamp) && readFileSync(stamp, 'utf8') === sourcesHash(root)
  if (fresh()) return false
  return withLock(path.join(root, '.cache', 'build.lock'), async () => {
    if (fresh()) return false
    const hash = sourcesHash(root)
    const started = performance.now()
    mkdirSync(dist, { recursive: true })
    await Promise.all([bundle(root, dist, programs, 'node'), bundle(root, dist, scripts, 'browser')])
    // Last: a crash before this line means that the next start builds again.
    replace(stamp, hash)
    say(`Built in ${((performance.now() - started) / 1000).toFixed(1)} s.`)
    return true
  })
}

/**
 * @param {string} root
 * @param {string} dist
 * @param {Readonly<Record<string, string>>} entries
 * @param {'node' | 'lambda' | 'browser'} platform a Lambda's bundle is small and starts often: minified, and all in one file
 */
export async function bundle(root, dist, entries, platform) {
  const { build: esbuild } = await import('esbuild')
  /** @type {import('esbuild').BuildOptions} */
  const options =
    platform !== 'browser'
      ? {
          platform: 'node',
          target: 'node20',
          format: 'esm',
          minify: platform === 'lambda',
          // Names of errors and classes are in logs.
          keepNames: platform === 'lambda',
          external: kept,
          // CommonJS packages inside an ES module ask for node's own modules by `require`.
          banner: {
            js: "import { createRequire as cxodRequire } from 'node:module'; const require = cxodRequire(import.meta.url);",
          },
        }
      : { platform: 'browser', target: 'es2022', format: 'iife', minify: true }
  const result = await esbuild({
    ...options,
    absWorkingDir: root,
    entryPoints: Object.entries(entries).map(([out, entry]) => ({ in: entry, out: out.replace(/\.m?js$/, '') })),
    outdir: dist,
    outExtension: { '.js': platform === 'browser' ? '.js' : '.mjs' },
    bundle: true,
    sourcemap: platform === 'node' ? 'linked' : false,
    legalComments: 'none',
    logLevel: 'silent',
    // Written here, file by file and complete: a running launcher may be starting a gate from them at this moment.
    write: false,
  }).catch((/** @type {{ errors?: import('esbuild').Message[], message: string }} */ error) => {
    const first = error.errors?.[0]
    const where = first?.location ? `${first.location.file}:${first.location.line}: ` : ''
    throw new SetupError(`The programs could not be built: ${where}${first?.text ?? error.message}`)
  })
  for (const file of result.outputFiles) replace(file.path, file.contents)
}

function replace(/** @type {string} */ file, /** @type {string | Uint8Array} */ content) {
  const fresh = `${file}.${process.pid}`
  writeFileSync(fresh, content)
  renameSync(fresh, file)
}

/** SHA-256 over every source and the installed versions; about 20 ms. */
export function sourcesHash(/** @type {string} */ root) {
  const hash = createHash('sha256')
  for (const file of ['package-lock.json', 'tsconfig.json', ...sources(root, 'functions'), ...sources(root, 'web')]) {
    hash.update(`${file}\0`)
    hash.update(readFileSync(path.join(root, file)))
  }
  return hash.digest('hex')
}

/** @returns {string[]} */
function sources(/** @type {string} */ root, /** @type {string} */ folder) {
  return readdirSync(path.join(root, folder), { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const name = `${folder}/${entry.name}`
      if (entry.isDirectory()) return entry.name === '__pycache__' ? [] : sources(root, name)
      return /\.(ts|tsx|mjs|json|css|html|svg)$/.test(entry.name) ? [name] : []
    })
}
