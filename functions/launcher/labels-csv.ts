/** Labels as a file, exactly as the viewer writes and reads them (functions/viewer/cxod_viewer/labels.py). */
import Papa from 'papaparse'
import { LauncherError } from '../core/errors.ts'
import type { LabelTable } from '../core/label-table.ts'

/** Most columns of labels, and most different labels of one: what a page can still show. */
export const labelLimits = { columns: 200, labelsPerColumn: 2000, wordLength: 500 }

const decoder = new TextDecoder('utf-8', { fatal: true })

/**
 * Reads what the vault keeps, which a viewer or this program has written: with commas, whatever names and labels look like.
 * Lines that begin with `#` before the heading are passed over.
 * Throws `bad-request` with the line, for what is no table, or names a cell or a column twice.
 */
export function parseLabels(body: Uint8Array): LabelTable {
  const text = decode(body)
  return read(text, headingAt(text), ',')
}

/**
 * Reads a file that a person brings: Excel's byte order mark, semicolons and tabs are understood. Throws as `parseLabels`,
 * and for what a page can't show.
 */
export function parseUpload(body: Uint8Array): LabelTable {
  const text = decode(body)
  const start = headingAt(text)
  const table = read(text, start, /[,;\t]/.exec(unquoted(text, start))?.[0] ?? ',')
  checkShown(table)
  return table
}

function read(text: string, start: number, delimiter: string): LabelTable {
  // Nothing is left to the library's guess: a label with semicolons, or a line feed in quotes, would move words to other columns.
  const newline = /\r\n|\r|\n/.exec(unquoted(text, start))?.[0]
  const { data, errors } = Papa.parse<string[]>(text.slice(start), {
    delimiter,
    newline: newline === '\r' || newline === '\r\n' ? newline : '\n',
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

/** The heading and what ends it, its quoted parts left out. */
function unquoted(text: string, start: number): string {
  let quoted = false
  let found = ''
  for (let at = start; at < text.length; at++) {
    const char = text[at] ?? ''
    if (char === '"') quoted = !quoted
    else if (!quoted) found += char
    if (!quoted && char === '\n') break
    if (!quoted && char === '\r' && text[at + 1] !== '\n') break
  }
  return found
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

function checkShown({ columns, rows }: LabelTable): void {
  const unfit = (what: string) => new LauncherError('bad-request', `These labels can’t be shown: ${what}.`)
  if (columns.length === 0) throw unfit('the file has no columns of labels')
  if (columns.length > labelLimits.columns) throw unfit(`more than ${labelLimits.columns} columns`)
  if (columns.some((name) => name.trim() === '')) throw unfit('a column has no name')
  if (rows.has('')) throw unfit('a row has no name of a cell')
  const different = columns.map(() => new Set<string>())
  for (const row of rows.values())
    for (const [at, word] of row.entries()) {
      if (word.length > labelLimits.wordLength) throw unfit(`a label of more than ${labelLimits.wordLength} characters`)
      different[at]?.add(word)
    }
  const many = columns.find((_, at) => (different[at]?.size ?? 0) > labelLimits.labelsPerColumn)
  if (many !== undefined)
    throw unfit(
      `the column “${many}” has more than ${labelLimits.labelsPerColumn} different labels; is it a column of numbers?`,
    )
}
