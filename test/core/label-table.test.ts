/** Labels by cell name: whatever happens to rows and columns, no label moves to another cell and none is lost. */
import { describe, expect, it } from 'vitest'
import { carryOver, freeName, keepBoth, type LabelTable, replaceCells } from '../../functions/core/label-table.ts'
import { atOnce } from '../../functions/core/steps.ts'

/** A small generator (mulberry32), so that a failure can be told again by its seed. */
function random(seed: number): () => number {
  let a = seed
  return () => {
    a = (a + 0x6d2b79f5) | 0
    let t = Math.imul(a ^ (a >>> 15), 1 | a)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

function table(columns: string[], cells: Record<string, string[]>): LabelTable {
  return { header: 'index', columns, rows: new Map(Object.entries(cells)) }
}

/** Every (cell, column, label) there is. */
function facts({ columns, rows }: LabelTable, as = (column: string) => column): Set<string> {
  const found = new Set<string>()
  for (const [cell, words] of rows)
    for (const [at, word] of words.entries())
      if (word !== '' && word !== 'unassigned') found.add(`${cell}|${as(columns[at] ?? '')}|${word}`)
  return found
}

function aTable(next: () => number, cells: string[], columns: string[]): LabelTable {
  const words = ['', 'unassigned', 'B', 'T', 'NK']
  const chosen = cells.filter(() => next() < 0.8)
  return {
    header: 'index',
    columns,
    rows: new Map(chosen.map((cell) => [cell, columns.map(() => words[Math.floor(next() * words.length)] ?? '')])),
  }
}

const cells = Array.from({ length: 60 }, (_, n) => `AAA${n}-1`)

describe('labels that are carried over', () => {
  it('stay with their cells and are all there, whichever cells and columns the new version has', () => {
    for (let seed = 1; seed <= 200; seed++) {
      const next = random(seed)
      const before = aTable(
        next,
        cells,
        ['mine', 'louvain', 'type'].filter(() => next() < 0.7),
      )
      const names = new Set([...cells, 'new-1'].filter(() => next() < 0.7))
      const columns = ['louvain', 'louvain (label)', 'n_genes'].filter(() => next() < 0.5)
      const { table: after, report } = atOnce(carryOver(before, { names, columns }))
      const renamed = new Map(report.renamed.map(({ from, to }) => [from, to]))
      expect(facts(after), `seed ${seed}`).toEqual(facts(before, (column) => renamed.get(column) ?? column))
      expect(
        after.columns.filter((column) => columns.includes(column)),
        `seed ${seed}`,
      ).toEqual([])
      expect(new Set(after.columns).size).toBe(after.columns.length)
      const labelled = new Set([...facts(before)].map((fact) => fact.split('|')[0] ?? ''))
      expect(report.labelledCells).toBe(labelled.size)
      expect(report.matchedCells).toBe([...labelled].filter((cell) => names.has(cell)).length)
      expect(report.unmatchedCells).toBe(report.labelledCells - report.matchedCells)
    }
  })
})

describe('labels that are kept both', () => {
  it('have everything of theirs under its own name, and everything of mine that says something else', () => {
    for (let seed = 1; seed <= 200; seed++) {
      const next = random(seed)
      const columns = ['type', 'mine', 'x'].filter(() => next() < 0.8)
      const theirs = aTable(next, cells, columns)
      const mine =
        next() < 0.2
          ? theirs
          : aTable(
              next,
              cells,
              columns.filter(() => next() < 0.8),
            )
      const { table: both, report } = atOnce(keepBoth(theirs, mine, 'Ada', ['n_genes']))
      const all = facts(both)
      for (const fact of facts(theirs)) expect(all, `seed ${seed}`).toContain(fact)
      const renamed = new Map(report.renamed.map(({ from, to }) => [from, to]))
      for (const fact of facts(mine, (column) => renamed.get(column) ?? column))
        expect(all, `seed ${seed}`).toContain(fact)
      expect(new Set(both.columns).size).toBe(both.columns.length)
      if (mine === theirs) expect(report.renamed).toEqual([])
    }
  })

  it('says a column once when both say the same, however an empty label is written', () => {
    const theirs = table(['type'], { a: ['T'], b: ['unassigned'] })
    const mine = table(['type'], { a: ['T'], b: [''], c: [''] })
    expect(atOnce(keepBoth(theirs, mine, 'Ada')).table.columns).toEqual(['type'])
    expect(atOnce(keepBoth(theirs, table(['type'], { a: ['B'] }), 'Ada')).report.renamed).toEqual([
      { from: 'type', to: 'type (Ada)' },
    ])
  })
})

describe('a page’s new state', () => {
  it('replaces its own cells and leaves the others their labels, in the columns that are still there', () => {
    const before = table(['type', 'gone'], { a: ['T', 'x'], z: ['B', 'x'], y: ['', 'x'] })
    const state = table(['type', 'new'], { a: ['NK', ''], b: ['', 'n'] })
    const after = atOnce(replaceCells(before, state))
    expect(facts(after)).toEqual(new Set(['a|type|NK', 'b|new|n', 'z|type|B']))
    expect(atOnce(replaceCells(null, state))).toBe(state)
  })
})

it('finds a free name of bounded length', () => {
  const taken = new Set(['x (Ada)', 'x (Ada 2)'])
  expect(freeName('x', 'Ada', taken)).toBe('x (Ada 3)')
  expect(freeName('x'.repeat(300), 'A'.repeat(100), new Set()).length).toBe(120)
})
