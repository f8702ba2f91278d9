/** One `.h5ad` file and what the index knows of it. */

/** What the indexer read from a file. Counts are exact; sizes are bytes unless the name says MiB. */
export type DatasetIndex = {
  cells: number
  genes: number
  /** Stored values of X: non-zero entries of a sparse matrix, cells × genes of a dense one. */
  storedValues: number
  /** numpy's name of X's type, as `float32`. */
  dtype: string
  layout: 'dense' | 'csr' | 'csc'
  /** Names without the `X_`, in the order cellxgene shows them; never empty for a usable file. */
  embeddings: readonly string[]
  /** SHA-256 (hex) over the cell names in order: labels belong to cells, and this says which. */
  obsIndexHash: string
  /** How cellxgene shall treat X in differential expression; null: not decided, the viewer decides. */
  distribution: 'normal' | 'count' | null
  /** Estimate of the viewer's resident memory with this file loaded (`core/sizing`). */
  memoryMiB: number
}

/** Why a file can't be opened: words for the person who put it there. */
export type DatasetProblem = { code: string; cause: string; remedy: string }

export type DatasetState =
  | 'checking' // seen, the indexer has not finished
  | 'copying' // still growing, or cut short
  | 'usable'
  | 'refused' // `problem` says why
  | 'removed' // the file is gone; labels stay downloadable

export type Dataset = {
  /** One URL segment ([a-z0-9-]), given at first sight; survives a move or rename of the file. */
  id: string
  /** Path below the data folder (or key in the bucket), with `/`: `<group>/<name>.h5ad`. */
  path: string
  /** First folder of the path: the owning group, or `public`. */
  group: string
  title: string
  state: DatasetState
  problem: DatasetProblem | null
  sizeBytes: number
  modifiedAt: number
  /** SHA-256 (hex) of the file's bytes: the dataset version. Empty until it has been read once. */
  version: string
  index: DatasetIndex | null
  firstSeenAt: number
  updatedAt: number
}

/** The group that everybody belongs to. */
export const publicGroup = 'public'

/** A dataset that a viewer can be started for. */
export type UsableDataset = Dataset & { state: 'usable'; index: DatasetIndex }

export function isUsable(dataset: Dataset): dataset is UsableDataset {
  return dataset.state === 'usable' && dataset.index !== null
}
