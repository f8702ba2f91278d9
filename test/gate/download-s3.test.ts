/** The download from a real S3 client's presigned address, against moto: what a store of AWS does while a gate reads. */
import { createHash, randomBytes } from 'node:crypto'
import { closeSync, ftruncateSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CreateBucketCommand, DeleteObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Work } from '../../functions/api/contract/gate.ts'
import { loadWords } from '../../functions/core/load-words.ts'
import { type Download, download } from '../../functions/gate/download.ts'
import { createDatasetFiles } from '../../functions/platform/aws/dataset-files.ts'
import { type Moto, startMoto } from '../support/moto.ts'
import { shortTempDir } from './short-temp-dir.ts'

const tuning = { rangeBytes: 64 * 1024, rangesAtOnce: 4, stallMs: 20_000, backoffMs: 2, backoffMostMs: 5 }
const content = randomBytes(1_000_003)
const key = 'public/a b+c.h5ad'
const hash = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')

let moto: Moto
let s3: S3Client
let front: Front
beforeAll(async () => {
  moto = await startMoto()
  front = await openFront(moto.endpoint)
  s3 = new S3Client({ ...moto.clientConfig, endpoint: front.endpoint, forcePathStyle: true })
  await s3.send(new CreateBucketCommand({ Bucket: 'data' }))
}, 120_000)
beforeEach(() => front.forget())
afterEach(() => vi.useRealTimers())
afterAll(async () => {
  s3?.destroy()
  await front?.close()
  await moto?.stop()
})

const put = (body: Buffer) => s3.send(new PutObjectCommand({ Bucket: 'data', Key: key, Body: body }))
const files = () => createDatasetFiles(s3, 'data')

/** What a knock answers. */
async function knock(): Promise<Work['file']> {
  const [at, stat] = await Promise.all([files().locate(key), files().stat(key)])
  return { ...at, sizeBytes: stat?.sizeBytes ?? 0 }
}

async function start(more: Partial<Download> = {}): Promise<string> {
  await put(content)
  const taskDir = shortTempDir()
  const given = { taskDir, freshFile: knock, onProgress: () => {}, signal: new AbortController().signal, tuning }
  return download(await knock(), { ...given, ...more })
}

/** Does `job` once, as soon as this much has come. */
function after(bytes: number, job: () => void): (done: number) => void {
  let done = false
  return (at) => {
    if (done || at < bytes) return
    done = true
    job()
  }
}

/** Waits for whatever `job` began before the next range is asked for, so that the ranges to come meet what it did. */
function meanwhile(job: () => Promise<unknown>): (done: number) => void {
  return after(300_000, () => front.holdFor(job()))
}

describe('from S3', () => {
  test('comes whole, by ranges side by side', async () => {
    expect(hash(readFileSync(await start()))).toBe(hash(content))
    expect(front.statuses).toEqual(new Set([206]))
    expect(front.ranges).toBe(16)
  })

  test('goes on with a fresh address where the first one ended on the way', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    let knocks = 0
    const freshFile = () => {
      knocks += 1
      return knock()
    }
    const onProgress = after(300_000, () => vi.setSystemTime(Date.now() + 16 * 60_000))
    expect(hash(readFileSync(await start({ freshFile, onProgress })))).toBe(hash(content))
    expect(knocks).toBe(1)
    expect(front.statuses).toEqual(new Set([206, 403]))
  })

  test.each([
    ['another of the same size', () => put(randomBytes(content.length))],
    ['a shorter one', () => put(content.subarray(5))],
    ['a longer one', () => put(Buffer.concat([content, content]))],
  ])('replaced on the way by %s is refused, in words for the page', async (_name, replace) => {
    const refused = await start({ onProgress: meanwhile(replace) }).catch((error: unknown) => error)
    expect(refused).toMatchObject({ code: 'dataset-changed' })
    expect(loadWords(refused instanceof Error ? refused.message : '').code).toBe('changed')
  })

  test('replaced by another size just when the address ended is refused by the knock', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    const onProgress = meanwhile(() => {
      vi.setSystemTime(Date.now() + 16 * 60_000)
      return put(content.subarray(5))
    })
    await expect(start({ onProgress })).rejects.toMatchObject({ code: 'dataset-changed' })
  })

  test('removed on the way is refused, in words for the page, and not asked for again and again', async () => {
    const remove = () => s3.send(new DeleteObjectCommand({ Bucket: 'data', Key: key }))
    const refused = await start({ onProgress: meanwhile(remove) }).catch((error: unknown) => error)
    expect(refused).toMatchObject({ code: 'dataset-unusable' })
    expect(loadWords(refused instanceof Error ? refused.message : '').code).toBe('gone')
    expect(front.ranges).toBeLessThan(20)
  })

  test.skipIf(!diskHasAnEnd())('larger than the disk is refused, in words for the page', async () => {
    await put(content)
    const file = await knock()
    const given = { taskDir: shortTempDir(), freshFile: knock, onProgress: () => {}, tuning }
    const signal = new AbortController().signal
    const refused = await download({ ...file, sizeBytes: farTooLarge }, { ...given, signal }).catch(
      (error: unknown) => error,
    )
    expect(refused).toMatchObject({ code: 'dataset-unusable' })
    expect(loadWords(refused instanceof Error ? refused.message : '').code).toBe('disk-full')
  })
})

const farTooLarge = Number.MAX_SAFE_INTEGER

/** Some file systems (tmpfs) take a file of any size as long as nothing is in it. */
function diskHasAnEnd(): boolean {
  const dir = mkdtempSync(join(tmpdir(), 'gate-'))
  const file = openSync(join(dir, 'large'), 'w')
  try {
    ftruncateSync(file, farTooLarge)
    return false
  } catch {
    return true
  } finally {
    closeSync(file)
    rmSync(dir, { recursive: true })
  }
}

type Front = {
  endpoint: string
  /** Of ranged reads, since the test began. */
  statuses: Set<number>
  ranges: number
  forget(): void
  /** Ranged reads wait for this. */
  holdFor(job: Promise<unknown>): void
  close(): Promise<void>
}

/** Before moto, which serves an address that has ended: refuses it as S3 does, by the time that was signed into it. */
async function openFront(behind: string): Promise<Front> {
  let hold: Promise<unknown> = Promise.resolve()
  const to = new URL(behind)
  const server = http.createServer(async (req, res) => {
    const ranged = req.headers.range !== undefined
    if (ranged) {
      seen.ranges += 1
      await hold.catch(() => {})
    }
    const url = new URL(req.url ?? '', behind)
    const status = (value: number) => {
      if (ranged) seen.statuses.add(value)
      return value
    }
    if (hasEnded(url)) return void res.writeHead(status(403)).end('<Error><Code>AccessDenied</Code></Error>')
    const { method, headers } = req
    const up = http.request({ host: to.hostname, port: to.port, path: req.url, method, headers }, (answer) => {
      res.writeHead(status(answer.statusCode ?? 502), answer.headers)
      answer.pipe(res)
    })
    up.on('error', () => res.destroy())
    req.pipe(up)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const seen: Front = {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    statuses: new Set(),
    ranges: 0,
    forget() {
      seen.statuses.clear()
      seen.ranges = 0
      hold = Promise.resolve()
    },
    holdFor: (job) => {
      hold = job
    },
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return seen
}

function hasEnded(url: URL): boolean {
  const [, y, mo, d, h, mi, s] =
    /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(url.searchParams.get('X-Amz-Date') ?? '') ?? []
  if (y === undefined) return false
  const signed = Date.UTC(Number(y), Number(mo) - 1, Number(d), Number(h), Number(mi), Number(s))
  return Date.now() > signed + Number(url.searchParams.get('X-Amz-Expires')) * 1000
}
