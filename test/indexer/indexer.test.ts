/**
 * The indexer against the real cellxgene: `make_files.py` writes files of some ninety kinds and asks cellxgene about each;
 * the indexer must come to the same verdict, reading far less. Then sizes, damage and malice.
 */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { copyFileSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'esbuild'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { z } from 'zod'
import { createIndexer, type Indexer, type IndexResult } from '../../functions/indexer/client.ts'
import { loadHdf5 } from '../../functions/indexer/hdf5.ts'
import { inspectFile } from '../../functions/indexer/inspect.ts'
import { createBlockCache, mountRemoteFile, remotePath } from '../../functions/indexer/remote-file.ts'
import { findSuperblock } from '../../functions/indexer/superblock.ts'
import { projectRoot } from '../../functions/setup/python.ts'
import { tempDir } from '../support/temp-dir.ts'
import { testPython, testSample } from '../support/tools.ts'
import { problems, readPart, sourceOf, stricter, verdicts } from './expected.ts'

const folder = tempDir('index-')
// Beside node_modules, as dist/ is: the worker finds its packages from where it lies.
const program = join(projectRoot(), 'node_modules', '.cache', `indexer-test-${process.pid}.mjs`)
let indexer: Indexer
const results = new Map<string, IndexResult>()
let known: z.infer<typeof verdicts>

beforeAll(async () => {
  const made = spawnSync(testPython(), [join(import.meta.dirname, 'make_files.py'), folder, testSample()], {
    encoding: 'utf8',
  })
  if (made.status !== 0) throw new Error(`make_files.py failed:\n${made.error ?? made.stderr}`)
  known = verdicts.parse(JSON.parse(readFileSync(join(folder, 'verdicts.json'), 'utf8')))
  mkdirSync(join(projectRoot(), 'node_modules', '.cache'), { recursive: true })
  await build({
    entryPoints: [join(projectRoot(), 'functions/indexer/worker.ts')],
    outfile: program,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    external: ['h5wasm'],
    logLevel: 'silent',
  })
  indexer = createIndexer({ program })
}, 600_000)

afterAll(() => rmSync(program, { force: true }))

// In this process, as ninety processes would take a minute; the tests below go through the real one.
test('every kind of file gets cellxgene’s own verdict', async () => {
  const plugins = join(projectRoot(), 'node_modules/h5wasm-plugins/plugins')
  const library = await loadHdf5(plugins)
  const found: Record<string, unknown> = {}
  const expected: Record<string, unknown> = {}
  for (const [name, verdict] of Object.entries(known)) {
    const result = await inspectFile(library, join(folder, `${name}.h5ad`), plugins)
    results.set(name, result)
    if (verdict.opens && !(name in stricter)) {
      const { opens: _, names, values, ...rest } = verdict
      expected[name] = { ...rest, obsIndexHash: names, storedValues: values }
      if ('problem' in result) found[name] = result.problem
      else {
        const { dtype: _d, memoryMiB: _m, ...same } = result.index
        found[name] = same
      }
    } else {
      expected[name] = problems[name] ?? stricter[name] ?? `a cause for: ${JSON.stringify(verdict)}`
      found[name] = 'problem' in result ? result.problem.code : result.index
    }
  }
  expect(found).toEqual(expected)
  expect(Object.keys(problems).filter((name) => known[name]?.opens !== false)).toEqual([])
}, 180_000)

test('every problem says what is wrong and what to do, without the server’s paths', () => {
  for (const name of [...Object.keys(problems), ...Object.keys(stricter)]) {
    const result = results.get(name)
    if (result === undefined || !('problem' in result)) throw new Error(`${name} was taken for usable`)
    expect(result.problem.cause, name).toMatch(/^[A-Z].{10,}/s)
    expect(result.problem.remedy, name).toMatch(/^[A-Z`].{20,}/s)
    expect(JSON.stringify(result.problem), name).not.toContain(folder)
  }
})

test('the process of its own comes to the same verdicts', async () => {
  for (const name of ['sample', 'old-csc', 'damaged-inside', 'no-obsm', 'names-beyond-ascii']) {
    const [own, here] = [await indexer.indexFile(join(folder, `${name}.h5ad`)), results.get(name)]
    if (here !== undefined && 'problem' in here)
      expect(own, name).toMatchObject({ problem: { code: here.problem.code } })
    else expect(own, name).toEqual(here)
  }
})

describe('files that come in pieces from elsewhere', () => {
  const plugins = join(projectRoot(), 'node_modules/h5wasm-plugins/plugins')

  test('get the same verdict, every kind of them', async () => {
    const library = await loadHdf5(plugins)
    const found: Record<string, unknown> = {}
    for (const name of Object.keys(known)) {
      const path = join(folder, `${name}.h5ad`)
      const file = createBlockCache(statSync(path).size, (from, to) => readPart(path, from, to))
      const unmount = mountRemoteFile(file)
      try {
        found[name] = await inspectFile(library, remotePath, plugins, () => findSuperblock(file.sizeBytes, file.readAt))
      } finally {
        unmount()
      }
    }
    expect(found).toEqual(Object.fromEntries(results))
  }, 60_000)

  test('through the process of its own too, which may open nothing else', async () => {
    for (const name of ['sample', 'damaged-inside', 'no-obsm', 'names-beyond-ascii', 'cut-short']) {
      const [own, here] = [await indexer.indexFile(sourceOf(join(folder, `${name}.h5ad`))), results.get(name)]
      if (here !== undefined && 'problem' in here)
        expect(own, name).toMatchObject({ problem: { code: here.problem.code } })
      else expect(own, name).toEqual(here)
    }
    const path = join(folder, 'names-beyond-ascii.h5ad')
    expect(await indexer.readCells(sourceOf(path))).toEqual(await indexer.readCells(path))
  })

  test('are read where it matters, not whole', async () => {
    const asked: [number, number][] = []
    const path = farFile('far in pieces.h5ad', String(6 * 2 ** 30))
    const tight = createIndexer({ program, memoryMiB: 400 })
    expect(await tight.indexFile(sourceOf(path, asked))).toMatchObject({
      index: { cells: 60, genes: 25, embeddings: ['near', 'far'] },
    })
    const bytes = asked.reduce((sum, [from, to]) => sum + to - from, 0)
    expect(bytes).toBeLessThan(8 * 2 ** 20)
    expect(Math.max(...asked.map(([, to]) => to))).toBeGreaterThan(6 * 2 ** 30)
  })

  test('a piece that can’t be had is no damage: what went wrong is thrown on', async () => {
    const path = join(folder, 'sample.h5ad')
    const gone = new Error('the bucket is down')
    for (const read of [() => Promise.reject(gone), async () => new Uint8Array(3)]) {
      const source = { sizeBytes: statSync(path).size, read }
      await expect(indexer.indexFile(source)).rejects.toThrow(/bucket is down|fewer bytes/)
      await expect(indexer.readCells(source)).rejects.toThrow(/bucket is down|fewer bytes/)
    }
  })

  test('a piece that never comes is given up with the rest, or when told to stop', async () => {
    const stuck = { sizeBytes: 1000, read: () => new Promise<Uint8Array>(() => {}) }
    const hasty = createIndexer({ program, indexMs: 2_000 })
    expect(await hasty.indexFile(stuck)).toMatchObject({ problem: { code: 'too-demanding' } })
    const stop = new AbortController()
    const read = () => {
      stop.abort()
      return stuck.read()
    }
    const reading = indexer.indexFile({ ...stuck, read }, stop.signal)
    await expect(reading).rejects.toMatchObject({ code: 'unavailable' })
  })

  test('data in another file refuses them, the file itself under its own name included', async () => {
    const script = `import h5py, sys
with h5py.File(sys.argv[1], "r+") as file:
    del file["obsm/X_umap"]
    segments = [(sys.argv[2], 0, 60), (sys.argv[3], 0, h5py.h5f.UNLIMITED)]
    data = file["obsm"].create_dataset("X_umap", (60, 2), "f8", external=segments)
    data.attrs.update({"encoding-type": "array", "encoding-version": "0.2.0"})`
    for (const [name, other] of [
      ['itself', remotePath],
      ['other', join(folder, 'plain-csc.h5ad')],
    ] as const) {
      const path = join(folder, `external-pieces-${name}.h5ad`)
      copyFileSync(join(folder, 'plain-csr.h5ad'), path)
      expect(spawnSync(testPython(), ['-c', script, path, remotePath, other]).status).toBe(0)
      expect(await indexer.indexFile(sourceOf(path)), name).toMatchObject({ problem: { code: 'refers-elsewhere' } })
    }
  })
})

/** A real file whose obsm lies beyond `at`, in a sparse file: the disk holds a few KB, the offsets are real. */
function farFile(name: string, at: string): string {
  const path = join(folder, name)
  const made = spawnSync(testPython(), [join(import.meta.dirname, 'make_far_file.py'), path, at], { encoding: 'utf8' })
  if (made.status !== 0) throw new Error(`make_far_file.py failed:\n${made.error ?? made.stderr}`)
  return path
}

test('titles come from uns, on one line', () => {
  const titles = [...results].flatMap(([name, result]) =>
    'index' in result && result.title ? [[name, result.title]] : [],
  )
  expect(titles).toEqual([['plain-csr', 'A title of its own']])
})

describe('large files', () => {
  test.each([
    ['past 2 GiB', String(2 ** 31 + 4096)],
    ['past 4 GiB', String(2 ** 32 + 4096)],
    ['past 6 GiB', String(6 * 2 ** 30)],
  ])('data %s is read like any other, in little memory', async (name, at) => {
    const result = await createIndexer({ program, memoryMiB: 400 }).indexFile(farFile(`far ${name}.h5ad`, at))
    expect(result).toMatchObject({ index: { cells: 60, genes: 25, embeddings: ['near', 'far'] } })
  })
})

describe('a file that harms', () => {
  const copy = (name: string) => {
    copyFileSync(join(folder, 'plain-csr.h5ad'), join(folder, name))
    return join(folder, name)
  }

  test('memory beyond the bound ends the indexer’s process and becomes a problem', async () => {
    const tight = createIndexer({ program, memoryMiB: 60 })
    expect(await tight.indexFile(copy('tight.h5ad'))).toMatchObject({ problem: { code: 'too-demanding' } })
  })

  test('time beyond the limit ends it too', async () => {
    const hasty = createIndexer({ program, indexMs: 1 })
    expect(await hasty.indexFile(copy('hasty.h5ad'))).toMatchObject({ problem: { code: 'too-demanding' } })
  })

  test('links out of the file lead nowhere', async () => {
    const script = `import h5py, sys
with h5py.File(sys.argv[1], "r+") as file:
    del file["obsm/X_umap"]
    file["obsm/X_umap"] = h5py.ExternalLink(sys.argv[2], "/obsm/X_umap")`
    const path = copy('linked.h5ad')
    expect(spawnSync(testPython(), ['-c', script, path, join(folder, 'plain-csc.h5ad')]).status).toBe(0)
    expect(await indexer.indexFile(path)).toMatchObject({ problem: { code: 'refers-elsewhere' } })
  })

  test.each(['obsm/X_umap', 'obs/score', 'uns/notes'])(
    'data of %s kept in another file refuses it, and the other file is not read',
    async (part) => {
      const script = `import h5py, sys
with h5py.File(sys.argv[1], "r+") as file:
    if sys.argv[2] in file: del file[sys.argv[2]]
    if sys.argv[2] == "obs/score": file["obs"].attrs["column-order"] = ["kind", "score"]
    group, name = sys.argv[2].split("/")
    # Its first bytes are taken from the file itself, which may be opened.
    segments = [(sys.argv[1], 0, 60), (sys.argv[3], 0, h5py.h5f.UNLIMITED)]
    data = file[group].create_dataset(name, (60, 2) if group == "obsm" else (60,), "f8", external=segments)
    data.attrs.update({"encoding-type": "array", "encoding-version": "0.2.0"})`
      const path = copy(`external-${part.replace('/', '-')}.h5ad`)
      const secret = join(folder, 'secret.txt')
      writeFileSync(secret, 'x'.repeat(1000))
      expect(spawnSync(testPython(), ['-c', script, path, part, secret]).status).toBe(0)
      expect(await indexer.indexFile(path)).toMatchObject({ problem: { code: 'refers-elsewhere' } })
    },
  )

  test('parts without end are given up', async () => {
    const script = `import h5py, sys
with h5py.File(sys.argv[1], "r+") as file:
    file["uns/again"] = file["uns"]`
    const path = copy('endless.h5ad')
    expect(spawnSync(testPython(), ['-c', script, path]).status).toBe(0)
    expect(await indexer.indexFile(path)).toMatchObject({ problem: { code: 'too-complex' } })
  })
})

describe('hashing', () => {
  test('is SHA-256 of the bytes, and fails for what can’t be read', async () => {
    const path = join(folder, 'plain-csr.h5ad')
    const expected = createHash('sha256').update(readFileSync(path)).digest('hex')
    expect(await indexer.hashFile(path)).toBe(expected)
    await expect(indexer.hashFile(join(folder, 'not-there.h5ad'))).rejects.toMatchObject({ code: 'unavailable' })
  })

  test('an aborted one ends its process at once', async () => {
    const stop = new AbortController()
    const hashing = indexer.hashFile(join(folder, 'far past 6 GiB.h5ad'), stop.signal)
    setTimeout(() => stop.abort(), 300)
    await expect(hashing).rejects.toMatchObject({ code: 'unavailable' })
  })
})

test('a file that is not there or may not be read is a problem in words', async () => {
  expect(await indexer.indexFile(join(folder, 'gone.h5ad'))).toMatchObject({ problem: { code: 'unreadable' } })
})

test('a reader that does not work is an error, not a verdict on the file', async () => {
  const broken = join(projectRoot(), 'node_modules', '.cache', `indexer-broken-${process.pid}.mjs`)
  writeFileSync(broken, `process.stdout.write('{"broken":"no wasm"}\\n', () => process.exit(70))`)
  try {
    const result = createIndexer({ program: broken }).indexFile(join(folder, 'plain-csr.h5ad'))
    await expect(result).rejects.toMatchObject({ code: 'unavailable', message: expect.stringContaining('no wasm') })
  } finally {
    rmSync(broken)
  }
})
