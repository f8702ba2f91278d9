/** What became of labels that were brought over or together, in plain words. Pure. */
import type { Told } from './model.ts'
import { kindsInWords, number } from './words.ts'

export function toldWords({ kind, how, report }: Told): string {
  const { labelledCells, matchedCells, unmatchedCells, unmatchedSample, renamed } = report
  const parts: string[] = []
  if (how === 'merged') parts.push(`Your ${kindsInWords([kind])} were added to what was there.`)
  else if (kind === 'genesets') parts.push('Your gene sets were brought over to the new file.')
  else if (labelledCells === 0)
    parts.push('The file was replaced. You had labelled no cells, so there was nothing to bring over.')
  else {
    const all = matchedCells === labelledCells
    const count = all
      ? `all ${number(labelledCells)} labelled cells are in the new file`
      : `${number(matchedCells)} of ${number(labelledCells)} labelled cells are in the new file`
    parts.push(`The file was replaced. Your labels were brought over by cell name: ${count}.`)
  }
  if (kind === 'labels' && unmatchedCells > 0) {
    const one = unmatchedCells === 1
    const sample = unmatchedSample.slice(0, 3)
    const names = sample.length > 0 ? ` (${sample.join(', ')}${unmatchedCells > sample.length ? ', …' : ''})` : ''
    parts.push(
      one
        ? `The labels of 1 cell${names} are kept for when it comes back.`
        : `The labels of ${number(unmatchedCells)} cells${names} are kept for when they come back.`,
    )
  }
  for (const { from, to } of renamed) parts.push(`“${from}” was renamed “${to}”, because the name was taken.`)
  return parts.join(' ')
}
