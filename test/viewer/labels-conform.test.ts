/** The viewer and the launcher read and write one kind of file: what either has written, the other reads to the same label on the same cell. */
import { spawn } from 'node:child_process'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, describe, expect, it } from 'vitest'
import { carryOver, type LabelTable } from '../../functions/core/label-table.ts'
import { atOnce } from '../../functions/core/steps.ts'
import { formatLabels, parseLabels } from '../../functions/launcher/labels-csv.ts'
import { testPython } from '../support/tools.ts'

const child = spawn(testPython(), ['-I', path.join(import.meta.dirname, 'labels_conform.py')], {
  stdio: ['pipe', 'pipe', 'inherit'],
  env: { PATH: process.env.PATH },
})
const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
afterAll(() => void child.stdin.end())

type Seen = { columns: string[]; facts: [string, string, string][]; csv: string; unreadable?: string }
async function viewer(csv: Uint8Array, cells: readonly string[], taken: readonly string[] = []): Promise<Seen> {
  const asked = { csv: Buffer.from(csv).toString('base64'), cells, taken, header: 'index' }
  child.stdin.write(`${JSON.stringify(asked)}\n`)
  const { value } = await lines.next()
  return JSON.parse(String(value)) as Seen
}

const said = (facts: Iterable<readonly string[]>) => [...facts].map((fact) => JSON.stringify(fact)).sort()
function facts({ columns, rows }: LabelTable): string[] {
  const found: string[][] = []
  for (const [cell, words] of rows)
    for (const [at, word] of words.entries())
      if (word !== '' && word !== 'unassigned') found.push([cell, columns[at] ?? '', word])
  return said(found)
}

/** mulberry32, so that a failure can be told again by its seed. */
function random(seed: number): () => number {
  let a = seed
  return () => {
    a = (a + 0x6d2b79f5) | 0
    let t = Math.imul(a ^ (a >>> 15), 1 | a)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

const words = [
  ...['', 'unassigned', 'T', 'B;NK;x', 'a,b', 'say "x"', '"', 'two\nlines', 'cr\rhere', 'crlf\r\nhere', 'tab\there'],
  ...[
    '#hash',
    'NA',
    'null',
    'nan',
    '1.0',
    '007',
    ' padded ',
    '日本',
    '🧬',
    '=1+1',
    '-',
    '\u00a0',
    '\ufeffbom',
    '|',
    'é',
  ],
]
const columns = [
  'type',
  'a;b;c;d',
  'x,y',
  '#odd',
  'q"t',
  'nl\nname',
  'cr\rname',
  'unassigned',
  '日本',
  'index',
  ' ',
  'tab\tcol\tumn',
]
const cells = [
  'a',
  'b;c',
  '#1',
  'q"',
  'comma,cell',
  ' ',
  'AAACATAC-1',
  'two\nlines',
  'cr\rcell',
  '日',
  '1',
  '1.0',
  'nan',
]

function aTable(seed: number): LabelTable {
  const next = random(seed)
  const pick = <T>(from: readonly T[], share: number) => from.filter(() => next() < share)
  const chosen = pick(columns, 0.4)
  return {
    header: next() < 0.2 ? 'b;c' : 'index',
    columns: chosen.length === 0 ? ['type'] : chosen,
    rows: new Map(
      pick(cells, 0.8).map((cell) => [
        cell,
        (chosen.length === 0 ? ['type'] : chosen).map(() => words[Math.floor(next() * words.length)] ?? ''),
      ]),
    ),
  }
}

describe('a file of labels', () => {
  it('says the same to viewer and launcher, whoever has written it, cells of another dataset included', {
    timeout: 600_000,
  }, async () => {
    for (let seed = 1; seed <= 300; seed++) {
      const table = aTable(seed)
      const written = atOnce(formatLabels(table))
      expect(facts(atOnce(parseLabels(written))), `seed ${seed}`).toEqual(facts(table))
      // A dataset with some of the cells, in another order, and some of its own.
      const here = [...cells].reverse().filter((_, at) => (seed + at) % 3 !== 0)
      const seen = await viewer(written, [...here, 'new'])
      expect(seen.unreadable, `seed ${seed}`).toBeUndefined()
      expect(said(seen.facts), `seed ${seed}`).toEqual(facts(table))
      expect(facts(atOnce(parseLabels(Buffer.from(seen.csv, 'base64')))), `seed ${seed}`).toEqual(facts(table))
    }
  })

  it('has its clashing columns renamed by both in the same way', async () => {
    const table = { header: 'index', columns: ['type', 'louvain', 'other'], rows: new Map([['a', ['T', 'L', 'O']]]) }
    const taken = ['louvain', 'louvain (label)', 'type']
    const seen = await viewer(atOnce(formatLabels(table)), ['a'], taken)
    const { table: carried } = atOnce(carryOver(table, { names: new Set(['a']), columns: taken }))
    expect(seen.columns).toEqual(carried.columns)
    expect(said(seen.facts)).toEqual(facts(carried))
  })

  it.each([
    ['a cell twice', 'index,type\na,T\na,B\n'],
    ['a column twice', 'index,type,type\na,T,B\n'],
    ['a row with more fields than columns', 'index,type\na,T,surplus\n'],
    ['no UTF-8', Buffer.from('index,type\na,\xff\n', 'latin1')],
    ['a quote that does not end', 'index,type\na,"open\n'],
  ])('that neither may take for a table: %s', async (_, csv) => {
    const body = typeof csv === 'string' ? Buffer.from(csv) : csv
    expect((await viewer(body, ['a'])).unreadable).toBeTypeOf('string')
    expect(() => atOnce(parseLabels(body))).toThrow(/no file of labels/)
  })
})
