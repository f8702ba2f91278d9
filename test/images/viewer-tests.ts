/** The viewer's own tests, all of them, inside its image: what was taken out must be missed by none. */
import { cpSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs'
import path from 'node:path'
import { testSample } from '../support/tools.ts'
import { limits, locked, podman } from './commands.ts'
import { images } from './container-tasks.ts'

/** @param dir a folder of our own, for the tests' files */
export async function everythingOf(root: string, dir: string, say: (line: string) => void): Promise<void> {
  const source = path.join(dir, 'src')
  mkdirSync(path.join(source, 'functions'), { recursive: true })
  cpSync(path.join(root, 'test/viewer'), path.join(source, 'test/viewer'), { recursive: true })
  cpSync(testSample(), path.join(source, 'sample.h5ad'))
  // Where the tests look for the viewer is the image's own.
  symlinkSync('/app', path.join(source, 'functions/viewer'))
  const files = readdirSync(path.join(source, 'test/viewer')).filter((name) => /^test_.*\.py$/.test(name))
  for (const file of files) {
    const { stdout, stderr } = await podman(
      [
        ...['run', '--rm', '--network', 'none', ...locked, ...limits, '--volume', `${source}:/src:ro`],
        ...['--env', 'CXOD_TEST_SAMPLE=/src/sample.h5ad', '--entrypoint', '/usr/local/bin/python3', images.viewer],
        ...['-I', '-B', '/src/test/viewer/run.py', file.replace(/\.py$/, '')],
      ],
      { timeoutMs: 600_000 },
    )
    const ran = /^Ran (\d+) tests? in.*$/m.exec(stdout + stderr)
    if (!ran || Number(ran[1]) === 0) throw new Error(`${file} ran no test:\n${stdout}${stderr}`)
    say(`${file}: ${ran[0]}`)
  }
}
