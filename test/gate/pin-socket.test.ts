/** The gate speaks to the socket that the viewer made, not to whatever a taken-over viewer puts in its place later. */
import { once } from 'node:events'
import { readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { pinSocket, unpin } from '../../functions/gate/pin-socket.ts'
import { shortTempDir } from './short-temp-dir.ts'

async function serve(path: string, word: string): Promise<void> {
  const server = http.createServer((_, res) => res.end(word))
  await once(server.listen(path), 'listening')
  onTestFinished(() => void server.close())
}

const ask = (socketPath: string) =>
  new Promise<string>((resolve, reject) => {
    const req = http.get({ socketPath, path: '/', agent: false }, (res) => {
      res.setEncoding('utf8').once('data', resolve)
    })
    req.once('error', reject)
  })

test.skipIf(process.platform !== 'linux')('what is put in its place later is not spoken to', async () => {
  const dir = shortTempDir()
  const [own, store] = [join(dir, 'viewer.sock'), join(dir, 'store.sock')]
  await serve(own, 'viewer')
  await serve(store, 'store')
  const address = { socketPath: own }
  const pinned = pinSocket(address)
  renameSync(own, join(dir, 'moved'))
  symlinkSync(store, own)
  expect(await ask(own)).toBe('store')
  expect(await ask(address.socketPath)).toBe('viewer')
  const open = readdirSync('/proc/self/fd').length
  unpin(pinned)
  expect(readdirSync('/proc/self/fd').length).toBe(open - 1)
})

test.skipIf(process.platform !== 'linux')('a link, a file or nothing is no socket', async () => {
  const dir = shortTempDir()
  const [link, file, store] = [join(dir, 'link'), join(dir, 'file'), join(dir, 'store.sock')]
  await serve(store, 'store')
  symlinkSync(store, link)
  writeFileSync(file, '')
  for (const socketPath of [link, file, join(dir, 'nothing')]) {
    const address = { socketPath }
    expect(pinSocket(address)).toBeNull()
    expect(address.socketPath).toBe(socketPath)
  }
  rmSync(link)
  expect(pinSocket({ host: '127.0.0.1', port: 1 })).toEqual({ descriptor: null })
})
