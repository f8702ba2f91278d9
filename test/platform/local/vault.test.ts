/** The vault on disk: the contract, damaged files by name, a full disk, and kill -9 at any moment. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'esbuild'
import { afterAll, expect, test } from 'vitest'
import type { VaultRef } from '../../../functions/core/ports.ts'
import { createVault } from '../../../functions/platform/local/vault.ts'
import { vaultContract } from '../../contracts/vault.contract.ts'

const now = 1_700_000_000_000
const clock = { now: () => now }
const made: string[] = []
const newFolder = async () => {
  const dir = await mkdtemp(join(tmpdir(), 'vault-'))
  made.push(dir)
  return dir
}
afterAll(() => Promise.all(made.map((dir) => rm(dir, { recursive: true, force: true }))))

const ref: VaultRef = { ownerId: 'local:ann', datasetId: 'pbmc', kind: 'labels' }
const meta = (base: string | null) => ({
  base,
  savedBy: 'Ann',
  origin: 'session:abc',
  datasetVersion: 'd',
  obsIndexHash: 'e',
  requestSha256: 'f',
})
const bytes = (text: string) => new TextEncoder().encode(text)
const folderOf = (dir: string) => join(dir, 'local%3aann', 'pbmc', 'labels')

vaultContract('local folder', async () => {
  const dir = join(await newFolder(), 'not', 'there', 'yet')
  return { vault: createVault(dir, clock), again: () => createVault(dir, clock), now }
})

test('nobody else on the machine can read what it keeps', async () => {
  const dir = join(await newFolder(), 'vault')
  await createVault(dir, clock).put(ref, bytes('secret'), meta(null))
  expect((await stat(dir)).mode & 0o777).toBe(0o700)
  expect((await stat(join(folderOf(dir), '1', 'content.csv.gz'))).mode & 0o777).toBe(0o600)
})

test('a record of an older program is still read: this one was written by the first', async () => {
  const dir = await newFolder()
  const vault = createVault(dir, clock)
  await vault.put(ref, bytes('a,b\n'), meta(null))
  const oldest = {
    v: 1,
    ownerId: 'local:ann',
    datasetId: 'pbmc',
    kind: 'labels',
    version: '1',
    base: null,
    savedAt: 1,
    savedBy: 'Ann',
    origin: 'session:abc',
    datasetVersion: 'd',
    obsIndexHash: 'e',
    requestSha256: 'f',
    contentSha256: 'efdc6f0b5b3dd8f0d8b5e0c1a5b1b0a0',
    sizeBytes: 4,
  }
  await writeFile(join(folderOf(dir), '1', 'version.json'), JSON.stringify(oldest))
  const { v: _v, ownerId: _o, datasetId: _d, kind: _k, ...expected } = oldest
  expect(await vault.latest(ref)).toEqual({ ...expected, report: null })
})

test('a damaged file is an error that names it, below the vault’s folder only; the versions before stay readable', async () => {
  const dir = await newFolder()
  const vault = createVault(dir, clock)
  await vault.put(ref, bytes('one'), meta(null))
  await vault.put(ref, bytes('two'), meta('1'))
  const record = join(folderOf(dir), '2', 'version.json')
  const content = join(folderOf(dir), '2', 'content.csv.gz')
  const good = { record: await readFile(record), content: await readFile(content) }
  const named = (file: string) => ({
    code: 'unavailable',
    message: expect.stringContaining(`local%3aann/pbmc/labels/2/${file}`),
  })

  for (const bad of ['', '{', '{"v":2}', 'null', good.record.toString().replace('local:ann', 'local:bob')]) {
    await writeFile(record, bad)
    const error = await vault.latest(ref).catch((caught: unknown) => caught)
    expect(error, bad).toMatchObject(named('version.json'))
    expect(JSON.stringify(error)).not.toContain(dir)
    await expect(vault.put(ref, bytes('three'), meta('2')), bad).rejects.toMatchObject(named('version.json'))
    expect(new TextDecoder().decode(await vault.read(ref, '1'))).toBe('one')
  }
  await writeFile(record, good.record)
  for (const bad of [
    Buffer.alloc(0),
    good.content.subarray(0, -1),
    await readFile(join(folderOf(dir), '1', 'content.csv.gz')),
  ]) {
    await writeFile(content, bad)
    await expect(vault.read(ref, '2')).rejects.toMatchObject(named('content.csv.gz'))
  }
  await rm(content)
  const gone = await vault.read(ref, '2').catch((caught: unknown) => caught)
  expect(gone).toMatchObject(named('content.csv.gz'))
  expect(JSON.stringify(gone)).not.toContain(dir)
})

test('a folder that can’t be read is an error, never "nothing was kept"', async () => {
  const dir = await newFolder()
  await mkdir(join(dir, 'local%3aann', 'pbmc'), { recursive: true })
  await writeFile(folderOf(dir), 'a file where a folder should be')
  const vault = createVault(dir, clock)
  await expect(vault.latest(ref)).rejects.toMatchObject({ code: 'unavailable' })
  await expect(vault.put(ref, bytes('x'), meta(null))).rejects.toMatchObject({ code: 'unavailable' })
})

test('a vault that is gone, or whose disk is not mounted, is an error, never an empty vault', async () => {
  const dir = join(await newFolder(), 'vault')
  const vault = createVault(dir, clock)
  expect(await vault.latest(ref)).toBeNull()
  await vault.put(ref, bytes('one'), meta(null))
  await rename(dir, `${dir}.away`)
  for (const empty of [false, true]) {
    if (empty) await mkdir(dir)
    await expect(vault.latest(ref)).rejects.toMatchObject({ code: 'unavailable' })
    await expect(vault.listDatasets(ref.ownerId)).rejects.toMatchObject({ code: 'unavailable' })
    // Acknowledged now, it would be out of sight as soon as the disk is back.
    await expect(vault.put(ref, bytes('x'), meta(null))).rejects.toMatchObject({ code: 'unavailable' })
  }
  await rm(dir, { recursive: true })
  await rename(`${dir}.away`, dir)
  expect((await vault.latest(ref))?.version).toBe('1')
})

// In /proc nobody can make a folder, root neither.
test.runIf(process.platform === 'linux')('a folder that can’t be written refuses the save in words', async () => {
  const dir = await newFolder()
  const vault = createVault(dir, clock)
  await symlink('/proc/nobody-here', join(dir, 'local%3aann'))
  const refused = await vault.put(ref, bytes('x'), meta(null)).catch((error: unknown) => error)
  expect(refused).toMatchObject({ code: 'unavailable', message: expect.stringContaining('Not saved') })
})

test('what a writer left half-done is swept later, and not while another may still be at it', async () => {
  const dir = await newFolder()
  const vault = createVault(dir, clock)
  await vault.put(ref, bytes('one'), meta(null))
  for (const [name, ageMs] of [
    ['.draft-old', 2 * 3_600_000],
    ['.draft-new', 60_000],
  ] as const) {
    await mkdir(join(folderOf(dir), name))
    await utimes(join(folderOf(dir), name), new Date(now - ageMs), new Date(now - ageMs))
  }
  await vault.put(ref, bytes('two'), meta('1'))
  expect((await readdir(folderOf(dir))).sort()).toEqual(['.draft-new', '1', '2'])
})

test('kill -9 at any moment: every acknowledged version is there, whole, and the newest can be read', async () => {
  const dir = await newFolder()
  const program = join(await newFolder(), 'writer.mjs')
  await build({
    entryPoints: [join(import.meta.dirname, 'vault-writer.ts')],
    outfile: program,
    bundle: true,
    platform: 'node',
    format: 'esm',
    logLevel: 'silent',
  })
  const vault = createVault(dir, clock)
  let acknowledged = 0
  for (let round = 0; round < 15; round++) {
    const before = acknowledged
    const child = spawn(process.execPath, [program, dir], { stdio: ['ignore', 'pipe', 'inherit'] })
    let said = ''
    // Killed after a few acknowledgements and a moment more, at another place in the next write each time.
    await new Promise<void>((resolve) => {
      child.stdout.on('data', (chunk: Buffer) => {
        said += chunk.toString()
        if (said.split('\n').length > 3 + (round % 4)) setTimeout(resolve, (round * 7) % 11)
      })
      child.once('exit', () => resolve())
    })
    child.kill('SIGKILL')
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    expect(child.signalCode, 'the writer ran until it was killed').toBe('SIGKILL')
    acknowledged = Math.max(acknowledged, ...said.split('\n').slice(0, -1).map(Number))
    expect(acknowledged).toBeGreaterThan(before)

    const newest = await vault.latest(ref)
    expect(Number(newest?.version)).toBeGreaterThanOrEqual(acknowledged)
    expect(new TextDecoder().decode(await vault.read(ref, newest?.version ?? ''))).toContain(
      `save ${newest?.version}\n`,
    )
    acknowledged = Number(newest?.version)
  }
  const history = await vault.history(ref)
  expect(history.map((v) => v.version)).toEqual(history.map((_, i) => String(history.length - i)))
  for (const { version } of history)
    expect(new TextDecoder().decode(await vault.read(ref, version))).toContain(`save ${version}\n`)
}, 180_000)
