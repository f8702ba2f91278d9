/** Bundles one TypeScript program for Node 20, as `functions/setup/build.mjs` does for dist/, for tests and benches that run it as a process. */
import { join } from 'node:path'
import { build } from 'esbuild'

/** @returns path of the bundle, an ES module in `outDir` */
export async function bundleProgram(entry: string, outDir: string): Promise<string> {
  const name = /([^/]+)\.ts$/.exec(entry)?.[1] ?? 'program'
  const outfile = join(outDir, `${name}.mjs`)
  await build({
    entryPoints: [entry],
    outfile,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    legalComments: 'none',
    logLevel: 'silent',
  })
  return outfile
}
