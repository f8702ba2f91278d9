/** The cells of dataset versions in a bucket, against moto: the contract, and records that are damaged. */
import { ListObjectsV2Command, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { keptCellsMs } from '../../../functions/core/ports.ts'
import { createCellNames } from '../../../functions/platform/aws/cells.ts'
import { cellsContract } from '../../contracts/cells.contract.ts'
import { bucketClient, makeBucket } from '../../support/bucket.ts'
import { type Moto, startMoto } from '../../support/moto.ts'

let moto: Moto
let s3: S3Client
beforeAll(async () => {
  moto = await startMoto()
  s3 = bucketClient(moto)
}, 120_000)
afterAll(async () => {
  s3?.destroy()
  await moto?.stop()
})

// Ahead of the bucket's own clock, which tells when an object was written.
cellsContract('S3', async (clock) => createCellNames(s3, await makeBucket(s3), clock), Date.now() + 3_600_000)

test('a damaged object is no empty list of cells: it says what to do', async () => {
  const name = await makeBucket(s3)
  await s3.send(new PutObjectCommand({ Bucket: name, Key: 'cells/v1.json.gz', Body: 'nonsense' }))
  const cells = createCellNames(s3, name, { now: () => 0 })
  await expect(cells.get('v1')).rejects.toMatchObject({ code: 'unavailable', message: /delete its file below “cells”/ })
})

test('who may not list the bucket learns that nothing is there, and from a write what else it may not', async () => {
  const refused = { name: 'Forbidden', $metadata: { httpStatusCode: 403 } }
  const client = { send: () => Promise.reject(Object.assign(new Error('403'), refused)) } as unknown as S3Client
  const cells = createCellNames(client, 'vault', { now: () => 0 })
  expect(await cells.has('v1')).toBe(false)
  await expect(cells.put('v1', { names: [], columns: [] })).rejects.toMatchObject({ code: 'unavailable' })
})

test('a damaged record of times makes it keep longer, never shorter', async () => {
  const name = await makeBucket(s3)
  const start = Date.now()
  let now = start + 2 * keptCellsMs
  const cells = createCellNames(s3, name, { now: () => now })
  await cells.put('v1', { names: ['a'], columns: [] })
  await s3.send(new PutObjectCommand({ Bucket: name, Key: 'cells/.last-current', Body: '{' }))
  await cells.prune(new Set())
  expect(await cells.has('v1')).toBe(true)
  now += keptCellsMs + 1
  await cells.prune(new Set())
  const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: name }))
  expect(Contents.map(({ Key }) => Key)).toEqual(['cells/.last-current'])
})

test('a bucket that is not there is no bucket without cells', async () => {
  const cells = createCellNames(s3, 'never-made', { now: () => 0 })
  await expect(cells.prune(new Set())).rejects.toMatchObject({ code: 'unavailable' })
  await expect(cells.get('v1')).rejects.toMatchObject({ code: 'unavailable' })
  await expect(cells.put('v1', { names: [], columns: [] })).rejects.toMatchObject({ code: 'unavailable' })
})
