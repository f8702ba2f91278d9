/** Any text as one safe file name: owner ids hold `:`, `@`, `/` and more, and must never meet on one path. */
import { createHash } from 'node:crypto'

/** Longest file name of common file systems is 255 bytes; stay well below it. */
const longest = 180

/**
 * Keeps [a-z0-9_-] and writes every other byte as `%XX`. Capitals are escaped too: on a file system that ignores case
 * `Ann` and `ann` would otherwise share a folder. A name that grows too long ends in its SHA-256 instead; who needs the
 * text back then reads it from the records inside (`vault.ts` keeps it in every version).
 */
export function toPathName(text: string): string {
  let name = ''
  for (const byte of Buffer.from(text, 'utf8')) {
    const char = String.fromCharCode(byte)
    name += /[a-z0-9_-]/.test(char) ? char : `%${byte.toString(16).padStart(2, '0')}`
  }
  if (name.length <= longest) return name
  return `${name.slice(0, 100).replace(/%[0-9a-f]?$/, '')}%-${createHash('sha256').update(text).digest('hex')}`
}

/** The text behind a name, or null when the name ends in a hash or was not made by `toPathName`. */
export function fromPathName(name: string): string | null {
  if (!/^(?:[a-z0-9_-]|%[0-9a-f]{2})*$/.test(name)) return null
  const bytes = name.replace(/%([0-9a-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
  return Buffer.from(bytes, 'latin1').toString('utf8')
}
