/** Keeps some connections busy with one request, and counts. */
import http from 'node:http'

export type Target = {
  at: { socketPath: string } | { host: string; port: number }
  path: string
  headers?: Record<string, string>
}
export type Load = { perSecond: number; p50Ms: number; p99Ms: number }

/** @throws on any answer but 200: an error is quick, and would count as speed */
export async function load(target: Target, connections: number, milliseconds: number): Promise<Load> {
  const agent = new http.Agent({ keepAlive: true, maxSockets: connections })
  const times: number[] = []
  const started = performance.now()
  const end = started + milliseconds
  await Promise.all(
    Array.from({ length: connections }, async () => {
      while (performance.now() < end) times.push(await once(target, agent))
    }),
  )
  const seconds = (performance.now() - started) / 1000
  agent.destroy()
  times.sort((a, b) => a - b)
  const at = (share: number) => times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? Number.NaN
  return { perSecond: times.length / seconds, p50Ms: at(0.5), p99Ms: at(0.99) }
}

function once(target: Target, agent: http.Agent): Promise<number> {
  return new Promise((resolve, reject) => {
    const started = performance.now()
    const req = http.get({ ...target.at, path: target.path, headers: target.headers ?? {}, agent }, (res) => {
      if (res.statusCode !== 200) reject(new Error(`${target.path}: status ${res.statusCode}`))
      res.resume()
      res.on('end', () => resolve(performance.now() - started))
      res.on('error', reject)
    })
    req.on('error', reject)
  })
}
