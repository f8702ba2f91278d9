/**
 * `npm run images:check [-- --built] [-- --flow]`: builds both images with podman, says how large they are, runs the flow through
 * them, then the viewer's tests inside. Needs root. `--built` takes the images that are there, `--flow` ends with the flow.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { build } from '../../functions/setup/build.mjs'
import { projectRoot } from '../../functions/setup/python.ts'
import { SetupError, say } from '../../functions/setup/words.mjs'
import { cacheFolder, ensureTools } from '../run/tools.ts'
import { command, limits, podman } from './commands.ts'
import { images } from './container-tasks.ts'
import { flow } from './flow.ts'
import { layersOf, tableOf } from './layers.ts'
import { ensureStandInBase, standInImage } from './stand-in-base.ts'
import { everythingOf } from './viewer-tests.ts'

const root = projectRoot()
if (process.getuid?.() !== 0) throw new SetupError('npm run images:check needs root: it makes containers.')
for (const program of ['podman', 'runc', 'debootstrap', 'slirp4netns'])
  await command('which', [program]).catch(() => {
    throw new SetupError(`${program} is missing. On Debian: apt-get install podman runc debootstrap slirp4netns`)
  })

Object.assign(process.env, await ensureTools())
const asked = new Set(process.argv.slice(2))
await build(root)
const cache = path.join(cacheFolder(), 'images')
mkdirSync(cache, { recursive: true })
await ensureStandInBase(cache, say)
for (const name of asked.has('--built') ? [] : (['gate', 'viewer'] as const)) {
  const dockerfile = path.join(root, 'functions', name, 'Dockerfile')
  const base = `${name === 'gate' ? 'NODE' : 'PYTHON'}_IMAGE=${standInImage}`
  const args = ['build', ...limits, '--network', 'host', '--build-arg', base, '--file', dockerfile]
  say(`Building ${name} …`)
  await podman([...args, '--tag', images[name], root], { timeoutMs: 1_200_000 })
  say(`${name}:\n${tableOf(await layersOf(images[name], dockerfile))}`)
}
const dir = mkdtempSync(path.join(tmpdir(), 'cxod-'))
try {
  await flow(dir, (line) => say(`flow: ${line}`))
  if (!asked.has('--flow')) await everythingOf(root, dir, (line) => say(`viewer: ${line}`))
} finally {
  rmSync(dir, { recursive: true, force: true })
}
say('Both images are as they should be.')
