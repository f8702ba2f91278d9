// Brings a fresh clone to a running program: Node's version, packages, bundles. Plain JavaScript and node's own modules only,
// because nothing is installed yet.
import path from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { checkNode } from './node-version.mjs'
import { SetupError } from './words.mjs'

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..')

/**
 * @param {string | null} name file in dist/; null: build only
 * @param {{ dev: boolean }} [packages] whether those for development are wanted too
 */
export async function runProgram(name, packages = { dev: false }) {
  try {
    checkNode(process.versions.node)
    const { ensurePackages } = await import('./packages.mjs')
    await ensurePackages(root, packages)
    const { build } = await import('./build.mjs')
    // Else its service stays beside the launcher for as long as that runs.
    if (await build(root)) await (await import('esbuild')).stop()
  } catch (error) {
    process.stderr.write(`${inWords(error)}\n`)
    process.exitCode = 1
    return
  }
  // In this process: Ctrl-C and SIGTERM reach the launcher without a detour.
  if (name !== null) await import(pathToFileURL(path.join(root, 'dist', name)).href)
}

/** @param {unknown} error */
function inWords(error) {
  if (error instanceof SetupError) return error.message
  const code = error instanceof Error && 'code' in error ? error.code : ''
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return 'The disk is full. Free some space (2 GB for a first start) and start again.'
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS')
    return `The project’s folder can't be written (${error instanceof Error ? error.message : ''}). Start once as its owner.`
  return error instanceof Error ? error.stack : String(error)
}
