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

/** Of those that don't say it themselves; nothing has to be installed for it. @type {Readonly<Record<string, string>>} */
const help = {
  check: `npm test                  installs what the tests need, without root, and checks everything: format, types, documents, tests
npm test -- FILE …        the tests in files whose path has one of these words
npm test -- --setup       installs what they need, and stops there

Ends in the line "N passed, N failed"; exit code 0 when none failed.
`,
  docs: `npm run docs              writes the generated parts of README.md and infra/README.md
npm run docs -- infra     writes infra/policies.md, from the plan of a deploy
`,
  images: `npm run images:check      builds both images, says how large they are, runs the flow and the viewer's tests in them
  --built                 takes the images that are there
  --flow                  ends with the flow

Needs root, podman, runc, debootstrap and slirp4netns.
`,
}

try {
  checkNode(process.versions.node)
  const name = process.argv[2] ?? ''
  const entry = programs[name]
  if (entry === undefined) throw new SetupError(`Usage: node test/main.mjs ${Object.keys(programs).join('|')}`)
  const words = help[name]
  if (words !== undefined && process.argv.slice(3).some((word) => word === '--help' || word === '-h')) {
    process.stdout.write(words)
    process.exit(0)
  }
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
    // By name: a program that was bundled has a class of its own.
    `${error instanceof Error ? (error.name === 'SetupError' ? error.message : error.stack) : error}\n`,
  )
  if (process.argv[2] === 'check' || process.argv[1] === programs.check) process.stdout.write('0 passed, 1 failed\n')
  process.exitCode = 1
}
