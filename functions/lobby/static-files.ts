/** Static files held in memory by their exact URL path: what is not in the map is not there, so no path can climb out. */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { extname, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import type { Context } from 'hono'

export type StaticFile = {
  type: string
  bytes: Uint8Array<ArrayBuffer>
  gzip: Uint8Array<ArrayBuffer> | null
  etag: string
}
export type StaticFiles = ReadonlyMap<string, StaticFile>

const types: Record<string, string> = {
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.txt': 'text/plain; charset=utf-8',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.ico': 'image/x-icon',
  '.ttf': 'font/ttf',
  '.woff': 'font/woff',
  '.woff2': 'font/woff2',
  '.eot': 'application/vnd.ms-fontobject',
}
const alreadyCompressed = ['.png', '.woff', '.woff2']

/** Every file below `dir` of a type that a page asks for; source maps (15 MB) are left out. */
export function readStaticFiles(dir: string): Map<string, StaticFile> {
  const files = new Map<string, StaticFile>()
  for (const entry of readdirSync(dir, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || types[extname(entry.name)] === undefined) continue
    const path = join(entry.parentPath, entry.name)
    files.set(path.slice(dir.length + 1).replaceAll('\\', '/'), staticFile(entry.name, readFileSync(path)))
  }
  return files
}

export function staticFile(name: string, content: Uint8Array): StaticFile {
  const ending = extname(name)
  const bytes = new Uint8Array(content)
  return {
    bytes,
    type: types[ending] ?? 'application/octet-stream',
    gzip: alreadyCompressed.includes(ending) ? null : new Uint8Array(gzipSync(bytes, { level: 9 })),
    etag: `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 22)}"`,
  }
}

/** A year and immutable: every name carries a hash of its content. Null when there is no such file. */
export function serveStatic(c: Context, files: StaticFiles, name: string): Response | null {
  const file = files.get(name)
  if (file === undefined) return null
  const headers = {
    'content-type': file.type,
    'cache-control': 'public, max-age=31536000, immutable',
    vary: 'accept-encoding',
    etag: file.etag,
    'x-content-type-options': 'nosniff',
  }
  if (c.req.header('if-none-match') === file.etag) return c.body(null, 304, headers)
  const gzip = file.gzip !== null && /\bgzip\b/.test(c.req.header('accept-encoding') ?? '')
  return gzip && file.gzip
    ? c.body(file.gzip, 200, { ...headers, 'content-encoding': 'gzip' })
    : c.body(file.bytes, 200, headers)
}
