/** Why a file can't be opened, in words for the person who put it there: what is wrong, and what to do. */
import type { DatasetProblem } from '../core/dataset.ts'

/** Thrown inside the indexer; its caller turns it into the verdict. */
export class ProblemFound extends Error {
  readonly problem: DatasetProblem
  constructor(code: ProblemCode, cause: string, remedy: string = remedies[code]) {
    super(cause)
    this.problem = { code, cause, remedy }
  }
}

const writeAgain = 'Open it in Python with the anndata it was made with, and write it again with `adata.write_h5ad(…)`.'

/** Closed list of codes, with what helps in general. */
const remedies = {
  unreadable: 'Give the user that runs this server the right to read the file (chmod, chown), or ask whoever can.',
  'empty-file': 'Copy the file again: this one has no content.',
  'not-hdf5':
    'Only AnnData files (.h5ad) can be opened. Load the data in Python and write it with `adata.write_h5ad(…)`; a new name alone does not convert a file.',
  'cut-short': 'Copy the file again, completely. If the original is cut short as well, make it anew.',
  damaged: 'Copy the file again and compare the sizes. If the original can’t be opened in Python either, make it anew.',
  'not-anndata':
    'Read it in Python with the tool it comes from (for example `scanpy.read_10x_h5`), add an embedding, and write it with `adata.write_h5ad(…)`.',
  'unsupported-encoding': `The viewer reads what anndata 0.12 reads. ${writeAgain} Remove the part that is named here if it isn’t needed.`,
  'unsupported-compression':
    'Write the file again with a compression that every reader has: `adata.write_h5ad(…, compression="gzip")`.',
  'refers-elsewhere': `The viewer gets this one file only. ${writeAgain} That puts everything into it.`,
  'too-complex': writeAgain,
  'no-matrix':
    'Set `adata.X` to the matrix to show (for example `adata.X = adata.layers["counts"]`) and write it again.',
  'no-cells': 'Check the filter that made it: no cell is left.',
  'shapes-differ': writeAgain,
  'unsupported-values': 'Convert the matrix, for example `adata.X = adata.X.astype("float32")`, and write it again.',
  'numbers-too-large':
    'The viewer knows whole numbers up to 2,147,483,647. Convert the column to text (`.astype(str)`) or remove it, and write the file again.',
  'unsupported-column': 'Convert the column, for example `.astype("float64")` or `.astype(str)`, and write it again.',
  'duplicate-cells': '`adata.obs_names_make_unique()`, then write it again.',
  'duplicate-genes': '`adata.var_names_make_unique()`, then write it again.',
  'table-in-obsm':
    'Turn it into an array (`adata.obsm[key] = adata.obsm[key].to_numpy()`) or delete it, and write it again.',
  'no-embedding': 'Compute one, for example `sc.pp.neighbors(adata); sc.tl.umap(adata)`, and write it again.',
  'too-demanding':
    'Tell whoever runs this server; the file may be damaged, or made to harm. A file that opens in Python can be written again.',
} as const
export type ProblemCode = keyof typeof remedies
