/** The index's eyes on a bucket, against moto: pieces of one content, the verdicts of one machine, and what S3 refuses. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DeleteObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createIndexer, type Indexer } from '../../../functions/indexer/client.ts'
import type { Inspector } from '../../../functions/launcher/index-dataset.ts'
import { createInspector } from '../../../functions/platform/aws/inspector.ts'
import { createDatasetFiles as createLocalFiles } from '../../../functions/platform/local/dataset-files.ts'
import { createInspector as createLocalInspector } from '../../../functions/platform/local/inspector.ts'
import { bucketClient, newBucket, watchReads } from '../../support/bucket.ts'
import { builtPrograms } from '../../support/built.ts'
import { type Moto, startMoto } from '../../support/moto.ts'
import { tempDir } from '../../support/temp-dir.ts'
import { testSample } from '../../support/tools.ts'

let moto: Moto
let s3: S3Client
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
  await moto?.stop()
})

test('a file is read in pieces: fewer bytes than it has, and each piece of one content', async () => {
  const { Bucket, put } = await newBucket(s3)
  const sample = readFileSync(testSample())
  // What lies behind HDF5's own end belongs to nobody and is not read.
  await put('public/long.h5ad', Buffer.concat([sample, Buffer.alloc(20 * 2 ** 20)]))
  const inspect = createInspector(s3, Bucket, indexer)
  const never = new AbortController().signal
  asked.length = 0
  expect(await inspect.start('public/long.h5ad')).toEqual({ kind: 'whole' })
  await inspect.hash('public/long.h5ad', never)
  expect(await inspect.index('public/long.h5ad', never)).toMatchObject({ index: { cells: 700 } })
  const bytes = asked.reduce((sum, one) => sum + one.bytes, 0)
  expect(bytes).toBeGreaterThan(100_000)
  expect(bytes).toBeLessThan(sample.byteLength + 5 * 2 ** 20)

  await inspect.hash('public/long.h5ad', never)
  await put('public/long.h5ad', sample)
  await expect(inspect.index('public/long.h5ad', never)).rejects.toMatchObject({ code: 'conflict' })
})

test('an object that is replaced while it is read is noticed, whatever was read before', async () => {
  const { Bucket, put } = await newBucket(s3)
  const sample = readFileSync(testSample())
  await put('public/a.h5ad', sample)
  const replacing: Pick<Indexer, 'indexFile' | 'readCells'> = {
    readCells: indexer.readCells,
    async indexFile(file, signal) {
      await put('public/a.h5ad', Buffer.concat([sample, Buffer.alloc(1)]))
      return indexer.indexFile(file, signal)
    },
  }
  const inspect = createInspector(s3, Bucket, replacing)
  const never = new AbortController().signal
  await inspect.hash('public/a.h5ad', never)
  await expect(inspect.index('public/a.h5ad', never)).rejects.toMatchObject({ code: 'conflict' })
  await s3.send(new DeleteObjectCommand({ Bucket, Key: 'public/a.h5ad' }))
  // One after the other: one that is refused before anybody waits for it is an unhandled rejection.
  await expect(inspect.start('public/a.h5ad')).rejects.toMatchObject({ code: 'not-found' })
  await expect(inspect.hash('public/a.h5ad', never)).rejects.toMatchObject({ code: 'not-found' })
})

test('the first bytes get the verdicts of the inspector on one machine', async () => {
  const { Bucket, put } = await newBucket(s3)
  const root = tempDir('both-')
  mkdirSync(join(root, 'public'))
  const local = createLocalInspector(createLocalFiles(root), indexer)
  const remote: Inspector = createInspector(s3, Bucket, indexer)
  const sample = readFileSync(testSample())
  const files: Record<string, Uint8Array> = {
    whole: sample,
    'user-block-small': Buffer.concat([Buffer.alloc(512), sample]),
    'user-block-large': Buffer.concat([Buffer.alloc(2 ** 20), sample]),
    short: sample.subarray(0, 500_000),
    'one-byte-short': sample.subarray(0, sample.byteLength - 1),
    empty: new Uint8Array(),
    'not-hdf5': Buffer.from('cell,gene\n'),
    zeros: Buffer.alloc(100_000),
  }
  const [here, there]: Record<string, unknown>[] = [{}, {}]
  for (const [name, content] of Object.entries(files)) {
    const path = `public/${name}.h5ad`
    await put(path, content)
    writeFileSync(join(root, path), content)
    if (here) here[name] = await local.start(path)
    if (there) there[name] = await remote.start(path)
  }
  expect(there).toEqual(here)
})

test('an object that only its owner may read is refused for that, in words', async () => {
  const denied = Object.assign(new Error('denied'), { name: 'AccessDenied', $metadata: { httpStatusCode: 403 } })
  const archived = Object.assign(new Error('cold'), { name: 'InvalidObjectState', $metadata: { httpStatusCode: 403 } })
  const { Bucket, put } = await newBucket(s3)
  await put('public/a.h5ad', readFileSync(testSample()))
  for (const [error, words] of [
    [denied, /may not read/],
    [archived, /Glacier/],
  ] as const) {
    const strict = new S3Client({ ...moto.clientConfig, forcePathStyle: true })
    // moto checks no rights and keeps no archive, so S3's answer is put in its place.
    strict.middlewareStack.add(
      (next, context) => (args) => (context.commandName === 'GetObjectCommand' ? Promise.reject(error) : next(args)),
      { step: 'initialize', name: 'refuse' },
    )
    const inspect = createInspector(strict, Bucket, indexer)
    const refused = { code: 'unreadable', cause: expect.stringMatching(words) }
    expect(await inspect.start('public/a.h5ad')).toEqual({
      kind: 'refused',
      problem: expect.objectContaining(refused),
    })
    await inspect.hash('public/a.h5ad', new AbortController().signal)
    expect(await inspect.index('public/a.h5ad', new AbortController().signal)).toMatchObject({ problem: refused })
    strict.destroy()
  }
})
