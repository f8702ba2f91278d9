/** Unpacks the Chromium that npm's @sparticuz/chromium carries, for machines without one. Its own loader is not used: it
 * unpacks into the system's temp folder and adds arguments that switch web security off. */
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { brotliDecompressSync } from 'node:zlib'
import { say } from '../../functions/setup/words.mjs'

/** @returns the program, and the folder for LD_LIBRARY_PATH (it also holds `fonts.conf`) */
export function ensureChromium(packageFolder: string, cache: string): { program: string; libraries: string } {
  const { version } = JSON.parse(readFileSync(path.join(packageFolder, 'package.json'), 'utf8')) as { version: string }
  const folder = path.join(cache, `chromium-${version}`)
  const result = { program: path.join(folder, 'chromium'), libraries: path.join(folder, 'lib') }
  if (existsSync(folder)) {
    writeFontSettings(folder)
    return result
  }
  say('Unpacking Chromium (once) …')
  const half = `${folder}.half-${process.pid}`
  rmSync(half, { recursive: true, force: true })
  mkdirSync(half, { recursive: true })
  const unpack = (name: string): Buffer => brotliDecompressSync(readFileSync(path.join(packageFolder, 'bin', name)))
  writeFileSync(path.join(half, 'chromium'), unpack('chromium.br'), { mode: 0o755 })
  // The graphics libraries are looked for beside the program, the others on LD_LIBRARY_PATH.
  for (const name of ['swiftshader.tar.br', 'al2023.tar.br', 'fonts.tar.br']) untar(unpack(name), half)
  try {
    renameSync(half, folder)
  } catch (error) {
    // Another run was first.
    if (!existsSync(result.program)) throw error
    rmSync(half, { recursive: true, force: true })
  }
  writeFontSettings(folder)
  return result
}

/** The package's own settings look for its fonts in folders of AWS Lambda. Without any font text has no size, and a page
 * that wants one by its generic name ends the browser. */
function writeFontSettings(folder: string): void {
  const alias = (family: string): string =>
    `<alias><family>${family}</family><prefer><family>Open Sans</family></prefer></alias>`
  const families = ['sans-serif', 'serif', 'monospace', 'system-ui', 'cursive', 'fantasy'].map(alias).join('\n')
  const settings = `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
<dir>${path.join(folder, 'fonts')}</dir>
<cachedir>${path.join(folder, 'font-cache')}</cachedir>
${families}
</fontconfig>
`
  const file = path.join(folder, 'fonts.conf')
  if (existsSync(file) && readFileSync(file, 'utf8') === settings) return
  writeFileSync(`${file}.${process.pid}`, settings)
  renameSync(`${file}.${process.pid}`, file)
}

/** Enough of tar (ustar) for archives of plain files and folders with short names. */
export function untar(archive: Buffer, into: string): void {
  const text = (from: number, length: number): string =>
    archive
      .toString('utf8', from, from + length)
      .replace(/\0.*$/s, '')
      .trim()
  for (let at = 0; at + 512 <= archive.length && archive[at] !== 0; ) {
    const name = path.join(text(at + 345, 155), text(at, 100))
    const size = Number.parseInt(text(at + 124, 12), 8) || 0
    const kind = text(at + 156, 1)
    const target = path.join(into, name)
    if (path.relative(into, target).startsWith('..'))
      throw new Error(`An archive wants to write outside its folder: ${name}`)
    if (kind === '5') mkdirSync(target, { recursive: true })
    else if (kind === '' || kind === '0') {
      mkdirSync(path.dirname(target), { recursive: true })
      writeFileSync(target, archive.subarray(at + 512, at + 512 + size))
      chmodSync(target, (Number.parseInt(text(at + 100, 8), 8) & 0o777) | 0o600)
    }
    at += 512 + Math.ceil(size / 512) * 512
  }
}
