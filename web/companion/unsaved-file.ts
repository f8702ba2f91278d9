/**
 * The last resort: what cellxgene wanted to save, as a file that can be uploaded under "My annotations". By cell name where
 * the page knows the names; by row of the data file where it does not.
 */
import type { SaveKind } from './base.ts'
import { readMatrix } from './matrix.ts'

export type UnsavedFile = { name: string; content: string }

/**
 * @param body a save as cellxgene sends it: labels as a deflated table, gene sets as JSON
 * @param names cellxgene's answer with the names of the cells, in the rows' order; null when the page never got it
 */
export async function unsavedFile(
  kind: SaveKind,
  body: ArrayBuffer,
  names: ArrayBuffer | null,
  datasetId: string,
): Promise<UnsavedFile> {
  if (kind === 'genesets') return { name: `${datasetId}-gene-sets-not-saved.csv`, content: geneSets(body) }
  const labels = readMatrix(await inflated(body))
  const cells = names === null ? null : (readMatrix(new Uint8Array(names)).columns[0] ?? null)
  const fits = cells !== null && cells.length === labels.rows
  const first = fits ? cells : Array.from({ length: labels.rows }, (_, row) => String(row))
  const lines = [csvLine([fits ? 'index' : 'row', ...labels.names])]
  for (const [row, cell] of first.entries())
    lines.push(csvLine([cell, ...labels.columns.map((column) => column[row] ?? '')]))
  return { name: `${datasetId}-labels-not-saved${fits ? '' : '-by-row'}.csv`, content: `${lines.join('\n')}\n` }
}

async function inflated(body: ArrayBuffer): Promise<Uint8Array> {
  const stream = new Blob([body]).stream().pipeThrough(new DecompressionStream('deflate'))
  return new Uint8Array(await new Response(stream).arrayBuffer())
}

type Genes = { geneset_name?: string; geneset_description?: string; genes?: Gene[] }
type Gene = { gene_symbol?: string; gene_description?: string }

/** cellxgene's own format: one line per gene. */
function geneSets(body: ArrayBuffer): string {
  const { genesets = [] } = JSON.parse(new TextDecoder().decode(body)) as { genesets?: Genes[] }
  const lines = [csvLine(['gene_set_name', 'gene_set_description', 'gene_symbol', 'gene_description'])]
  for (const { geneset_name = '', geneset_description = '', genes = [] } of genesets) {
    const listed: Gene[] = genes.length > 0 ? genes : [{}]
    for (const { gene_symbol = '', gene_description = '' } of listed)
      lines.push(csvLine([geneset_name, geneset_description, gene_symbol, gene_description]))
  }
  return `${lines.join('\n')}\n`
}

const csvLine = (values: readonly string[]): string =>
  values.map((value) => (/[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value)).join(',')
