/** The viewer's own tests, all of them, inside its image: what was taken out must be missed by none. */
import { cpSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs'
import path from 'node:path'
import { testPython, testSample } from '../support/tools.ts'
import { command, limits, locked, podman } from './commands.ts'
import { images } from './container-tasks.ts'

const whereFrom = 'import sysconfig; print(sysconfig.get_path("purelib"))'

/** As `main` does: first what stands in for the one module of cellxgene that needs numba. */
const start = `
import sys, runpy
sys.path[:0] = ['/app']
from cxod_viewer import distribution
distribution.install()
runpy.run_path('/src/test/viewer/run.py', run_name='__main__')
`

/** @param dir a folder of our own, for the tests' files */
export async function everythingOf(root: string, dir: string, say: (line: string) => void): Promise<void> {
  const source = path.join(dir, 'src')
  mkdirSync(path.join(source, 'functions'), { recursive: true })
  cpSync(path.join(root, 'test/viewer'), path.join(source, 'test/viewer'), { recursive: true })
  cpSync(testSample(), path.join(source, 'sample.h5ad'))
  // Where the tests look for the viewer is the image's own.
  symlinkSync('/app', path.join(source, 'functions/viewer'))
  // The one part that the image leaves out and a test asks for: files of the page, which the lobby serves instead.
  const statics = 'server/common/web/static'
  const purelib = (await command(testPython(), ['-I', '-c', whereFrom])).stdout.trim()
  const page = ['--volume', `${path.join(purelib, statics)}:/app/${statics}:ro`]
  const files = readdirSync(path.join(source, 'test/viewer')).filter((name) => /^test_.*\.py$/.test(name))
  for (const file of files) {
    const { stdout, stderr } = await podman(
      [
        ...['run', '--rm', '--network', 'none', ...locked, ...limits, '--volume', `${source}:/src:ro`, ...page],
        ...['--env', 'CXOD_TEST_SAMPLE=/src/sample.h5ad', '--entrypoint', '/usr/local/bin/python3', images.viewer],
        ...['-I', '-B', '-c', start, file.replace(/\.py$/, '')],
      ],
      { timeoutMs: 600_000 },
    )
    const ran = /^Ran (\d+) tests? in.*$/m.exec(stdout + stderr)
    if (!ran || Number(ran[1]) === 0) throw new Error(`${file} ran no test:\n${stdout}${stderr}`)
    say(`${file}: ${ran[0]}`)
  }
}
