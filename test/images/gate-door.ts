/**
 * Where a gate in a container reaches the launcher: passes its calls on to the launcher's own socket, and gives it the file as on
 * AWS, by a presigned address of a bucket, where one machine would name a path.
 */
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { knockAnswer } from '../../functions/api/contract/gate.ts'

export type GateDoor = { port: number; calls: string[]; close(): Promise<void> }

export async function openGateDoor(apiSocket: string, addressOf: (path: string) => Promise<string>): Promise<GateDoor> {
  const calls: string[] = []
  const server = http.createServer((req, res) => {
    const { method = '', url = '' } = req
    calls.push(`${method} ${url}`)
    const headers = { ...req.headers, host: 'api' }
    const up = http.request({ socketPath: apiSocket, path: url, method, headers }, (answer) => {
      if (url !== '/gate/knock') {
        res.writeHead(answer.statusCode ?? 502, answer.headers)
        answer.pipe(res)
        return
      }
      void readAll(answer).then(async (body) => {
        const known = knockAnswer.safeParse(JSON.parse(body.toString()))
        const given = known.data?.status === 'work' ? known.data : null
        if (given?.work.file.kind === 'path') {
          const { path, sizeBytes } = given.work.file
          given.work.file = { kind: 'url', url: await addressOf(path), sizeBytes }
        }
        const sent = given === null ? body : Buffer.from(JSON.stringify(given))
        res.writeHead(answer.statusCode ?? 502, { 'content-type': 'application/json', 'content-length': sent.length })
        res.end(sent)
      })
    })
    up.on('error', () => res.destroy())
    req.pipe(up)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    calls,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

async function readAll(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  const parts: Buffer[] = []
  for await (const part of stream) parts.push(part)
  return Buffer.concat(parts)
}
