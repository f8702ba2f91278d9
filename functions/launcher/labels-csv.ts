/** Labels as a file, exactly as the viewer writes and reads them (functions/viewer/cxod_viewer/labels.py). */
import Papa from 'papaparse'
import { LauncherError } from '../core/errors.ts'
import type { LabelTable } from '../core/label-table.ts'
import { type Steps, stepsOf } from '../core/steps.ts'

/** Most columns of labels, and most different labels of one: what a page can still show. */
const labelLimits = { columns: 200, labelsPerColumn: 2000, wordLength: 500 }

/** Characters that are read in one step. */
const pieceLength = 64 * 2 ** 10
/** Longer lines are no table's (200 columns of 500 characters are 100,000); only a quote that does not end makes such a one. */
const longestLine = 4 * 2 ** 20

const decoder = new TextDecoder('utf-8', { fatal: true })

/**
 * Reads what the vault keeps, which a viewer or this program has written: with commas, whatever names and labels look like.
 * Lines that begin with `#` before the heading are passed over.
 * Throws `bad-request` with the line, for what is no table, or names a cell or a column twice.
 */
export function* parseLabels(body: Uint8Array): Steps<LabelTable> {
  const text = decode(body)
  return yield* read(text, headingAt(text), ',')
}

/**
 * Reads a file that a person brings: Excel's byte order mark, semicolons and tabs are understood. Throws as `parseLabels`,
 * and for what a page can't show.
 */
export function* parseUpload(body: Uint8Array): Steps<LabelTable> {
  const text = decode(body)
  const start = headingAt(text)
  const table = yield* read(text, start, /[,;\t]/.exec(unquoted(text, start))?.[0] ?? ',')
  yield* checkShown(table)
  return table
}

function* read(text: string, start: number, delimiter: string): Steps<LabelTable> {
  if (text.trim() === '') return { header: 'index', columns: [], rows: new Map() }
  let heading: { header: string; columns: readonly string[] } | null = null
  const rows = new Map<string, string[]>()
  let at = 0
  for (const lines of linesOf(text, start, delimiter)) {
    yield
    for (const line of lines) {
      at++
      if (heading === null) {
        heading = readHeading(line)
        continue
      }
      const { columns } = heading
      const [cell = '', ...words] = line
      if (words.length > columns.length && words.slice(columns.length).some((word) => word !== ''))
        throw wrong(`line ${at} has more fields than there are columns`)
      if (rows.has(cell)) throw wrong(`the cell “${cell}” is in it twice`)
      rows.set(
        cell,
        columns.map((_, column) => words[column] ?? ''),
      )
    }
  }
  if (heading === null) throw noTable()
  return { ...heading, rows }
}

function readHeading([header = 'index', ...columns]: readonly string[]) {
  if (columns.length === 0) throw noTable()
  const twice = columns.find((name, at) => columns.indexOf(name) !== at)
  if (twice !== undefined) throw wrong(`two columns have the name “${twice}”`)
  return { header, columns }
}

/**
 * Piece by piece, without empty lines. The library's own `Papa.parse` takes a text in pieces as well, but then believes an
 * error in a line that goes on in the next one.
 */
function* linesOf(text: string, start: number, delimiter: string): Generator<string[][]> {
  // Nothing is left to the library's guess: a label with semicolons, or a line feed in quotes, would move words to other columns.
  const found = /\r\n|\r|\n/.exec(unquoted(text, start))?.[0]
  const parser = new Papa.Parser({ delimiter, newline: found === '\r' || found === '\r\n' ? found : '\n' })
  let [from, length, before] = [start, pieceLength, 0]
  while (from < text.length) {
    const last = from + length >= text.length
    const piece: Papa.ParseResult<string[]> = parser.parse(text.slice(from, from + length), 0, !last)
    const broken = piece.errors.find(({ row }) => last || (row ?? 0) < piece.data.length)
    if (broken) throw wrong(`line ${before + (broken.row ?? 0) + 1}: ${broken.message}`)
    yield piece.data.filter((line) => line.length > 1 || line[0] !== '')
    if (last) return
    before += piece.data.length
    from += piece.meta.cursor
    // Without a whole line in it: once more with twice as much, so that a long one is not read again and again.
    length = piece.data.length === 0 ? 2 * length : pieceLength
    if (length > longestLine)
      throw wrong(`line ${before + 1} is longer than any line of labels. Does a quote in it not end?`)
  }
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

const noTable = () => wrong('it needs a first column with the names of the cells, and a column for each category')
const wrong = (what: string) => new LauncherError('bad-request', `This is no file of labels: ${what}.`)

export function* formatLabels({ header, columns, rows }: LabelTable): Steps<Uint8Array> {
  if (columns.length === 0) return new Uint8Array()
  const parts: Uint8Array[] = []
  const write = (lines: string[][]) =>
    parts.push(new TextEncoder().encode(`${Papa.unparse(lines, { newline: '\n' })}\n`))
  let lines = [[header.startsWith('#') ? 'cell' : header, ...columns]]
  const due = stepsOf(columns.length + 1)
  for (const [cell, words] of rows) {
    lines.push([cell, ...words])
    if (!due()) continue
    write(lines)
    lines = []
    yield
  }
  if (lines.length > 0) write(lines)
  return Buffer.concat(parts)
}

function* checkShown({ columns, rows }: LabelTable): Steps<void> {
  const unfit = (what: string) => new LauncherError('bad-request', `These labels can’t be shown: ${what}.`)
  if (columns.length === 0) throw unfit('the file has no columns of labels')
  if (columns.length > labelLimits.columns) throw unfit(`more than ${labelLimits.columns} columns`)
  if (columns.some((name) => name.trim() === '')) throw unfit('a column has no name')
  if (rows.has('')) throw unfit('a row has no name of a cell')
  const different = columns.map(() => new Set<string>())
  const due = stepsOf(columns.length)
  for (const row of rows.values()) {
    if (due()) yield
    for (const [at, word] of row.entries()) {
      if (word.length > labelLimits.wordLength) throw unfit(`a label of more than ${labelLimits.wordLength} characters`)
      different[at]?.add(word)
    }
  }
  const many = columns.find((_, at) => (different[at]?.size ?? 0) > labelLimits.labelsPerColumn)
  if (many !== undefined)
    throw unfit(
      `the column “${many}” has more than ${labelLimits.labelsPerColumn} different labels; is it a column of numbers?`,
    )
}
