/**
 * Which vault version the page's labels and gene sets were loaded from. A save says it replaces that version and no
 * other, so that two tabs never overwrite one another in silence.
 */

export type SaveKind = 'labels' | 'genesets'
export const saveKinds: readonly SaveKind[] = ['labels', 'genesets']

/** cellxgene reads these once, at its start: what the page shows was loaded from the version they name. */
const loads: Readonly<Record<string, SaveKind>> = { schema: 'labels', genesets: 'genesets' }
const saves: Readonly<Record<string, SaveKind>> = { 'annotations/obs': 'labels', genesets: 'genesets' }

/** @param path below `api/v0.2/`, without the query */
export const savedBy = (method: string, path: string): SaveKind | null =>
  method === 'PUT' && Object.hasOwn(saves, path) ? (saves[path] ?? null) : null

export const loadedBy = (method: string, path: string): SaveKind | null =>
  method === 'GET' && Object.hasOwn(loads, path) ? (loads[path] ?? null) : null

export type Bases = {
  /** What a save must say: a version, or `none`. */
  get(kind: SaveKind): string
  /**
   * The page was given what this version holds (an answer to `schema` or `genesets`), its own save became this version, or
   * the user chose to replace it. Nothing else moves a base: an answer for one column, for instance, may come from a
   * version that another tab has saved since, and would hide that tab's work from the next save.
   */
  move(kind: SaveKind, version: string | null): void
  /** Some answer named this version as the newest. */
  saw(kind: SaveKind, version: string | null): void
  /** A version was seen that is newer than the page's: somebody else saved. */
  newer(kind: SaveKind): boolean
}

export function createBases(): Bases {
  const bases: Record<SaveKind, string> = { labels: 'none', genesets: 'none' }
  const seen: Record<SaveKind, number> = { labels: 0, genesets: 0 }
  const loaded = new Set<SaveKind>()
  return {
    get: (kind) => bases[kind],
    move(kind, version) {
      if (version === null || version === '') return
      bases[kind] = version
      loaded.add(kind)
    },
    saw(kind, version) {
      seen[kind] = Math.max(seen[kind], numberOf(version))
    },
    // Before the page was given anything, every version would look newer.
    newer: (kind) => loaded.has(kind) && seen[kind] > numberOf(bases[kind]),
  }
}

/** Versions count from 1; `none` and anything else is before them all. */
const numberOf = (version: string | null): number => (/^\d{1,12}$/.test(version ?? '') ? Number(version) : 0)
