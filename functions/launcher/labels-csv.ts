/** Labels as a file, exactly as the viewer writes and reads them (functions/viewer/cxod_viewer/labels.py). */
import Papa from 'papaparse'
import { LauncherError } from '../core/errors.ts'
import type { LabelTable } from '../core/label-table.ts'

/** Most columns of labels, and most different labels of one: what a page can still show. */
export const labelLimits = { columns: 200, labelsPerColumn: 2000, wordLength: 500 }

const decoder = new TextDecoder('utf-8', { fatal: true })

/**
 * Reads a file of labels. Excel's byte order mark and semicolons are understood; lines that begin with `#` before the
 * heading are passed over.
 * Throws `bad-request` with the line, for what is no table, or names a cell or a column twice.
 */
export function parseLabels(body: Uint8Array): LabelTable {
  const text = decode(body)
  const start = headingAt(text)
  const { data, errors } = Papa.parse<string[]>(text.slice(start), {
    delimitersToGuess: [',', ';', '\t'],
    skipEmptyLines: true,
  })
  const broken = errors.find(({ type }) => type !== 'Delimiter')
  if (broken) throw wrong(`line ${(broken.row ?? 0) + 1}: ${broken.message}`)
  const [heading = [], ...lines] = data
  if (heading.length < 2) {
    if (text.trim() === '') return { header: 'index', columns: [], rows: new Map() }
    throw wrong('it needs a first column with the names of the cells, and a column for each category')
  }
  const [header = 'index', ...columns] = heading
  const twice = columns.find((name, at) => columns.indexOf(name) !== at)
  if (twice !== undefined) throw wrong(`two columns have the name “${twice}”`)
  if (columns.some((name) => name.trim() === '')) throw wrong('a column has no name')
  const rows = new Map<string, string[]>()
  for (const [at, line] of lines.entries()) {
    const [cell = '', ...words] = line
    if (words.length > columns.length && words.slice(columns.length).some((word) => word !== ''))
      throw wrong(`line ${at + 2} has more fields than there are columns`)
    if (rows.has(cell)) throw wrong(`the cell “${cell}” is in it twice`)
    rows.set(
      cell,
      columns.map((_, column) => words[column] ?? ''),
    )
  }
  return { header, columns, rows }
}

/** A cell's own name may begin with `#`, so only what stands before the heading is a comment. */
function headingAt(text: string): number {
  let at = 0
  while (text[at] === '#' || text[at] === '\n' || text[at] === '\r') {
    const end = text.indexOf('\n', at)
    if (end < 0) return text.length
    at = end + 1
  }
  return at
}

function decode(body: Uint8Array): string {
  try {
    return decoder.decode(body)
  } catch {
    throw wrong('it is not UTF-8 text. In Excel, save it as “CSV UTF-8”')
  }
}

const wrong = (what: string) => new LauncherError('bad-request', `This is no file of labels: ${what}.`)

export function formatLabels({ header, columns, rows }: LabelTable): Uint8Array {
  if (columns.length === 0) return new Uint8Array()
  const heading = [header.startsWith('#') ? 'cell' : header, ...columns]
  const lines = [...rows].map(([cell, words]) => [cell, ...words])
  return new TextEncoder().encode(`${Papa.unparse([heading, ...lines], { newline: '\n' })}\n`)
}
