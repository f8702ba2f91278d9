// Bundles the Lambdas into dist/aws/<name>/, each with the files that it reads beside it, when their sources changed.
import { createHash } from 'node:crypto'
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { bundle, sourcesHash } from './build.mjs'
import { withLock } from './lock.mjs'
import { SetupError, say } from './words.mjs'

/** Each is `functions/entry/<name>.ts` and exports `handler`. */
export const lambdas = ['api', 'lobby', 'reaper', 'indexer', 'task-events']

/**
 * @param {string} root the project's folder
 * @param {string} serverDir cellxgene's package `server`: its page and static files go into the lobby's bundle
 * @returns {Promise<string>} the folder with one folder per Lambda
 */
export async function buildAws(root, serverDir) {
  const out = path.join(root, 'dist', 'aws')
  const stamp = path.join(out, '.stamp')
  const index = path.join(serverDir, 'common', 'web', 'templates', 'index.html')
  if (!existsSync(index))
    throw new SetupError(`cellxgene’s page is not at ${index}: run npm start once, which installs it.`)
  const hash = createHash('sha256').update(sourcesHash(root)).update(readFileSync(index)).digest('hex')
  const fresh = () => existsSync(stamp) && readFileSync(stamp, 'utf8') === hash
  if (fresh()) return out
  return withLock(path.join(root, '.cache', 'build-aws.lock'), async () => {
    if (fresh()) return out
    const started = performance.now()
    const made = `${out}.${process.pid}`
    rmSync(made, { recursive: true, force: true })
    for (const name of lambdas) await bundleLambda(root, made, name)
    const web = (/** @type {string} */ name) => path.join(made, name, 'web')
    // Style sheets, icon and islands; the pages themselves are in the bundle.
    const page = (/** @type {string} */ source) => !/\.(ts|tsx|json)$/.test(source) && !source.endsWith('/companion')
    for (const name of ['api', 'lobby']) cpSync(path.join(root, 'web'), web(name), { recursive: true, filter: page })
    await bundle(root, path.join(made, 'lobby'), { 'companion.js': 'web/companion/main.ts' }, 'browser')
    copyPage(serverDir, path.join(made, 'lobby', 'server'))
    await bundle(root, path.join(made, 'indexer'), { 'indexer.mjs': 'functions/indexer/worker.ts' }, 'node')
    for (const name of ['h5wasm', 'h5wasm-plugins'])
      cpSync(path.join(root, 'node_modules', name), path.join(made, 'indexer', 'node_modules', name), {
        recursive: true,
        filter: (source) => !/\/(dist\/.*\.map|src|test|\.github)$/.test(source),
      })
    writeFileSync(path.join(made, '.stamp'), hash)
    rmSync(out, { recursive: true, force: true })
    renameSync(made, out)
    say(`Lambdas built in ${((performance.now() - started) / 1000).toFixed(1)} s.`)
    return out
  })
}

/**
 * @param {string} root
 * @param {string} made
 * @param {string} name
 */
async function bundleLambda(root, made, name) {
  const dir = path.join(made, name)
  mkdirSync(dir, { recursive: true })
  await bundle(root, dir, { 'index.mjs': `functions/entry/${name}.ts` }, 'lambda')
}

/** Without source maps (15 MB): what a page asks for, and the template. */
function copyPage(/** @type {string} */ serverDir, /** @type {string} */ to) {
  const web = path.join('common', 'web')
  cpSync(path.join(serverDir, web, 'static'), path.join(to, web, 'static'), {
    recursive: true,
    filter: (source) => !source.endsWith('.map'),
  })
  mkdirSync(path.join(to, web, 'templates'), { recursive: true })
  cpSync(path.join(serverDir, web, 'templates', 'index.html'), path.join(to, web, 'templates', 'index.html'))
}
