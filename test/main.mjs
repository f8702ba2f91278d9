// `npm test`, `npm run bench`, `npm run docs`: sets up what is missing, then runs a program of test/ that is written in
// TypeScript. Plain JavaScript and node's own modules only, because nothing is installed yet.
import { mkdirSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { checkNode } from '../functions/setup/node-version.mjs'
import { ensurePackages } from '../functions/setup/packages.mjs'
import { SetupError } from '../functions/setup/words.mjs'

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..')
/** @type {Readonly<Record<string, string>>} */
const programs = {
  check: 'test/run/check.ts',
  bench: 'test/bench/run.ts',
  docs: 'test/run/write-docs.ts',
  drill: 'test/drill/run.ts',
  'aws-here': 'test/aws/here.ts',
  images: 'test/images/run.ts',
}

try {
  checkNode(process.versions.node)
  const name = process.argv[2] ?? ''
  const entry = programs[name]
  if (entry === undefined) throw new SetupError(`Usage: node test/main.mjs ${Object.keys(programs).join('|')}`)
  await ensurePackages(root, { dev: true })
  const out = path.join(root, '.cache', 'run', `${name}.mjs`)
  mkdirSync(path.dirname(out), { recursive: true })
  const esbuild = await import('esbuild')
  await esbuild.build({
    absWorkingDir: root,
    entryPoints: [entry],
    outfile: out,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    // Nothing of these programs ships; packages are taken from node_modules as they are.
    packages: 'external',
    sourcemap: 'inline',
    logLevel: 'warning',
  })
  process.chdir(root)
  process.argv.splice(1, 2, entry)
  await import(pathToFileURL(out).href)
} catch (error) {
  // Whoever reads only the end of the output must see that nothing was checked.
  process.stderr.write(
    `${error instanceof SetupError ? error.message : error instanceof Error ? error.stack : error}\n`,
  )
  if (process.argv[2] === 'check' || process.argv[1] === programs.check) process.stdout.write('0 passed, 1 failed\n')
  process.exitCode = 1
}
