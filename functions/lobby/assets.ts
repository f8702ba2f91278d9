/** What the lobby serves besides answers: read, bundled and compressed once at start-up, so that a fault shows there. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { readStaticFiles, type StaticFiles, staticFile } from './static-files.ts'
import { readViewerIndex, type ViewerIndex } from './viewer-index.ts'

export type LobbyAssets = {
  index: ViewerIndex
  /** cellxgene's files and the companion, by their path below `static/`. */
  files: StaticFiles
  /** The companion's path below `static/`, with a hash of its content in it. */
  companion: string
  /** The icon's path below `static/`. */
  icon: string
  /** Style sheet of the waiting view, small enough to stand in the page. */
  css: string
}

/**
 * @param from.serverDir cellxgene's Python package `server`, as `<site-packages>/server`
 * @param from.webDir this project's `web` folder
 * @param from.companion the bundled companion, where it was bundled before (`bundleCompanion`); bundled here otherwise
 */
export async function loadLobbyAssets(from: {
  serverDir: string
  webDir: string
  companion?: string
}): Promise<LobbyAssets> {
  const files = readStaticFiles(join(from.serverDir, 'common', 'web', 'static'))
  const add = (name: string, ending: string, content: Uint8Array): string => {
    const hashed = `${name}-${createHash('sha256').update(content).digest('hex').slice(0, 16)}${ending}`
    files.set(hashed, staticFile(hashed, content))
    return hashed
  }
  return {
    index: readViewerIndex(from.serverDir),
    files,
    companion: add('companion', '.js', Buffer.from(from.companion ?? (await bundleCompanion(from.webDir)))),
    icon: add('launcher', '.svg', readFileSync(join(from.webDir, 'icon.svg'))),
    css: readFileSync(join(from.webDir, 'waiting.css'), 'utf8'),
  }
}

/** `web/companion` as one classic script: it must run before cellxgene's deferred one, and a module would not. */
async function bundleCompanion(webDir: string): Promise<string> {
  // Only where it was not bundled before: the rest of the lobby runs where there is no bundler.
  const { build } = await import('esbuild')
  const result = await build({
    entryPoints: [join(webDir, 'companion', 'main.ts')],
    bundle: true,
    write: false,
    minify: true,
    format: 'iife',
    platform: 'browser',
    target: 'es2022',
    logLevel: 'silent',
  })
  const [file] = result.outputFiles
  if (file === undefined) throw new Error('esbuild made nothing of web/companion')
  return file.text
}
