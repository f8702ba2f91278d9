/** What a file's path says about its dataset: owning group, title, id. */

/** Folders that no dataset may be named after: `/v/static/…` is where cellxgene's page looks for its logo. */
const reserved: readonly string[] = ['static']
const longest = 40

/** The first folder of the path; null for a file that lies in no folder. */
export function groupOf(path: string): string | null {
  const end = path.indexOf('/')
  return end > 0 ? path.slice(0, end) : null
}

/** The file's name without its ending: the title of a file that brings none of its own. */
export function titleOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1).replace(/\.h5ad$/i, '')
}

/**
 * Ids to try for a file, best first, without end: one URL segment of [a-z0-9-], at most 40 characters, from the file's
 * name; then with -2, -3 and so on.
 */
export function* datasetIds(path: string): Generator<string> {
  const slug =
    titleOf(path)
      .normalize('NFKD')
      .toLowerCase()
      .replace(/\p{M}/gu, '')
      .replace(/[^a-z0-9]+/g, '-')
      .replace(/^-+|-+$/g, '') || 'dataset'
  const base = shortened(reserved.includes(slug) ? `${slug}-dataset` : slug, longest)
  yield base
  for (let n = 2; ; n++) yield `${shortened(base, longest - 1 - String(n).length)}-${n}`
}

function shortened(slug: string, length: number): string {
  return slug.slice(0, length).replace(/-+$/, '')
}
