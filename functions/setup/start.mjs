// `npm start`: brings a fresh clone to a running launcher. Plain JavaScript, because nothing is installed yet.
import { existsSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { helpText } from '../platform/local/settings-table.mjs'
import { checkNode } from './node-version.mjs'
import { SetupError } from './words.mjs'

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..')

async function start() {
  checkNode(process.versions.node)
  if (process.argv.slice(2).some((argument) => argument === '--help' || argument === '-h')) {
    process.stdout.write(helpText())
    return
  }
  const { ensurePackages } = await import('./packages.mjs')
  await ensurePackages(root, { dev: false })
  const { build } = await import('./build.mjs')
  await build(root)
  const program = path.join(root, 'dist', 'local.mjs')
  if (!existsSync(program)) throw new SetupError('dist/local.mjs is missing: remove the folder dist and start again.')
  // In this process: Ctrl-C and SIGTERM reach the launcher without a detour.
  await import(pathToFileURL(program).href)
}

start().catch((error) => {
  const known = error instanceof SetupError
  const full = error?.code === 'ENOSPC' || error?.code === 'EDQUOT'
  const words = full ? 'The disk is full. Free some space (2 GB for a first start) and start again.' : error?.stack
  process.stderr.write(`${known ? error.message : words}\n`)
  process.exitCode = 1
})
