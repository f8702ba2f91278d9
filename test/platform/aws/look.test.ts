/** Bucket, index and the real indexer's process together, against moto: a lab uploads files, and one look tells what became of them. */
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  CopyObjectCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  ListObjectsV2Command,
  type S3Client,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createIndexer, type Indexer } from '../../../functions/indexer/client.ts'
import { createCellNames } from '../../../functions/platform/aws/cells.ts'
import { createDatasetFiles } from '../../../functions/platform/aws/dataset-files.ts'
import { lookAtBucket } from '../../../functions/platform/aws/look.ts'
import { createCatalogue } from '../../../functions/platform/dynamo/catalogue.ts'
import { type LocalStore, openStore } from '../../../functions/platform/local/store.ts'
import { bucketClient, newBucket, watchReads } from '../../support/bucket.ts'
import { builtPrograms } from '../../support/built.ts'
import { type Moto, startMoto } from '../../support/moto.ts'
import { tempDir } from '../../support/temp-dir.ts'
import { testSample } from '../../support/tools.ts'

let moto: Moto
let s3: S3Client
const stores: LocalStore[] = []
let indexer: Indexer
let asked: { key: string; bytes: number }[]
beforeAll(async () => {
  moto = await startMoto()
  s3 = bucketClient(moto)
  asked = watchReads(s3)
  indexer = createIndexer({ program: join(await builtPrograms(), 'indexer.mjs') })
}, 120_000)
afterAll(async () => {
  s3?.destroy()
  await Promise.all([moto?.stop(), ...stores.map((store) => store.close())])
})

/** Where it does not matter what the files hold. */
const refusing: Pick<Indexer, 'indexFile' | 'readCells'> = {
  indexFile: async () => ({ problem: { code: 'no-embedding', cause: 'cause', remedy: 'remedy' } }),
  readCells: () => Promise.reject(new Error('never asked')),
}

async function newLab() {
  const [{ Bucket, put }, store] = [await newBucket(s3), await openStore(tempDir())]
  stores.push(store)
  const { table } = store
  const ahead: { ms: number; stoodStillAt: number | null } = { ms: 0, stoodStillAt: null }
  const clock = { now: () => ahead.stoodStillAt ?? Date.now() + ahead.ms }
  const told: string[] = []
  const ports = {
    files: createDatasetFiles(s3, Bucket),
    catalogue: createCatalogue(table),
    cells: createCellNames(s3, Bucket, clock),
    clock,
    log: (_: string, event: string) => void told.push(event),
  }
  const deps = { ports, s3, dataBucket: Bucket, table }
  const records = async () => new Map((await ports.catalogue.list()).map((one) => [one.id, one]))
  /** As a Lambda of its own, every time. */
  const look = (remainingMs = 120_000, by: Pick<Indexer, 'indexFile' | 'readCells'> = indexer) =>
    lookAtBucket(deps, randomUUID(), remainingMs, by)
  return { Bucket, put, look, records, ports, ahead, told }
}

test('one look settles what a lab uploads, moves and takes away', async () => {
  const { Bucket, put, look, records, ports, told } = await newLab()
  const sample = readFileSync(testSample())
  await put('public/PBMC 68k.h5ad', sample)
  await put('labx/half.h5ad', sample.subarray(0, 500_000))
  await put('labx/table.h5ad', 'cell,gene\n')
  await put('labx/nothing.h5ad', '')
  await look()
  const before = (await records()).get('pbmc-68k')
  expect(before).toMatchObject({
    state: 'usable',
    group: 'public',
    title: 'PBMC 68k',
    version: expect.stringMatching(/^[0-9a-f]{64}$/),
    index: { cells: 700, genes: 765, embeddings: ['pca', 'umap'], layout: 'dense', distribution: 'count' },
  })
  expect((await ports.cells.get(before?.version ?? ''))?.names).toHaveLength(700)
  expect((await records()).get('half')).toMatchObject({ problem: { code: 'cut-short' } })
  expect((await records()).get('table')).toMatchObject({ state: 'refused', problem: { code: 'not-hdf5' } })
  expect((await records()).get('nothing')).toMatchObject({ state: 'refused', problem: { code: 'empty-file' } })

  // Moved, as tools do it: copied, then deleted.
  await s3.send(new CopyObjectCommand({ Bucket, Key: 'labx/PBMC.h5ad', CopySource: `${Bucket}/public/PBMC 68k.h5ad` }))
  await s3.send(new DeleteObjectCommand({ Bucket, Key: 'public/PBMC 68k.h5ad' }))
  await put('labx/half.h5ad', Buffer.concat([sample, Buffer.alloc(1)]))
  await s3.send(new DeleteObjectCommand({ Bucket, Key: 'labx/table.h5ad' }))
  await look()
  const after = await records()
  expect(after.get('pbmc-68k')).toMatchObject({ state: 'usable', path: 'labx/PBMC.h5ad', version: before?.version })
  expect(after.get('half')).toMatchObject({ state: 'usable', index: before?.index })
  expect(after.get('table')).toMatchObject({ state: 'removed' })
  const known = told.length

  // Nothing happened: nothing is read, and nobody is told anything.
  asked.length = 0
  await look()
  expect(asked).toEqual([])
  expect(told.length).toBe(known)
})

test('a move that is seen half-way is a move: the dataset keeps its id', async () => {
  const { Bucket, put, look, records, ahead } = await newLab()
  await put('public/a.h5ad', readFileSync(testSample()))
  await look(120_000, refusing)
  // A copy is waited for only so long, which here is until the original is gone, however slow the machine is.
  ahead.stoodStillAt = Date.now()
  await s3.send(new CopyObjectCommand({ Bucket, Key: 'labx/b.h5ad', CopySource: `${Bucket}/public/a.h5ad` }))
  asked.length = 0
  const looking = look(120_000, refusing)
  await expect.poll(() => asked.map(({ key }) => key), { timeout: 60_000 }).toContain('labx/b.h5ad')
  await s3.send(new DeleteObjectCommand({ Bucket, Key: 'public/a.h5ad' }))
  ahead.stoodStillAt = null
  await looking
  expect((await records()).get('a')).toMatchObject({ path: 'labx/b.h5ad', state: 'refused' })
  expect((await records()).get('b')).toMatchObject({ state: 'removed' })
  // A copy that stays is a dataset of its own.
  await s3.send(new CopyObjectCommand({ Bucket, Key: 'labx/c.h5ad', CopySource: `${Bucket}/labx/b.h5ad` }))
  await look(120_000, refusing)
  expect((await records()).get('c')).toMatchObject({ path: 'labx/c.h5ad', state: 'refused' })
})

test('what one look could not read, a later one does, although it remembers nothing', async () => {
  const { put, look, ahead } = await newLab()
  await put('public/a.h5ad', readFileSync(testSample()))
  const read: unknown[] = []
  const heavy = {
    ...refusing,
    indexFile: async (file: unknown) => {
      read.push(file)
      return { problem: { code: 'too-demanding', cause: 'cause', remedy: 'remedy' } }
    },
  }
  await look(120_000, heavy)
  await look(120_000, heavy)
  expect(read).toHaveLength(1)
  ahead.ms = 25 * 3_600_000
  await look(120_000, heavy)
  expect(read).toHaveLength(2)
})

test('without time left it says so, and the next look does the rest', async () => {
  const { put, look, records } = await newLab()
  await put('public/a.h5ad', readFileSync(testSample()))
  await expect(look(20_000)).rejects.toMatchObject({ code: 'unavailable' })
  // A file that takes longer than what is left: its reading is ended, and nothing of it is written down.
  const endless = (_file: unknown, signal?: AbortSignal) =>
    new Promise<never>((_, reject) => signal?.addEventListener('abort', () => reject(new Error('ended'))))
  await expect(look(22_500, { indexFile: endless, readCells: endless })).rejects.toMatchObject({ code: 'unavailable' })
  expect((await records()).get('a')?.state).not.toBe('usable')
  await look()
  expect((await records()).get('a')).toMatchObject({ state: 'usable' })
})

test('a bucket that can’t be listed empties no catalogue', async () => {
  const { Bucket, put, look, records } = await newLab()
  await put('public/a.h5ad', readFileSync(testSample()))
  await look(120_000, refusing)
  await s3.send(new DeleteObjectCommand({ Bucket, Key: 'public/a.h5ad' }))
  const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket }))
  for (const { Key } of Contents) await s3.send(new DeleteObjectCommand({ Bucket, Key }))
  await s3.send(new DeleteBucketCommand({ Bucket }))
  await expect(look()).rejects.toMatchObject({ code: 'unavailable' })
  expect((await records()).get('a')).toMatchObject({ state: 'refused' })
})

test('fifty events at once read each file once', async () => {
  const { put, look, records } = await newLab()
  const sample = readFileSync(testSample())
  for (const name of ['a', 'b', 'c']) await put(`public/${name}.h5ad`, Buffer.concat([sample, Buffer.from(name)]))
  asked.length = 0
  await Promise.all(Array.from({ length: 50 }, () => look(120_000, refusing)))
  expect([...(await records()).values()].map(({ state }) => state)).toEqual(['refused', 'refused', 'refused'])
  const firsts = asked.filter(({ bytes, key }) => bytes === 8192 && key.startsWith('public/'))
  expect(firsts.map(({ key }) => key).sort()).toEqual(['public/a.h5ad', 'public/b.h5ad', 'public/c.h5ad'])
})
