/** Labels by cell name, and what may be done to them without losing one or giving it to another cell. Pure, in steps: cells are millions. */
import type { MergeReport } from './merge-report.ts'
import { type Steps, stepsOf } from './steps.ts'

/** cellxgene's page's own word for a cell without a label. */
export const unassigned = 'unassigned'

export type LabelTable = {
  /** Name of the first column of the file, the one with the cells' names. */
  header: string
  columns: readonly string[]
  /** Cell → one word per column, in the order of `columns`; empty or `unassigned`: none. */
  rows: ReadonlyMap<string, readonly string[]>
}

/** In a row. */
const wordsOf = ({ columns }: LabelTable): number => columns.length + 1

const isLabel = (word: string | undefined): boolean => word !== undefined && word !== '' && word !== unassigned
const isLabelled = (words: readonly string[]): boolean => words.some(isLabel)

/** A name that nobody has: `name`, `name (note)`, `name (note 2)` … At most 120 characters. */
export function freeName(name: string, note: string, taken: ReadonlySet<string>): string {
  const short = cut(note, 40)
  for (let number = 1; ; number++) {
    const end = number === 1 ? ` (${short})` : ` (${short} ${number})`
    const free = `${cut(name, 120 - end.length)}${end}`
    if (!taken.has(free)) return free
  }
}

/** Not through the middle of a character (in UTF-8 the half of any would look like the half of any other), nor after a space. */
const cut = (text: string, length: number): string =>
  text.length <= length
    ? text
    : text
        .slice(0, length)
        .replace(/[\uD800-\uDBFF]$/, '')
        .trimEnd()

/**
 * Labels brought to another dataset version. Rows stay as they are, by name: those of cells that the version does not
 * have as well, so that they come back with their cells. A column that the version uses itself gets another name, as the
 * viewer would give it (functions/viewer, labels.py).
 */
export function* carryOver(
  table: LabelTable,
  cells: { names: ReadonlySet<string>; columns: readonly string[] },
): Steps<{ table: LabelTable; report: MergeReport }> {
  const taken = new Set([...cells.columns, ...table.columns])
  const renamed: MergeReport['renamed'] = []
  const columns = table.columns.map((from) => {
    if (!cells.columns.includes(from)) return from
    const to = freeName(from, 'label', taken)
    taken.add(to)
    renamed.push({ from, to })
    return to
  })
  return { table: { ...table, columns }, report: { ...(yield* matching(table, cells.names)), renamed } }
}

/** How many labelled cells a dataset version has, and some that it does not. */
export function* matching(
  table: LabelTable,
  names: Pick<ReadonlySet<string>, 'has'>,
): Steps<Omit<MergeReport, 'renamed'>> {
  let [labelled, matched] = [0, 0]
  const unmatchedSample: string[] = []
  const due = stepsOf(wordsOf(table))
  for (const [cell, words] of table.rows) {
    if (due()) yield
    if (!isLabelled(words)) continue
    labelled++
    if (names.has(cell)) matched++
    else if (unmatchedSample.length < 10) unmatchedSample.push(cell)
  }
  return { labelledCells: labelled, matchedCells: matched, unmatchedCells: labelled - matched, unmatchedSample }
}

/**
 * Both: theirs as they are, and of mine every column that says something else. A column with a name of theirs and other
 * content is renamed after who made it.
 */
export function* keepBoth(
  theirs: LabelTable,
  mine: LabelTable,
  by: string,
  taken: readonly string[] = [],
): Steps<{ table: LabelTable; report: MergeReport }> {
  const used = new Set([...theirs.columns, ...mine.columns, ...taken])
  const renamed: MergeReport['renamed'] = []
  const added: { name: string; at: number }[] = []
  for (const [at, from] of mine.columns.entries()) {
    const there = theirs.columns.indexOf(from)
    if (there >= 0 && (yield* sameColumn(theirs, there, mine, at))) continue
    const name = there >= 0 ? freeName(from, by, used) : from
    used.add(name)
    if (name !== from) renamed.push({ from, to: name })
    added.push({ name, at })
  }
  const rows = new Map<string, string[]>()
  const none = theirs.columns.map(() => '')
  const beside = (here: readonly string[], words: readonly string[] | undefined) => {
    const row = here.slice()
    for (const { at } of added) row.push(words?.[at] ?? '')
    return row
  }
  const table = { header: theirs.header, columns: [...theirs.columns, ...added.map(({ name }) => name)], rows }
  const due = stepsOf(wordsOf(table))
  for (const [cell, words] of theirs.rows) {
    if (due()) yield
    rows.set(cell, beside(words, mine.rows.get(cell)))
  }
  for (const [cell, words] of mine.rows) {
    if (due()) yield
    if (!theirs.rows.has(cell)) rows.set(cell, beside(none, words))
  }
  return { table, report: { ...(yield* matching(mine, mine.rows)), renamed } }
}

/** Of the cells that `b` speaks of: more than those its page could not know. */
function* sameColumn(a: LabelTable, atA: number, b: LabelTable, atB: number): Steps<boolean> {
  const said = (words: readonly string[] | undefined, at: number) => {
    const word = words?.[at]
    return isLabel(word) ? word : ''
  }
  const due = stepsOf(2)
  for (const [cell, words] of b.rows) {
    if (due()) yield
    if (said(a.rows.get(cell), atA) !== said(words, atB)) return false
  }
  return true
}

/**
 * A whole new state of one dataset version's cells, as the page sends it: other cells keep their labels, in the columns
 * that are still there; one that was renamed is known by its labels (as in functions/viewer, labels.py).
 */
export function* replaceCells(before: LabelTable | null, state: LabelTable): Steps<LabelTable> {
  if (before === null || state.columns.length === 0) return state
  const due = stepsOf(wordsOf(state))
  const rows = new Map<string, readonly string[]>()
  for (const [cell, words] of state.rows) {
    if (due()) yield
    rows.set(cell, words)
  }
  const lost = [...before.columns.keys()].filter((at) => !state.columns.includes(before.columns[at] ?? ''))
  const from: number[] = []
  for (const [at, column] of state.columns.entries()) {
    const same = before.columns.indexOf(column)
    from.push(same >= 0 ? same : yield* renamedFrom(before, lost, state, at))
  }
  for (const [cell, words] of before.rows) {
    if (due()) yield
    if (rows.has(cell)) continue
    const kept = from.map((at) => (at < 0 ? '' : (words[at] ?? '')))
    if (isLabelled(kept)) rows.set(cell, kept)
  }
  return { ...state, header: before.header, rows }
}

/** Which of the columns that are gone has these labels; -1: none. */
function* renamedFrom(before: LabelTable, lost: readonly number[], state: LabelTable, at: number): Steps<number> {
  for (const old of lost) if (yield* sameColumn(before, old, state, at)) return old
  return -1
}
