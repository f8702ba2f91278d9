/** A file of labels is read in pieces, and means what it means as a whole: wherever a piece ends. */
import Papa from 'papaparse'
import { describe, expect, it } from 'vitest'
import { atOnce } from '../../functions/core/steps.ts'
import { formatLabels, parseLabels } from '../../functions/launcher/labels-csv.ts'

const read = (text: string) => atOnce(parseLabels(new TextEncoder().encode(text)))
/** Longer than several pieces; lines of every length, with whatever needs quotes. */
const labels = ['B', 'CD4, naive', 'a "word"', 'two\nlines', '""', ' edge ', 'ö'.repeat(300), '', 'x\r\ny']
const cells = Array.from({ length: 9_000 }, (_, n) => `cell-${n}${'-'.repeat(n % 41)}`)
const lines = cells.map((cell, n) => [cell, labels[n % labels.length] ?? '', labels[(n * 5) % 7] ?? ''])

describe('a long file of labels', () => {
  it.each(['\n', '\r\n', '\r'] as const)('with lines that end in %j is the table that it is as a whole', (newline) => {
    const text = `${Papa.unparse([['index', 'type', 'other'], ...lines], { newline })}${newline}${newline}`
    const whole = Papa.parse<string[]>(text, { delimiter: ',', newline, skipEmptyLines: true })
    expect(whole.errors).toEqual([])
    const { columns, rows } = read(text)
    expect(columns).toEqual(['type', 'other'])
    expect([...rows].map(([cell, words]) => [cell, ...words])).toEqual(whole.data.slice(1))
  })

  it('may be cut anywhere: in a quote, after it, between the two characters that end a line', () => {
    const line = (n: number) => `"c${String(n).padStart(5, '0')}"  ,"a ""b"""\r\n`
    const body = Array.from({ length: 5_000 }, (_, n) => line(n)).join('')
    for (let shift = 0; shift < line(0).length; shift++) {
      const { rows } = read(`${'index'.padEnd(5 + shift, '_')},type\r\n${body}`)
      expect(rows.size).toBe(5_000)
      expect(new Set([...rows.values()].flat())).toEqual(new Set(['a "b"']))
    }
  })

  it('is written as it would be in one piece', () => {
    const rows = new Map(lines.map(([cell = '', ...words]) => [cell, words]))
    const written = new TextDecoder().decode(
      atOnce(formatLabels({ header: 'index', columns: ['type', 'other'], rows })),
    )
    expect(written === `${Papa.unparse([['index', 'type', 'other'], ...lines], { newline: '\n' })}\n`).toBe(true)
  })

  it('is refused with the line where a quote goes wrong, and where one never ends', () => {
    const start = `index,type\n${cells.map((cell) => `${cell},B`).join('\n')}\n`
    expect(() => read(`${start}last,"x"y"\n`)).toThrow(/line 9002: Trailing quote/)
    expect(() => read(`${start}last,"x\n`)).toThrow(/line 9002: Quoted field unterminated/)
    expect(() => read(`${start}last,"${'x\n'.repeat(3 * 2 ** 20)}`)).toThrow(/line 9002 is longer than any/)
  })
})
