/**
 * Keeps some connections busy with one request, and counts. On bare sockets: a whole HTTP client would need as much processor as the
 * gate that it measures, on the same two cores.
 */
import net from 'node:net'

export type Target = {
  at: { socketPath: string } | { host: string; port: number }
  path: string
  headers?: Record<string, string>
}
export type Load = { perSecond: number; p50Ms: number; p99Ms: number }

/** @throws on any answer but 200: an error is quick, and would count as speed */
export async function load(target: Target, connections: number, milliseconds: number): Promise<Load> {
  const times: number[] = []
  const started = performance.now()
  const end = started + milliseconds
  await Promise.all(Array.from({ length: connections }, () => keepBusy(target, end, times)))
  const seconds = (performance.now() - started) / 1000
  times.sort((a, b) => a - b)
  const at = (share: number) => times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? Number.NaN
  return { perSecond: times.length / seconds, p50Ms: at(0.5), p99Ms: at(0.99) }
}

function keepBusy({ at, path, headers = {} }: Target, end: number, times: number[]): Promise<void> {
  const lines = Object.entries({ host: 'bench', accept: '*/*', ...headers }).map(([name, value]) => `${name}: ${value}`)
  const request = Buffer.from(`GET ${path} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`)
  return new Promise((resolve, reject) => {
    let sent = 0
    let answer: Buffer = Buffer.alloc(0)
    const socket = 'socketPath' in at ? net.connect(at.socketPath) : net.connect(at.port, at.host)
    const ask = () => {
      sent = performance.now()
      socket.write(request)
    }
    socket.setNoDelay(true)
    socket.once('connect', ask)
    socket.on('error', reject)
    socket.on('close', () => reject(new Error(`${path}: the connection was closed`)))
    socket.on('data', (part: Buffer) => {
      answer = answer.length === 0 ? part : Buffer.concat([answer, part])
      try {
        if (!isWhole(answer)) return
      } catch (error) {
        socket.destroy()
        reject(error)
        return
      }
      answer = Buffer.alloc(0)
      const now = performance.now()
      times.push(now - sent)
      if (now < end) return ask()
      socket.removeAllListeners('close')
      socket.destroy()
      resolve()
    })
  })
}

function isWhole(answer: Buffer): boolean {
  const body = answer.indexOf('\r\n\r\n')
  if (body < 0) return false
  const head = answer.toString('latin1', 0, body + 2)
  if (!/^HTTP\/1\.1 200 /.test(head)) throw new Error(`Not 200: ${head.slice(0, 40).trim()}`)
  const length = /\r\ncontent-length: *(\d+)\r\n/i.exec(head)?.[1]
  if (length !== undefined) return answer.length >= body + 4 + Number(length)
  if (!/\r\ntransfer-encoding: *chunked\r\n/i.test(head)) throw new Error('An answer without a length.')
  return answer.subarray(-5).toString('latin1') === '0\r\n\r\n'
}
