/** The style sheet, the icon and the islands: read once at the start, served for ever under the hash of their content. */
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Hono } from 'hono'
import { LauncherError } from '../../core/errors.ts'
import type { Env } from '../deps.ts'
import type { Asset } from './deps.ts'

const files = [
  ['styles.css', 'styles.css', 'text/css; charset=utf-8'],
  ['icon.svg', 'icon.svg', 'image/svg+xml'],
  ['times.js', 'islands/times.js', 'text/javascript; charset=utf-8'],
  ['admin-link.js', 'islands/admin-link.js', 'text/javascript; charset=utf-8'],
  ['launch-link.js', 'islands/launch-link.js', 'text/javascript; charset=utf-8'],
  ['copy.js', 'islands/copy.js', 'text/javascript; charset=utf-8'],
  ['large-file.js', 'islands/large-file.js', 'text/javascript; charset=utf-8'],
  ['put-aside.js', 'islands/put-aside.js', 'text/javascript; charset=utf-8'],
  ['file-size.js', 'islands/file-size.js', 'text/javascript; charset=utf-8'],
  ['refresh.js', 'islands/refresh.js', 'text/javascript; charset=utf-8'],
  ['watch-sessions.js', 'islands/watch-sessions.js', 'text/javascript; charset=utf-8'],
] as const

/** @param webDir the project's `web` folder */
export async function readWebAssets(webDir: string): Promise<ReadonlyMap<string, Asset>> {
  const read = async ([name, file, contentType]: (typeof files)[number]): Promise<[string, Asset]> => {
    const body = new Uint8Array(await readFile(join(webDir, file)))
    return [name, { body, contentType, hash: createHash('sha256').update(body).digest('hex').slice(0, 12) }]
  }
  return new Map(await Promise.all(files.map(read)))
}

export const assetAddress = (assets: ReadonlyMap<string, Asset>, name: string): string =>
  `/assets/${name}?${assets.get(name)?.hash ?? ''}`

export function assetRoutes(app: Hono<Env>, assets: ReadonlyMap<string, Asset>): void {
  app.get('/assets/:name', (c) => {
    const asset = assets.get(c.req.param('name'))
    if (asset === undefined) throw new LauncherError('not-found', 'There is no such file.')
    c.header('cache-control', 'public, max-age=31536000, immutable')
    return c.body(asset.body, 200, { 'content-type': asset.contentType })
  })
}
