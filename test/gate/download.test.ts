/** How the file gets into the task's folder: by a link on one machine, by parallel ranges from a store. */
import { createHash, randomBytes } from 'node:crypto'
import { existsSync, linkSync, lstatSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { Work } from '../../functions/api/contract/gate.ts'
import { type Download, download } from '../../functions/gate/download.ts'
import { shortTempDir } from './short-temp-dir.ts'

const tuning = { rangeBytes: 64 * 1024, rangesAtOnce: 4, stallMs: 20_000, backoffMs: 2, backoffMostMs: 5 }
const content = randomBytes(1_000_003)
const hash = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')

type Rude = (req: http.IncomingMessage, res: http.ServerResponse, range: { from: number; to: number }) => boolean

/** A store that signs its URLs with `?key=n`; `rude` may answer a request its own way. */
async function startStore(body: Buffer, rude: Rude = () => false) {
  const store = { key: 1, requests: 0, most: 0, etag: '"e1"', base: '' }
  let open = 0
  const server = http.createServer(async (req, res) => {
    store.requests += 1
    open += 1
    store.most = Math.max(store.most, open)
    res.once('close', () => {
      open -= 1
    })
    const [, from = '0', to = '0'] = /^bytes=(\d+)-(\d+)$/.exec(req.headers.range ?? '') ?? []
    const range = { from: Number(from), to: Number(to) + 1 }
    if (rude(req, res, range)) return
    await new Promise((resolve) => setTimeout(resolve, 2))
    if (req.url !== `/file?key=${store.key}`) return void res.writeHead(403).end('expired')
    const part = body.subarray(range.from, range.to)
    const total = `bytes ${range.from}-${range.to - 1}/${body.length}`
    res.writeHead(206, { 'content-range': total, 'content-length': part.length, etag: store.etag }).end(part)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  store.base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  onTestFinished(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  return store
}

type Store = Awaited<ReturnType<typeof startStore>>
const urlFile = (store: Store, sizeBytes = content.length): Work['file'] & { kind: 'url' } => ({
  kind: 'url',
  url: `${store.base}/file?key=${store.key}`,
  sizeBytes,
})

function options(more: Partial<Download> = {}) {
  const progress: number[] = []
  const taskDir = shortTempDir()
  const all: Download = {
    taskDir,
    freshFile: () => Promise.reject(new Error('not asked for')),
    onProgress: (done) => progress.push(done),
    signal: new AbortController().signal,
    tuning,
    ...more,
  }
  return { ...all, progress }
}

describe('from a URL', () => {
  test('comes whole, by several ranges at a time, and says how far it is', async () => {
    const store = await startStore(content)
    const given = options()
    const path = await download(urlFile(store), given)
    expect(hash(readFileSync(path))).toBe(hash(content))
    expect(path).toBe(join(given.taskDir, 'dataset.h5ad'))
    expect([store.requests, store.most]).toEqual([16, 4])
    expect(given.progress.at(-1)).toBe(content.length)
    expect([...given.progress].sort((a, b) => a - b)).toEqual(given.progress)
    expect(statSync(path).mode & 0o777).toBe(0o600)
  })

  test('asks for a fresh URL when this one has ended, once for all ranges that met its end', async () => {
    const store = await startStore(content)
    const file = urlFile(store)
    let asked = 0
    const given = options({
      onProgress: (done) => {
        if (done > 300_000 && store.key === 1) store.key = 2
      },
      freshFile: async () => {
        asked += 1
        await new Promise((resolve) => setTimeout(resolve, 20))
        return urlFile(store)
      },
    })
    expect(hash(readFileSync(await download(file, given)))).toBe(hash(content))
    expect(asked).toBe(1)
  })

  test('goes on where a connection broke, stalled or failed', async () => {
    let turn = 0
    const store = await startStore(content, (_req, res, { from, to }) => {
      turn += 1
      if (turn % 4 === 1) res.destroy()
      else if (turn % 4 === 2) res.writeHead(503).end()
      else if (turn % 4 === 3) {
        const total = `bytes ${from}-${to - 1}/${content.length}`
        res.writeHead(206, { 'content-range': total, 'content-length': to - from, etag: '"e1"' })
        res.write(content.subarray(from, from + Math.ceil((to - from) / 2)))
        if (turn % 8 === 3) setTimeout(() => res.destroy(), 5) // else it stalls
      } else return false
      return true
    })
    const given = options({ tuning: { ...tuning, stallMs: 200 } })
    expect(hash(readFileSync(await download(urlFile(store), given)))).toBe(hash(content))
  })

  test.each([
    ['another size', (store: Store) => urlFile(store, content.length - 1), 'dataset-changed'],
    ['a larger size', (store: Store) => urlFile(store, content.length + 1), 'dataset-changed'],
  ])('of %s than expected is refused', async (_name, file, code) => {
    const store = await startStore(content)
    await expect(download(file(store), options())).rejects.toMatchObject({ code })
  })

  test('that changes on the way is refused: half of each would be neither', async () => {
    const store = await startStore(content)
    const onProgress = (done: number) => {
      if (done > 200_000) store.etag = '"e2"'
    }
    await expect(download(urlFile(store), options({ onProgress }))).rejects.toMatchObject({ code: 'dataset-changed' })
  })

  test('from a store without ranges is refused before it fills the disk', async () => {
    const store = await startStore(content, (_req, res) => {
      res.writeHead(200).end(content)
      return true
    })
    await expect(download(urlFile(store), options())).rejects.toMatchObject({ code: 'dataset-unusable' })
  })

  test('from a store that stays away fails after some tries', async () => {
    const store = await startStore(content, (_req, res) => {
      res.destroy()
      return true
    })
    await expect(download(urlFile(store), options())).rejects.toMatchObject({ code: 'dataset-unusable' })
  })

  test('ends when the gate leaves', async () => {
    const store = await startStore(content, () => true) // never answers
    const leave = new AbortController()
    const given = options({ signal: leave.signal, tuning: { ...tuning, stallMs: 60_000 } })
    const downloading = download(urlFile(store), given)
    setTimeout(() => leave.abort(), 30)
    await expect(downloading).rejects.toThrow()
  })
})

describe('from a path', () => {
  const pathFile = (path: string, sizeBytes = content.length): Work['file'] => ({ kind: 'path', path, sizeBytes })

  test('is a hard link: the very file, even when its name is given to another', async () => {
    const given = options()
    const source = join(given.taskDir, 'source.h5ad')
    writeFileSync(source, content)
    const path = await download(pathFile(source), given)
    expect(statSync(path).ino).toBe(statSync(source).ino)
    expect(given.progress).toEqual([content.length])
    expect(await download(pathFile(source), given)).toBe(path) // again, as after a relaunch in the same folder
  })

  const otherDevice = '/dev/shm'
  const twoDevices = existsSync(otherDevice) && statSync(otherDevice).dev !== statSync(tmpdir()).dev
  test.skipIf(!twoDevices)('on another device is reached all the same', async () => {
    const given = options()
    const dir = join(otherDevice, `cxod-${process.pid}`)
    mkdirSync(dir, { recursive: true })
    const source = join(dir, 'source.h5ad')
    writeFileSync(source, content)
    onTestFinished(() => rmSync(dir, { recursive: true, force: true }))
    expect(() => linkSync(source, join(given.taskDir, 'x'))).toThrow(/EXDEV/)
    const path = await download(pathFile(source), given)
    expect(hash(readFileSync(path))).toBe(hash(content))
    expect(lstatSync(path).isSymbolicLink()).toBe(true)
  })

  test('that is gone, or has another size, is refused in words for the page', async () => {
    const given = options()
    await expect(download(pathFile(join(given.taskDir, 'none.h5ad')), given)).rejects.toMatchObject({
      code: 'dataset-unusable',
    })
    const source = join(given.taskDir, 'source.h5ad')
    writeFileSync(source, content)
    const changed = download(pathFile(source, 5), given)
    await expect(changed).rejects.toMatchObject({ code: 'dataset-changed' })
    await expect(changed).rejects.toThrow(/1000003 bytes where 5/)
  })
})
