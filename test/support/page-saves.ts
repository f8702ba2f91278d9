/** Saves as cellxgene's page sends them, made without a page. */
import { deflateSync } from 'node:zlib'
import { Builder } from 'flatbuffers'

const json = 5

/** Labels by row: a deflated FlatBuffer `Matrix` (cellxgene 1.3.0, client/src/util/stateManager/matrix.js). */
export function labelsBody(columns: Readonly<Record<string, readonly string[]>>): Uint8Array {
  const builder = new Builder(1024)
  const array = (values: readonly string[]): number => {
    const data = builder.createByteVector(new TextEncoder().encode(JSON.stringify(values)))
    builder.startObject(1)
    builder.addFieldOffset(0, data, 0)
    return builder.endObject()
  }
  const tables = Object.values(columns).map((values) => {
    const at = array(values)
    builder.startObject(2)
    builder.addFieldInt8(0, json, 0)
    builder.addFieldOffset(1, at, 0)
    return builder.endObject()
  })
  builder.startVector(4, tables.length, 4)
  for (const table of [...tables].reverse()) builder.addOffset(table)
  const list = builder.endVector()
  const names = array(Object.keys(columns))
  builder.startObject(7)
  builder.addFieldInt32(0, Object.values(columns)[0]?.length ?? 0, 0)
  builder.addFieldInt32(1, tables.length, 0)
  builder.addFieldOffset(2, list, 0)
  builder.addFieldInt8(3, json, 0)
  builder.addFieldOffset(4, names, 0)
  builder.finish(builder.endObject())
  return deflateSync(builder.asUint8Array())
}

export function geneSetsBody(sets: Readonly<Record<string, readonly string[]>>): Uint8Array {
  const genesets = Object.entries(sets).map(([name, genes]) => ({
    geneset_name: name,
    geneset_description: '',
    genes: genes.map((symbol) => ({ gene_symbol: symbol, gene_description: '' })),
  }))
  return Buffer.from(JSON.stringify({ tid: 1, genesets }))
}
