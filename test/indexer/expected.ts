/** What the indexer must say of each kind of file, and files that come in pieces. */
import { closeSync, openSync, readSync, statSync } from 'node:fs'
import { z } from 'zod'
import type { FileSource } from '../../functions/indexer/serve-file.ts'

export const verdicts = z.record(
  z.string(),
  z.discriminatedUnion('opens', [
    z.object({
      opens: z.literal(true),
      cells: z.number(),
      genes: z.number(),
      embeddings: z.array(z.string()),
      distribution: z.enum(['normal', 'count']),
      names: z.string(),
      layout: z.string(),
      values: z.number(),
    }),
    z.object({ opens: z.literal(false), error: z.string(), words: z.string() }),
  ]),
)

/** Problem for each file that cellxgene refuses: the cause must be the true one, not just any. */
export const problems: Record<string, string> = {
  'no-obsm': 'no-embedding',
  'no-usable-embedding': 'no-embedding',
  'only-a-cube': 'no-embedding',
  'short-embedding': 'shapes-differ',
  'duplicate-cells': 'duplicate-cells',
  'duplicate-genes': 'duplicate-genes',
  'no-cells': 'no-cells',
  'no-matrix': 'no-matrix',
  'no-matrix-null': 'no-matrix',
  'integers-too-large-in-obs': 'numbers-too-large',
  'integers-too-large-in-var': 'numbers-too-large',
  'large-categories': 'numbers-too-large',
  'nullable-integers': 'unsupported-column',
  'nullable-integers-in-var': 'unsupported-column',
  'nullable-too-large': 'unsupported-column',
  'int64-values-too-large': 'numbers-too-large',
  'int64-csr-values-too-large': 'numbers-too-large',
  'complex-values': 'unsupported-values',
  'text-as-matrix': 'unsupported-values',
  'numbers-as-names': 'unsupported-encoding',
  'table-in-obsm': 'table-in-obsm',
  'zstd-without-a-reader': 'unsupported-compression',
  'broken-link': 'damaged',
  'table-lists-a-missing-column': 'damaged',
  'column-of-another-length': 'shapes-differ',
  'short-varm': 'shapes-differ',
  awkward: 'unsupported-encoding',
  'unknown-encoding': 'unsupported-encoding',
  'unknown-encoding-in-uns': 'unsupported-encoding',
  'unknown-encoding-of-matrix': 'unsupported-encoding',
  'unknown-root-member': 'unsupported-encoding',
  'no-obs': 'not-anndata',
  'obs-too-short': 'shapes-differ',
  'layer-of-another-shape': 'shapes-differ',
  'flat-matrix': 'shapes-differ',
  'another-hdf5': 'not-anndata',
  'ten-x': 'not-anndata',
  'loom-like': 'not-anndata',
  'empty-hdf5': 'not-anndata',
  'text-file': 'not-hdf5',
  'empty-file': 'empty-file',
  'cut-short': 'cut-short',
  'cut-by-one-byte': 'cut-short',
  'damaged-inside': 'damaged',
}

/** Files that cellxgene opens and the indexer refuses; each is a known shortcoming. */
export const stricter: Record<string, string> = {
  'lzf-csr': 'unsupported-compression',
  'lzf-dense': 'unsupported-compression',
}

/** A local file as one that comes in pieces from elsewhere. */
export const sourceOf = (path: string, asked: [number, number][] = []): FileSource => ({
  sizeBytes: statSync(path).size,
  async read(from, to) {
    asked.push([from, to])
    return readPart(path, from, to)
  },
})

export function readPart(path: string, from: number, to: number): Uint8Array {
  const file = openSync(path, 'r')
  try {
    const bytes = new Uint8Array(to - from)
    return bytes.subarray(0, readSync(file, bytes, 0, bytes.byteLength, from))
  } finally {
    closeSync(file)
  }
}
