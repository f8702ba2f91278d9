/** The bucket adapters against moto: the same contracts as their local twins, and what only a bucket can do wrong. */
import { DeleteObjectCommand, GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { VaultRef } from '../../../functions/core/ports.ts'
import { createDatasetFiles } from '../../../functions/platform/aws/dataset-files.ts'
import { createVault } from '../../../functions/platform/aws/vault.ts'
import { datasetFilesContract } from '../../contracts/dataset-files.contract.ts'
import { vaultContract } from '../../contracts/vault.contract.ts'
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

const now = 1_700_000_000_000
const clock = { now: () => now }
const ref: VaultRef = { ownerId: 'local:ann', datasetId: 'pbmc', kind: 'labels' }
const meta = {
  base: null,
  savedBy: 'Ann',
  origin: 'session:abc',
  datasetVersion: 'd',
  obsIndexHash: 'e',
  requestSha256: 'f',
}
const bytes = (text: string) => new TextEncoder().encode(text)

vaultContract('S3', async () => {
  const name = await makeBucket(s3)
  return { vault: createVault(s3, name, clock), again: () => createVault(s3, name, clock), now }
})

datasetFilesContract('S3', async () => {
  const name = await makeBucket(s3)
  return {
    files: createDatasetFiles(s3, name),
    put: async (path, content) =>
      void (await s3.send(new PutObjectCommand({ Bucket: name, Key: path, Body: content }))),
    remove: async (path) => void (await s3.send(new DeleteObjectCommand({ Bucket: name, Key: path }))),
    fetch: async (location) => {
      if (location.kind !== 'url') throw new Error('an object has an address, not a path')
      return (await fetch(location.url)).text()
    },
  }
})

describe('the vault in a bucket', () => {
  test('knows its own write again when the answer was lost and the SDK repeated it', async () => {
    const name = await makeBucket(s3)
    const repeating = new S3Client({ ...moto.clientConfig, forcePathStyle: true, maxAttempts: 3 })
    // The first answer to a PUT is lost on its way, after the bucket has taken it.
    let lost = false
    repeating.middlewareStack.add(
      (next) => async (args) => {
        const answer = await next(args)
        if (lost || (args.request as { method?: string }).method !== 'PUT') return answer
        lost = true
        throw Object.assign(new Error('socket hang up'), { name: 'TimeoutError', code: 'ECONNRESET' })
      },
      { step: 'finalizeRequest', priority: 'low', name: 'loseOneAnswer' },
    )
    const saved = await createVault(repeating, name, clock).put(ref, bytes('a'), meta)
    repeating.destroy()
    expect(lost).toBe(true)
    expect(saved.version).toBe('1')
    expect(await createVault(s3, name, clock).history(ref)).toEqual([saved])
  })

  test('says which object is damaged, and serves none of it', async () => {
    const name = await makeBucket(s3)
    const vault = createVault(s3, name, clock)
    await vault.put(ref, bytes('a'), meta)
    const Key = 'local%3aann/pbmc/labels/999999999998'
    await s3.send(new PutObjectCommand({ Bucket: name, Key, Body: 'no record' }))
    await expect(vault.read(ref, '1')).rejects.toMatchObject({ code: 'unavailable', data: { file: Key } })
    await expect(vault.latest(ref)).rejects.toMatchObject({ code: 'unavailable' })
  })

  test('tells a bucket that is not there from one that is empty', async () => {
    const vault = createVault(s3, 'never-made', clock)
    await expect(vault.latest(ref)).rejects.toMatchObject({ code: 'unavailable' })
    await expect(vault.put(ref, bytes('a'), meta)).rejects.toMatchObject({ code: 'unavailable' })
    await expect(vault.listDatasets('local:ann')).rejects.toMatchObject({ code: 'unavailable' })
    await expect(createDatasetFiles(s3, 'never-made').list()).rejects.toMatchObject({ code: 'unavailable' })
  })

  test('finds the newest of 1,100 versions with one key, and all of them in its history', async () => {
    const name = await makeBucket(s3)
    const vault = createVault(s3, name, clock)
    await vault.put(ref, bytes('one'), meta)
    const Key = 'local%3aann/pbmc/labels/999999999998'
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: name, Key }))
    const first = Buffer.from((await Body?.transformToByteArray()) ?? []).toString('latin1')
    const copies = Array.from({ length: 1099 }, (_, i) => i + 2)
    for (let at = 0; at < copies.length; at += 50)
      await Promise.all(
        copies.slice(at, at + 50).map((version) => {
          const copy = Buffer.from(first.replace('"version":"1"', `"version":"${version}"`), 'latin1')
          const key = `local%3aann/pbmc/labels/${999_999_999_999 - version}`
          return s3.send(new PutObjectCommand({ Bucket: name, Key: key, Body: copy }))
        }),
      )
    expect((await vault.latest(ref))?.version).toBe('1100')
    const history = await vault.history(ref)
    expect(history.map(({ version }) => Number(version))).toEqual(Array.from({ length: 1100 }, (_, i) => 1100 - i))
  }, 120_000)
})
