/**
 * Labels that are too large for a function URL: the gate's own client against the real API, on a vault on disk and on one in a
 * bucket (moto). The rules of a save are the same on both.
 */
import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { CreateBucketCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3'
import { getRequestListener } from '@hono/node-server'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Api, createApiClient } from '../../functions/gate/api-client.ts'
import { readAll } from '../../functions/gate/http-call.ts'
import { createVault as createBucketVault } from '../../functions/platform/aws/vault.ts'
import { createVault as createFolderVault } from '../../functions/platform/local/vault.ts'
import { openTestApp, type TestApp } from '../support/app.ts'
import { type Moto, startMoto } from '../support/moto.ts'
import { aDataset } from '../support/ports.ts'
import { tempDir } from '../support/temp-dir.ts'

const MiB = 2 ** 20
const sha = (body: Uint8Array | string) => createHash('sha256').update(body).digest('hex')
const clock = { now: () => Date.now() }
const cells = Array.from({ length: 400_000 }, (_, n) => `AAACATACAACCAC-${n}`)
const csv = (label: string) => Buffer.from(`index,type\n${cells.map((name) => `${name},${label}\n`).join('')}`)

let moto: Moto
let s3: S3Client
const Bucket = `b-${randomUUID()}`
beforeAll(async () => {
  moto = await startMoto()
  s3 = new S3Client({ ...moto.clientConfig, forcePathStyle: true })
  await s3.send(new CreateBucketCommand({ Bucket }))
}, 120_000)
afterAll(async () => {
  s3?.destroy()
  await moto?.stop()
})
const keysBelow = async (Prefix: string) =>
  ((await s3.send(new ListObjectsV2Command({ Bucket, Prefix }))).Contents ?? []).map(({ Key }) => Key)

describe.each(['a folder', 'a bucket'])('a vault in %s', (kind) => {
  const inBucket = kind === 'a bucket'
  const dir = tempDir()
  let bed: TestApp
  let server: Server
  let api: Api
  /** Method, path and body's length of what the API was sent. */
  let sent: { call: string; bytes: number; token: boolean }[] = []
  const file = (body: Uint8Array) => {
    const path = join(dir, randomUUID())
    writeFileSync(path, body)
    return { file: path, sizeBytes: body.byteLength }
  }
  const put = (body: Uint8Array, base: string | null, by = api) =>
    by.vaultPut('labels', file(body), { base, requestSha256: sha(body) })
  const read = async (version: string) => readAll(await api.vaultRead('labels', version), 64 * MiB)

  beforeAll(async () => {
    const vault = inBucket ? createBucketVault(s3, Bucket, clock) : createFolderVault(join(dir, 'vault'), clock)
    bed = await openTestApp(dir, { datasets: [aDataset()], ports: { vault } })
    const answer = getRequestListener(bed.app.fetch)
    server = createServer((req, res) => {
      const token = req.headers.authorization !== undefined
      sent.push({ call: `${req.method} ${req.url}`, bytes: Number(req.headers['content-length'] ?? 0), token })
      void answer(req, res)
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    api = await aGate('ann')
  })
  afterAll(async () => {
    server?.closeAllConnections()
    server?.close()
    await bed?.store.close()
  })
  async function aGate(name: string): Promise<Api> {
    const { who } = await bed.browser({ name })
    const session = await bed.deps.launcher.launch(who, 'pbmc', { by: 'click' })
    const token = await bed.deps.auth.gateTokens.sign(session)
    const { port } = server.address() as AddressInfo
    return createApiClient({ apiUrl: `http://127.0.0.1:${port}`, token }, { timeoutMs: 30_000, clock })
  }

  it('keeps 10 MB, acknowledges the repeat, refuses another base, and loses nothing', async () => {
    const [first, second] = [csv('T cell'), csv('B cell, maybe')]
    expect(first.byteLength).toBeGreaterThan(9 * MiB)
    sent = []
    expect(await put(first, null)).toMatchObject({
      status: 'saved',
      saved: { version: '1', requestSha256: sha(first) },
    })
    expect(Math.max(...sent.map(({ bytes }) => bytes)) > 4 * MiB).toBe(!inBucket)
    // Its answer was lost: the newest is this very request's, which is how the gate knows.
    expect(await put(first, null)).toMatchObject({ status: 'base-mismatch', latest: { requestSha256: sha(first) } })
    expect(await put(second, '7')).toMatchObject({ status: 'base-mismatch', latest: { version: '1' } })
    expect(await put(second, '1')).toMatchObject({ status: 'saved', saved: { version: '2' } })
    expect((await read('1')).equals(first)).toBe(true)
    expect((await read('2')).equals(second)).toBe(true)
    // What is small goes as it always went.
    sent = []
    expect(await put(Buffer.from('index,type\n'), '2')).toMatchObject({ status: 'saved', saved: { version: '3' } })
    expect(sent.map(({ call }) => call)).toEqual(['PUT /gate/vault/labels'])
    expect((await read('3')).toString()).toBe('index,type\n')
  })

  it('lets people download it as a file of its name, which nobody caches', async () => {
    const ann = await bed.browser({ name: 'ann' })
    const body = csv('T cell')
    const answer = await ann.get('/api/datasets/pbmc/annotations/labels/versions/1')
    expect(answer.headers.get('cache-control')).toBe('no-store')
    expect(answer.status).toBe(inBucket ? 307 : 200)
    const there = inBucket ? await fetch(answer.headers.get('location') ?? '') : answer
    expect(there.headers.get('content-disposition')).toBe('attachment; filename="pbmc-labels-v1.csv"')
    expect(there.headers.get('content-type')).toMatch(/^text\/csv/)
    expect(there.headers.get('cache-control')).toBe('no-store')
    expect(Buffer.from(await there.arrayBuffer()).equals(body)).toBe(true)
  })

  it('takes a person’s large file, or says what to do with it', async () => {
    const cat = await bed.browser({ name: 'cat' })
    await bed.ports.cells.put('v1', { names: cells, columns: [] })
    const body = csv('NK')
    const path = '/api/datasets/pbmc/annotations/labels'
    const origin = new URL(bed.deps.appOrigin).origin
    const upload = (headers: Record<string, string>, content: Uint8Array | null) =>
      bed.app.request(`${origin}${path}`, {
        method: 'PUT',
        headers: { cookie: cat.cookie, origin, 'content-type': 'text/csv', 'if-none-match': '*', ...headers },
        ...(content && { body: new Uint8Array(content) }),
      })
    const asked = await cat.send('POST', `${path}/upload`, { sizeBytes: body.byteLength, sha256: sha(body) })
    const answer = (await asked.json()) as { status: string; url: string; headers: Record<string, string>; ref: string }
    if (!inBucket) {
      expect(answer).toEqual({ status: 'direct' })
      expect((await upload({}, body)).status).toBe(200)
      expect((await upload({ 'x-upload-ref': 'x', 'if-none-match': '*' }, null)).status).toBe(400)
      return
    }
    const refused = await upload({}, body)
    expect(refused.status).toBe(413)
    expect(await refused.json()).toMatchObject({
      code: 'too-large',
      detail: expect.stringContaining('goes by the API'),
    })
    const there = await fetch(answer.url, { method: 'PUT', headers: answer.headers, body: new Uint8Array(body) })
    expect(there.status).toBe(200)
    expect((await upload({ 'x-upload-ref': answer.ref }, null)).status).toBe(200)
    const large = await cat.send('POST', `${path}/upload`, { sizeBytes: 65 * MiB, sha256: sha('') })
    expect(large.status).toBe(413)
  })

  if (!inBucket) return

  it('signs size and checksum into the address, and gives our token to nobody else', async () => {
    const { uploads } = createBucketVault(s3, Bucket, clock)
    const offered = await uploads?.offer('somebody', { sizeBytes: 5 * MiB, sha256: sha('x') })
    const query = new URL(offered?.url ?? '').searchParams
    expect(query.get('X-Amz-SignedHeaders')?.split(';').sort()).toEqual([
      'content-length',
      'content-type',
      'host',
      'x-amz-checksum-sha256',
    ])
    expect(Number(query.get('X-Amz-Expires'))).toBeLessThanOrEqual(900)
    // The policy of their page allows this place, and not the next one's: nobody else can have something sent to theirs.
    expect(offered?.url.startsWith((await uploads?.place('somebody')) ?? 'nowhere')).toBe(true)
    expect(offered?.url.startsWith((await uploads?.place('another')) ?? '')).toBe(false)
    expect(offered?.headers).toEqual({
      'content-length': String(5 * MiB),
      'content-type': 'application/octet-stream',
      'x-amz-checksum-sha256': createHash('sha256').update('x').digest('base64'),
    })
  })

  it('has a form whose page may put a file there, and nowhere else, and which then names it', async () => {
    const dan = await bed.browser({ name: 'dan' })
    const page = await dan.get('/annotations/pbmc')
    const place = `${moto.endpoint}/${Bucket}/uploads/offered/${sha(dan.who.id).slice(0, 32)}/`
    expect(page.headers.get('content-security-policy')).toContain(`; connect-src 'self' ${place};`)
    expect((await dan.get('/')).headers.get('content-security-policy')).toContain("; connect-src 'self';")
    // What comes with a file counts, too: a form of exactly four megabytes would not get through.
    const [, most = ''] = /data-direct="(\d+)"/.exec(await page.text()) ?? []
    const offer = async (sizeBytes: number, body: Uint8Array = new Uint8Array()) => {
      const path = '/api/datasets/pbmc/annotations/labels/upload'
      return (await dan.send('POST', path, { sizeBytes, sha256: sha(body) })).json() as Promise<Record<string, string>>
    }
    expect(await offer(Number(most) + 1)).toMatchObject({ status: 'url' })
    const body = csv('NK bright')
    const { url = '', ref = '', headers } = await offer(body.byteLength, body)
    await fetch(url, { method: 'PUT', headers: headers as unknown as Record<string, string>, body })
    const { origin } = new URL(bed.deps.appOrigin)
    const submit = (fields: Record<string, string>) => {
      const form = new FormData()
      for (const [name, value] of Object.entries(fields)) form.set(name, value)
      const own = { cookie: dan.cookie, origin }
      return bed.app.request(`${origin}/annotations/pbmc/labels/upload`, { method: 'POST', headers: own, body: form })
    }
    expect((await submit({ base: 'none', mode: 'add', ref: `${ref}0` })).status).toBe(400)
    const kept = await submit({ base: 'none', mode: 'add', ref })
    expect([kept.status, await kept.text()]).toEqual([
      200,
      expect.stringContaining('400,000 of 400,000 labelled cells'),
    ])
  })

  it('takes what was uploaded from who may name it, and nothing else', async () => {
    const { uploads } = createBucketVault(s3, Bucket, clock)
    if (!uploads) throw new Error('a bucket has another way for large bodies')
    const body = randomBytes(5 * MiB)
    const offer = () => uploads.offer('session-1', { sizeBytes: body.byteLength, sha256: sha(body) })
    const { url, headers, ref } = await offer()
    await expect(uploads.take('session-1', ref, 64 * MiB)).rejects.toMatchObject({ code: 'unavailable' })
    await fetch(url, { method: 'PUT', headers, body })
    expect(Buffer.from(await uploads.take('session-1', ref, 64 * MiB)).equals(body)).toBe(true)
    await expect(uploads.take('session-2', ref, 64 * MiB)).rejects.toMatchObject({ code: 'unavailable' })
    await expect(uploads.take('session-1', ref, MiB)).rejects.toMatchObject({ code: 'too-large' })
    for (const odd of ['', '../x', `${ref}/..`, ref.replace('.', '/')])
      await expect(uploads.take('session-1', odd, 64 * MiB)).rejects.toMatchObject({ code: 'bad-request' })
    // moto takes any bytes, as a bucket that only looks like S3 might: they are checked again.
    const other = await offer()
    const damaged = Buffer.from(body)
    damaged[100] = (damaged[100] ?? 0) ^ 1
    await fetch(other.url, { method: 'PUT', headers: other.headers, body: damaged })
    await expect(uploads.take('session-1', other.ref, 64 * MiB)).rejects.toMatchObject({ code: 'unavailable' })
  })

  it('keeps nothing of an upload that is never named but below the folder that is emptied', async () => {
    const before = (await keysBelow('')).filter((key) => !key?.startsWith('uploads/'))
    const { uploads } = createBucketVault(s3, Bucket, clock)
    const body = randomBytes(5 * MiB)
    const { url, headers } = (await uploads?.offer('x', { sizeBytes: body.byteLength, sha256: sha(body) })) ?? {}
    await fetch(url ?? '', { method: 'PUT', headers: headers ?? {}, body })
    expect((await keysBelow('')).filter((key) => !key?.startsWith('uploads/'))).toEqual(before)
  })
})
