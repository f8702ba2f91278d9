// Installs the npm packages when they are missing or not those of package-lock.json. npm's own hidden lock file, written
// when an installation is complete, tells; so `npm install` by hand counts, and a crash half-way does not.
import { spawnSync } from 'node:child_process'
import { accessSync, constants, mkdirSync, readFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { withLock } from './lock.mjs'
import { SetupError, say } from './words.mjs'

/** @typedef {{ version?: string, dev?: boolean, optional?: boolean, devOptional?: boolean }} LockEntry */

/**
 * @param {string} root the project's folder
 * @param {{ dev: boolean }} wanted whether the packages for development are wanted too
 */
export async function ensurePackages(root, wanted) {
  if (missing(root, wanted) === null) return
  await withLock(path.join(root, '.cache', 'npm.lock'), async () => {
    const reason = missing(root, wanted)
    if (reason === null) return
    say(`Installing npm packages (${reason}) …`)
    const started = performance.now()
    // Install scripts are not needed by any dependency: esbuild and classic-level come as prebuilt packages.
    const args = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', wanted.dev ? '--include=dev' : '--omit=dev']
    // NODE_ENV=production in somebody's shell must not decide what the tests get.
    const env = { ...process.env, NODE_ENV: undefined, npm_config_omit: undefined, ...cacheOf(root) }
    const npm = process.env.npm_execpath?.endsWith('.js')
      ? spawnSync(process.execPath, [process.env.npm_execpath, ...args], { cwd: root, env, stdio: ['ignore', 2, 2] })
      : spawnSync('npm', args, { cwd: root, env, stdio: ['ignore', 2, 2] })
    if (npm.error !== undefined) throw new SetupError(`npm could not be started: ${npm.error.message}`)
    if (npm.status !== 0)
      throw new SetupError(
        'npm could not install the packages; its own words are above. Without network: connect and start again. ' +
          '"ENOSPC" means that the disk is full.',
      )
    const still = missing(root, wanted)
    if (still !== null) throw new SetupError(`npm ci ended well, but ${still}. Remove node_modules and start again.`)
    say(`npm packages installed in ${Math.round((performance.now() - started) / 1000)} s.`)
  })
}

/**
 * A service's user may have no home folder; npm keeps its cache there and fails without.
 * @param {string} root
 */
function cacheOf(root) {
  const usual = process.env.npm_config_cache ?? path.join(os.homedir(), '.npm')
  try {
    mkdirSync(usual, { recursive: true })
    accessSync(usual, constants.W_OK)
    return {}
  } catch {
    return { npm_config_cache: path.join(root, '.cache', 'npm') }
  }
}

/**
 * @param {string} root
 * @param {{ dev: boolean }} wanted
 * @returns {string | null} what is wrong with node_modules, or null
 */
export function missing(root, wanted) {
  const lock = entries(path.join(root, 'package-lock.json'))
  if (lock === null) throw new SetupError('package-lock.json is missing or damaged: check the project out again.')
  const installed = entries(path.join(root, 'node_modules', '.package-lock.json'))
  if (installed === null) return 'none are there yet'
  for (const [name, entry] of Object.entries(lock)) {
    if (name === '') continue
    if (entry.dev && !wanted.dev) continue
    const there = installed[name]
    // Builds for other systems are optional, and rightly left out here.
    if (there === undefined && (entry.optional || entry.devOptional)) continue
    if (there?.version !== entry.version) return `${name.replace('node_modules/', '')} is missing or another version`
  }
  return null
}

/**
 * @param {string} file
 * @returns {Record<string, LockEntry> | null}
 */
function entries(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).packages ?? null
  } catch {
    return null
  }
}
