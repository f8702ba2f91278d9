/** The file of what is not saved: by cell name where the names are known, and never without every label. */
import { describe, expect, it } from 'vitest'
import { createCellNames } from '../../../web/companion/cell-names.ts'
import { readMatrix } from '../../../web/companion/matrix.ts'
import { unsavedFile } from '../../../web/companion/unsaved-file.ts'
import { geneSetsBody, labelsBody } from '../../support/page-saves.ts'
import { aStatus, config, json } from './scripted.ts'

const buffer = (bytes: Uint8Array): ArrayBuffer => new Uint8Array(bytes).buffer
const inflate = async (bytes: Uint8Array): Promise<ArrayBuffer> =>
  new Response(new Blob([buffer(bytes)]).stream().pipeThrough(new DecompressionStream('deflate'))).arrayBuffer()

const labels = buffer(
  labelsBody({ mine: ['B cell', 'a "quoted", one', 'unassigned'], 'über, alles': ['1', '', '2\n3'] }),
)
const namesOf = (names: string[]) => inflate(labelsBody({ name_0: names }))

describe('labels that are not saved', () => {
  it('by cell name, in a CSV that survives commas, quotes and line breaks', async () => {
    const file = await unsavedFile('labels', labels, await namesOf(['AAA-1', 'AAC-1', 'AAG,1']), 'pbmc')
    expect(file.name).toBe('pbmc-labels-not-saved.csv')
    expect(file.content).toBe(
      'index,mine,"über, alles"\nAAA-1,B cell,1\nAAC-1,"a ""quoted"", one",\n"AAG,1",unassigned,"2\n3"\n',
    )
  })

  it('by row where the page never got the names, or has others', async () => {
    for (const names of [null, await namesOf(['AAA-1'])]) {
      const file = await unsavedFile('labels', labels, names, 'pbmc')
      expect(file.name).toBe('pbmc-labels-not-saved-by-row.csv')
      expect(file.content.split('\n').slice(0, 2)).toEqual(['row,mine,"über, alles"', '0,B cell,1'])
    }
  })

  it('what is no such table is refused, so that the bytes themselves are given', async () => {
    expect(() => readMatrix(new Uint8Array([1, 2, 3]))).toThrow()
    await expect(unsavedFile('labels', new ArrayBuffer(9), null, 'pbmc')).rejects.toThrow()
  })
})

it('gene sets that are not saved, in cellxgene’s own format, empty ones too', async () => {
  const file = await unsavedFile('genesets', buffer(geneSetsBody({ B: ['CD79A', 'MS4A1'], none: [] })), null, 'pbmc')
  expect(file.name).toBe('pbmc-gene-sets-not-saved.csv')
  expect(file.content).toBe(
    'gene_set_name,gene_set_description,gene_symbol,gene_description\nB,,CD79A,\nB,,MS4A1,\nnone,,,\n',
  )
})

describe('the names of the cells', () => {
  function names() {
    const world = { now: 0, state: 'starting' as 'starting' | 'ready', asked: [] as string[], status: 200 }
    const cells = createCellNames({
      config,
      env: {
        now: () => world.now,
        fetch: async (path) => {
          world.asked.push(path)
          return new Response('names', { status: world.status })
        },
        sleep: async () => {},
        visible: () => true,
      },
      link: { status: () => aStatus({ state: world.state }) },
    })
    return { world, cells }
  }
  const turn = () => new Promise((resolve) => setImmediate(resolve))

  it('are asked for once, under the name that the schema gives, when a viewer is there', async () => {
    const { world, cells } = names()
    world.state = 'ready'
    cells.fetch()
    cells.answered('config', json({ schema: { annotations: { obs: { index: 'wrong' } } } }))
    cells.answered('schema', json({ schema: { annotations: { obs: { index: 'name 0' } } } }))
    await turn()
    world.state = 'starting'
    cells.fetch()
    expect(world.asked).toEqual([])
    world.state = 'ready'
    cells.fetch()
    cells.fetch()
    await turn()
    expect(world.asked).toEqual(['/s/one/api/v0.2/annotations/obs?annotation-name=name%200'])
    expect(new TextDecoder().decode(cells.get() ?? undefined)).toBe('names')
  })

  it('that a viewer did not give are asked for again, a minute later', async () => {
    const { world, cells } = names()
    cells.answered('schema', json({ schema: { annotations: { obs: { index: 'n' } } } }))
    await turn()
    world.state = 'ready'
    world.status = 202
    cells.fetch()
    await turn()
    cells.fetch()
    expect(world.asked).toHaveLength(1)
    expect(cells.get()).toBeNull()
    world.now = 60_000
    cells.fetch()
    expect(world.asked).toHaveLength(2)
  })
})
