/** Which files count as datasets, by name alone; the same for a folder and for a bucket. */

/** Deeper than this is not looked at. */
export const deepestPath = 8

/**
 * Left out: every name that begins with a dot (hidden files, rsync's `.name.h5ad.a1B2c3`, macOS's `._name.h5ad`, a file
 * server's `.snapshot`) and copies under way (`*.part`, `*.tmp` and their kind, as folders too).
 */
export function isUsableName(name: string): boolean {
  return name !== '' && !name.startsWith('.') && !/\.(?:part|partial|tmp|temp|crdownload|filepart)$/i.test(name)
}

export function isDatasetName(name: string): boolean {
  return name.toLowerCase().endsWith('.h5ad')
}

/** A path below the data folder or bucket, with `/`, that may name a dataset. `..` and empty parts may not. */
export function isDatasetPath(path: string): boolean {
  const parts = path.split('/')
  return parts.every(isUsableName) && isDatasetName(path) && !path.includes('\0') && parts.length <= deepestPath
}
