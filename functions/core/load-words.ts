/**
 * Why a file could not be loaded, in plain words made from the viewer's own, which are for programmers and often misleading
 * ("File not found" for a file that is damaged). Each kind was met with the pinned cellxgene, anndata and h5py: the test makes
 * the files again.
 */

export type LoadWords = {
  /** Closed list; `unknown` for what nobody has met yet. */
  code: LoadCode
  /** What is wrong with the file, or with the place where it lies. A sentence. */
  cause: string
  remedy: string
}

const writeAgain = 'Read it in Python with the anndata it was made with, and write it again with `adata.write_h5ad(…)`.'
const convert = 'Convert it, for example with `.astype("float32")` or `.astype(str)`, and write the file again.'
const administrator = 'Tell your administrator; then open it again.'

type Kind = { pattern: RegExp; cause: (found: RegExpExecArray) => string; remedy: string }

/** Order matters: what is said about the disk or the rights first, what could be any damage last. */
const kinds = {
  'disk-full': {
    pattern: /no space left|disk quota|errno = (?:28|122)\b|\[Errno (?:28|122)\]|disk of this viewer is full/i,
    cause: () => 'The disk of the server is full.',
    remedy: administrator,
  },
  'no-permission': {
    pattern: /permission denied|errno = 13\b|\[Errno 13\]|The file can’t be read\. Check its permissions/i,
    cause: () => 'The server may not read the file.',
    remedy: 'Give the user that runs the launcher the right to read it (chmod, chown), or ask whoever can.',
  },
  gone: {
    pattern: /errno = 2\b|\[Errno 2\]|The file is not there any more/i,
    cause: () => 'The file is not there any more.',
    remedy: 'Look for it in the list of datasets: it may have been moved, renamed or removed.',
  },
  changed: {
    pattern: /it changed since it was checked|Resource temporarily unavailable|unable to lock file/i,
    cause: () => 'The file was being changed while it was opened.',
    remedy: 'Open it again in a minute, when it is complete and has been checked anew.',
  },
  'input-output': {
    pattern: /input\/output error|errno = 5\b|\[Errno 5\]|stale file handle|errno = 116\b/i,
    cause: () => 'The disk or network drive that the file lies on does not answer.',
    remedy: administrator,
  },
  'not-downloaded': {
    pattern: /could not be downloaded/i,
    cause: () => 'The file could not be fetched: the place where it is kept did not answer.',
    remedy: 'Try again in a few minutes. If it happens twice, tell your administrator.',
  },
  'kept-labels': {
    pattern: /^The kept (labels|gene sets) /,
    cause: ([, what]) => `The file is fine, but your kept ${what} can’t be read.`,
    remedy: 'Restore an older version of them under “My annotations”, then open it again.',
  },
  'cut-short': {
    pattern: /truncated file/i,
    cause: () => 'The file is cut short: its end is missing.',
    remedy: 'Copy it again, completely. If the original is cut short as well, make it anew.',
  },
  'not-hdf5': {
    pattern: /file signature not found/i,
    cause: () => 'The file is no .h5ad file, whatever its name says.',
    remedy:
      'Load the data in Python and write it with `adata.write_h5ad(…)`: a new name alone does not convert a file.',
  },
  compression: {
    pattern: /open directory \([^)]*plugin|required filter|filter [^.]*(?:not available|not registered|isn't)/i,
    cause: () => 'The file is compressed in a way that CELLxGENE can’t read.',
    remedy: 'Write it again with a compression that every reader has: `adata.write_h5ad(…, compression="gzip")`.',
  },
  'refers-elsewhere': {
    pattern: /\(can't open file\)|unable to open external/i,
    cause: () => 'A part of the data lies in another file, and a viewer gets this one file only.',
    remedy: `${writeAgain} That puts everything into it.`,
  },
  'unsupported-encoding': {
    pattern: /No read method registered for IOSpec\(encoding_type='([^']*)'|cannot import name '(awkward)'/,
    cause: ([, type, other]) => `The file has a part of a kind that CELLxGENE can’t read (${short(type ?? other)}).`,
    remedy: `${writeAgain} Remove that part if it isn’t needed.`,
  },
  'foreign-part': {
    pattern: /unexpected keyword argument '([^']*)'/,
    cause: ([, part]) =>
      `The file has a part that AnnData does not know (“${short(part)}”): another tool may have made it.`,
    remedy:
      'Read it in Python with the tool it comes from (for example `scanpy.read_10x_h5`), and write it with `adata.write_h5ad(…)`.',
  },
  'part-missing': {
    pattern: /object '([^']*)' doesn't exist|component not found/,
    cause: ([, part]) =>
      part ? `A part of the file is missing (“${short(part)}”).` : 'A part of the file is missing.',
    remedy: writeAgain,
  },
  'no-embedding': {
    pattern: /No valid layout data/i,
    cause: () => 'The file has no embedding that can be drawn: an array in obsm with a finite x and y for each cell.',
    remedy: 'Compute one, for example `sc.pp.neighbors(adata); sc.tl.umap(adata)`, and write the file again.',
  },
  'names-twice': {
    pattern: /Values in (obs|var)\.index must be unique/,
    cause: ([, axis]) => `Some ${axis === 'var' ? 'genes' : 'cells'} have the same name.`,
    remedy: 'Use `adata.obs_names_make_unique()` and `adata.var_names_make_unique()`, then write the file again.',
  },
  'shapes-differ': {
    pattern:
      /incorrect shape|must match dimension|does not match length of index|value\.index does not match|needs to be 2-dimensional/i,
    cause: () => 'Parts of the file do not fit together: their numbers of cells or genes differ.',
    remedy: writeAgain,
  },
  'unsupported-values': {
    pattern: /Annotations of type (\S+) are unsupported/,
    cause: ([, type]) => `The file holds values of a type that CELLxGENE can’t show (${short(type)}).`,
    remedy: convert,
  },
  'empty-values': {
    pattern: /did not understand one of the types; 'None' not accepted/,
    cause: () => 'A column has whole numbers or yes/no values with gaps, which CELLxGENE can’t show.',
    remedy: convert,
  },
  'names-no-text': {
    pattern: /dset\.asstr\(\)/,
    cause: () => 'The names of cells or genes are no text.',
    remedy:
      'Make them text (`adata.obs_names = adata.obs_names.astype(str)`, the same for var), and write the file again.',
  },
  'no-matrix': {
    pattern: /'NoneType' object is not subscriptable/,
    cause: () => 'The file has no matrix (X).',
    remedy: 'Set `adata.X` to the matrix to show (for example `adata.X = adata.layers["counts"]`) and write it again.',
  },
  'no-cells': {
    pattern: /index \(0\) out of range|zero-size array/,
    cause: () => 'The file has no cells or no genes.',
    remedy: 'Check the filter that made it: nothing is left.',
  },
  damaged: {
    pattern: /synchronously (?:open|read|get|determine)|message not aligned|bad (?:object|heap|symbol|local|global)/i,
    cause: () => 'The file is damaged: CELLxGENE could not read all of it.',
    remedy: 'Copy it again and compare the sizes. If the original can’t be opened in Python either, make it anew.',
  },
} as const satisfies Record<string, Kind>

export type LoadCode = keyof typeof kinds | 'unknown'

/** Names come out of files: long ones would push the sentence out of sight. */
const short = (name: string | undefined): string =>
  name === undefined ? '?' : name.length > 60 ? `${name.slice(0, 59)}…` : name

/** @param detail the viewer's or gate's own words; null when it said none */
export function loadWords(detail: string | null): LoadWords {
  for (const [code, kind] of Object.entries(kinds) as [keyof typeof kinds, Kind][]) {
    const found = detail === null ? null : kind.pattern.exec(detail)
    if (found) return { code, cause: kind.cause(found), remedy: kind.remedy }
  }
  return {
    code: 'unknown',
    cause: 'CELLxGENE could not open the file.',
    remedy:
      'Ask whoever provides the file to check it; trying again will not help before it has changed. The original words tell more.',
  }
}

/** What cellxgene says of every file that it can't read, before the reason. */
const preamble = /^File (?:not found or is inaccessible|must be in the \.h5ad format).*?\((\w+: .*)\)$/s

/**
 * The original words, for who knows the formats: without the sentence that says the same of every file, and without the
 * server's folders, which are nobody's business (the last name of each path stays).
 */
export function originalWords(detail: string): string {
  const reason = preamble.exec(detail)?.[1] ?? detail
  return reason.replace(/(?<![\w/:])\/(?:[\w.@+-]+\/)+([\w.@+-]*)/g, '$1')
}
