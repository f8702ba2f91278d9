/** What became of labels or gene sets that were brought together with others, or brought over to another dataset version. */
export type MergeReport = {
  /** Cells with at least one label in what was brought (0 for gene sets). */
  labelledCells: number
  /** How many of those are cells of the dataset version. */
  matchedCells: number
  /** How many are not: their rows are kept, and come back with their cells. */
  unmatchedCells: number
  /** Some names of the latter, for a person to look at; at most 10. */
  unmatchedSample: string[]
  /** Columns (or gene sets) that had to be renamed, because the name was taken. */
  renamed: { from: string; to: string }[]
}
