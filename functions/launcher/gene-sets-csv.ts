/** Gene sets as a file, cellxgene's own tidy form: one line per gene, `gene_set_name,gene_set_description,gene_symbol,gene_description`. */
import Papa from 'papaparse'
import { freeName } from '../core/label-table.ts'
import type { MergeReport } from '../core/merge-report.ts'

export type GeneSet = { name: string; description: string; genes: { symbol: string; description: string }[] }

const heading = ['gene_set_name', 'gene_set_description', 'gene_symbol', 'gene_description']

/** What the vault keeps was written by a viewer or by us, so this is forgiving: `gene_sets.py` is the judge of files. */
export function parseGeneSets(body: Uint8Array): GeneSet[] {
  const { data } = Papa.parse<string[]>(new TextDecoder().decode(body), { skipEmptyLines: true })
  const sets = new Map<string, GeneSet>()
  for (const [name = '', description = '', symbol = '', words = ''] of data) {
    if (name === heading[0] || name === '' || name.startsWith('#')) continue
    const found = sets.get(name) ?? { name, description, genes: [] }
    found.description ||= description
    if (symbol !== '') found.genes.push({ symbol, description: words })
    sets.set(name, found)
  }
  return [...sets.values()]
}

export function formatGeneSets(sets: readonly GeneSet[]): Uint8Array {
  if (sets.length === 0) return new Uint8Array()
  const lines = sets.flatMap(({ name, description, genes }) =>
    (genes.length > 0 ? genes : [{ symbol: '', description: '' }]).map((gene) => [
      ...[name, description],
      ...[gene.symbol, gene.description],
    ]),
  )
  return new TextEncoder().encode(`${Papa.unparse([heading, ...lines], { newline: '\n' })}\n`)
}

/** Genes that the page can see: those of its dataset version. Null: nobody knows which. */
export type Genes = ReadonlySet<string> | null

const seen = ({ description, genes }: GeneSet, known: Genes): string =>
  JSON.stringify([
    description,
    genes
      .filter(({ symbol }) => known?.has(symbol) ?? true)
      .map(({ symbol, description: words }) => `${symbol} ${words}`)
      .sort(),
  ])

/**
 * A whole new state, as a page sends it: genes that its dataset does not have stay in their sets; one that was renamed is known
 * by its genes (as in functions/viewer, gene_sets.py).
 */
export function replaceSets(before: readonly GeneSet[], state: readonly GeneSet[], known: Genes): GeneSet[] {
  if (known === null) return [...state]
  const names = new Set(state.map(({ name }) => name))
  const lost = before.filter(({ name }) => !names.has(name))
  return state.map((set) => {
    const old =
      before.find(({ name }) => name === set.name) ?? lost.find((other) => seen(other, known) === seen(set, known))
    const here = new Set(set.genes.map(({ symbol }) => symbol))
    const absent = (old?.genes ?? []).filter(({ symbol }) => !known.has(symbol) && !here.has(symbol))
    return { ...set, genes: [...set.genes, ...absent] }
  })
}

/** cellxgene takes these characters in a set's name, and no two spaces in a row; else no later save of the page would pass. */
const plain = (text: string): string =>
  text
    .normalize('NFKD')
    .replace(/[^\x20-\x7e]/g, '')
    .replace(/ +/g, ' ')
    .trim()

/** Both: theirs, and of mine every set that is another. */
export function keepBothSets(
  theirs: readonly GeneSet[],
  mine: readonly GeneSet[],
  by: string,
  known: Genes = null,
): { sets: GeneSet[]; report: MergeReport } {
  const taken = new Set([...theirs, ...mine].map(({ name }) => name))
  const renamed: MergeReport['renamed'] = []
  const added: GeneSet[] = []
  for (const set of mine) {
    const there = theirs.find(({ name }) => name === set.name)
    if (there && seen(there, known) === seen(set, known)) continue
    const name = there ? freeName(set.name, plain(by) || 'mine', taken) : set.name
    taken.add(name)
    if (name !== set.name) renamed.push({ from: set.name, to: name })
    added.push({ ...set, name })
  }
  const none = { labelledCells: 0, matchedCells: 0, unmatchedCells: 0, unmatchedSample: [] }
  return { sets: [...theirs, ...added], report: { ...none, renamed } }
}
