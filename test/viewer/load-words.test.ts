/** Files that the real cellxgene can't load, made here, and what a person is told instead of its words. */
import { execFileSync } from 'node:child_process'
import path from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { endingWords } from '../../functions/core/ending-words.ts'
import { type LoadCode, loadWords, originalWords } from '../../functions/core/load-words.ts'
import { tempDir } from '../support/temp-dir.ts'
import { testPython } from '../support/tools.ts'

let said: Record<string, string | null>

beforeAll(() => {
  const args = ['-B', '-I', path.join(import.meta.dirname, 'load_failures.py'), tempDir()]
  const out = execFileSync(testPython(), args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
  said = JSON.parse(out.trim().split('\n').at(-1) ?? '') as typeof said
}, 600_000)

const expected: Record<string, [LoadCode, RegExp]> = {
  'cut-short': ['cut-short', /its end is missing/],
  'cut-by-one-byte': ['cut-short', /its end is missing/],
  'empty-file': ['not-hdf5', /no \.h5ad file/],
  'text-file': ['not-hdf5', /no \.h5ad file/],
  'damaged-inside': ['damaged', /damaged/],
  'another-hdf5': ['foreign-part', /“measurements”/],
  'ten-x': ['foreign-part', /“matrix”/],
  'no-obs': ['part-missing', /“obs”/],
  'table-lists-a-missing-column': ['part-missing', /“kind”/],
  'broken-link': ['part-missing', /part of the file is missing/],
  'no-obsm': ['no-embedding', /no embedding/],
  'nothing-drawable': ['no-embedding', /finite x and y/],
  'embedding-of-text': ['no-embedding', /no embedding/],
  'duplicate-cells': ['names-twice', /Some cells have the same name/],
  'duplicate-genes': ['names-twice', /Some genes have the same name/],
  'unknown-encoding': ['unsupported-encoding', /\(categorical\)/],
  'unknown-encoding-of-matrix': ['unsupported-encoding', /\(coo_matrix\)/],
  awkward: ['unsupported-encoding', /\(awkward\)/],
  'zstd-without-a-reader': ['compression', /compressed/],
  'matrix-elsewhere': ['refers-elsewhere', /another file/],
  'values-elsewhere': ['refers-elsewhere', /another file/],
  'obs-too-short': ['shapes-differ', /do not fit together/],
  'short-embedding': ['shapes-differ', /do not fit together/],
  'table-in-obsm': ['shapes-differ', /do not fit together/],
  'flat-matrix': ['shapes-differ', /do not fit together/],
  'complex-values': ['unsupported-values', /\(complex64\)/],
  'text-as-matrix': ['unsupported-values', /\(\|S1\)/],
  'integers-too-large-in-obs': ['unsupported-values', /\(int64\)/],
  'nullable-integers': ['empty-values', /gaps/],
  'numbers-as-names': ['names-no-text', /no text/],
  'no-matrix': ['no-matrix', /no matrix/],
  'no-cells': ['no-cells', /no cells/],
  forbidden: ['no-permission', /may not read/],
  absent: ['gone', /not there any more/],
  'kept-labels-twice': ['kept-labels', /your kept labels can’t be read/],
}

describe('what the viewer says of a file that can’t be loaded', () => {
  it.each(Object.entries(expected))('%s', (name, [code, cause]) => {
    const words = loadWords(said[name] ?? null)
    expect([words.code, said[name]]).toEqual([code, expect.any(String)])
    expect(words.cause).toMatch(cause)
    expect(words.remedy).toMatch(/^[A-Z].*\.$/)
  })

  it('leaves none of them unexplained', () => {
    const unknown = Object.entries(said).filter(([, words]) => words !== null && loadWords(words).code === 'unknown')
    expect(unknown).toEqual([])
    expect(Object.values(said).filter((words) => words !== null).length).toBeGreaterThan(40)
    expect(said['plain-csr']).toBeNull()
  })

  it('keeps the original words, without the server’s folders and without what is said of every file', () => {
    for (const words of Object.values(said))
      if (words !== null) expect(originalWords(words)).not.toMatch(/\/tmp\/|site-packages|Please check your input/)
    expect(originalWords(said['cut-short'] ?? '')).toMatch(/^OSError: Unable to synchronously open file \(truncated/)
    expect(originalWords(said.absent ?? '')).toMatch(/name = 'absent\.h5ad'/)
    expect(originalWords('see https://example.org/a/b for /srv/cells/x.h5ad')).toBe(
      'see https://example.org/a/b for x.h5ad',
    )
  })
})

describe('what the gate says', () => {
  it.each([
    ['The disk of this viewer is full: the file does not fit on it.', 'disk-full'],
    ['The gate met an unexpected error: ENOSPC: no space left on device, write', 'disk-full'],
    ['The file can’t be read. Check its permissions, and the space on disk.', 'no-permission'],
    ['The file is not there any more. It may have been moved or removed.', 'gone'],
    [
      'The file has 7 bytes where 9 were expected: it changed since it was checked. Open it again in a minute.',
      'changed',
    ],
    ['The file could not be downloaded: its store did not answer. Try again later.', 'not-downloaded'],
    ['OSError: [Errno 5] Input/output error', 'input-output'],
    ['Something new', 'unknown'],
  ])('%s', (detail, code) => expect(loadWords(detail).code).toBe(code))
})

it('is what an ending says, and only for a file that could not be loaded', () => {
  expect(endingWords('load-failed', 'No valid layout data.')).toMatchObject({
    title: expect.stringMatching(/no embedding/),
    detail: 'No valid layout data.',
    failure: true,
  })
  expect(endingWords('load-failed').title).toBe('CELLxGENE could not open the file.')
  expect(endingWords('task-lost', 'truncated file').title).toBe('The viewer ended unexpectedly.')
})
