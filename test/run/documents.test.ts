/** Generated parts of documents: drift is seen, and a document without its marks can't pass unnoticed. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { untar } from './chromium-package.ts'
import { documentsDrift, renew, writeDocuments } from './documents.ts'

const folder = mkdtempSync(path.join(tmpdir(), 'cxod-docs-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('generated parts', () => {
  it('are renewed between their marks and nowhere else', () => {
    const text = 'a\n<!-- x:start -->\nold\n<!-- x:end -->\nb'
    expect(renew(text, 'x', 'new')).toBe('a\n<!-- x:start -->\nnew\n<!-- x:end -->\nb')
    expect(() => renew('no marks', 'x', 'new')).toThrow('marks')
  })

  it('are told when they drift, and right when written', () => {
    const parts = { 'README.md': ['settings'], 'infra/README.md': ['deploy-settings', 'idle-costs', 'session-costs'] }
    mkdirSync(path.join(folder, 'infra'))
    for (const [file, names] of Object.entries(parts)) {
      const marked = names.map((name) => `<!-- ${name}:start -->\n| old |\n<!-- ${name}:end -->\n`)
      writeFileSync(path.join(folder, file), marked.join(''))
    }
    const drift = documentsDrift(folder)
    expect(drift).toHaveLength(Object.values(parts).flat().length)
    for (const words of drift) expect(words).toContain('npm run docs')
    writeDocuments(folder)
    expect(documentsDrift(folder)).toEqual([])
    expect(readFileSync(path.join(folder, 'README.md'), 'utf8')).toContain('`CXOD_VIEW_PORT`')
  })
})

describe('untar', () => {
  /** One entry of a tar archive. */
  function entry(name: string, content: string): Buffer {
    const header = Buffer.alloc(512)
    header.write(name, 0)
    header.write('0000755\0', 100)
    header.write(content.length.toString(8).padStart(11, '0'), 124)
    header.write('0', 156)
    const body = Buffer.alloc(Math.ceil(content.length / 512) * 512)
    body.write(content)
    return Buffer.concat([header, body])
  }

  it('unpacks files below its folder', () => {
    untar(Buffer.concat([entry('a/b', 'x'.repeat(600)), entry('c', 'y'), Buffer.alloc(1024)]), path.join(folder, 'out'))
    expect(readFileSync(path.join(folder, 'out/a/b'), 'utf8')).toBe('x'.repeat(600))
    expect(readFileSync(path.join(folder, 'out/c'), 'utf8')).toBe('y')
  })

  it('and nowhere else', () => {
    expect(() => untar(entry('../evil', 'x'), path.join(folder, 'out'))).toThrow('outside its folder')
  })
})
