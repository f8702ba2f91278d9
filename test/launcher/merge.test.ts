/** Labels that meet others, on the real vault: carried over, kept beside, uploaded; and what is refused. */
import { deflateSync } from 'node:zlib'
import { afterAll, describe, expect, it } from 'vitest'
import { atOnce } from '../../functions/core/steps.ts'
import { parseLabels } from '../../functions/launcher/labels-csv.ts'
import { geneSetsBody, labelsBody } from '../support/page-saves.ts'
import { aDataset, aGuest, aUser, gateOf, openTestBed } from '../support/ports.ts'
import { tempDir } from '../support/temp-dir.ts'

const bed = await openTestBed(tempDir(), [aDataset()])
afterAll(() => bed.store.close())
const launcher = bed.launcher({ liveSessionsPerUser: 99, liveSessions: 999 })
const text = (body: string) => new TextEncoder().encode(body)
const read = async (who: { id: string }, version: string, kind: 'labels' | 'genesets' = 'labels') =>
  new TextDecoder().decode(await bed.ports.vault.read({ ownerId: who.id, datasetId: 'pbmc', kind }, version))
const columns = ['louvain', 'n_genes']
await bed.ports.cells.put('v1', { names: ['a', 'b', 'c'], columns })
await bed.ports.cells.put('v2', { names: ['c', 'x', 'a'], columns: [...columns, 'mine'] })

let people = 0
/** Somebody who keeps `csv`, saved on `datasetVersion`. */
async function keeper(csv: string, datasetVersion = 'v1') {
  const who = aUser(`keeper-${++people}`)
  const put = { base: null, savedBy: who.name, origin: 'session:x', obsIndexHash: 'h1', requestSha256: 'f'.repeat(64) }
  await bed.ports.vault.put({ ownerId: who.id, datasetId: 'pbmc', kind: 'labels' }, text(csv), {
    ...put,
    datasetVersion,
  })
  return who
}
async function datasetIs(version: string) {
  const dataset = aDataset({ version })
  await bed.ports.catalogue.put({
    ...dataset,
    index: dataset.index && { ...dataset.index, obsIndexHash: `h-${version}` },
  })
}

describe('a dataset that was replaced', () => {
  it('has its labels carried over before the viewer reads them, once, and says what became of them', async () => {
    await datasetIs('v2')
    const who = await keeper('index,mine,type\na,T,\nb,B,x\nc,unassigned,\n')
    const session = await launcher.launch(who, 'pbmc', { by: 'click' })
    const knocks = await Promise.all([launcher.knock(gateOf(session)), launcher.knock(gateOf(session))])
    expect(knocks.some((answer) => answer.status === 'work' && answer.work.labelsVersion === '2')).toBe(true)
    expect(await read(who, '2')).toBe('index,mine (label),type\na,T,\nb,B,x\nc,unassigned,\n')
    const report = {
      ...{ labelledCells: 2, matchedCells: 1, unmatchedCells: 1, unmatchedSample: ['b'] },
      renamed: [{ from: 'mine', to: 'mine (label)' }],
    }
    expect(await launcher.carried(who, 'pbmc')).toEqual({ version: '2', report })
    const [newest, before] = await launcher.history(who, 'pbmc', 'labels')
    expect(newest).toMatchObject({ origin: 'carry-over:1', datasetVersion: 'v2', savedBy: who.name, report })
    expect(before).toMatchObject({ version: '1', datasetVersion: 'v1' })
    expect(await launcher.history(who, 'pbmc', 'labels')).toHaveLength(2)

    // After the next save it is no news any more.
    await launcher.vaultPut(gateOf(session), 'labels', text('index,type\na,T\n'), { base: '2', requestSha256: 'a' })
    expect(await launcher.carried(who, 'pbmc')).toBeNull()
  })

  it('keeps what a page of the old version could not save as a version of that, and carries it over', async () => {
    await datasetIs('v2')
    const who = await keeper('index,type\na,old\nz,kept\n')
    const body = labelsBody({ type: ['T', 'B', 'unassigned'], mine: ['', 'm', ''] })
    const save = { datasetVersion: 'v1', base: '1', body }
    const merged = await launcher.keepBeside(who, 'pbmc', 'labels', save)
    expect(merged).toEqual({
      version: '3',
      report: {
        ...{ labelledCells: 3, matchedCells: 1, unmatchedCells: 2, unmatchedSample: ['b', 'z'] },
        renamed: [{ from: 'mine', to: 'mine (label)' }],
      },
    })
    // Row by row of the old file, by name in the new one; the cell that neither has is still there.
    expect(await read(who, '2')).toBe('index,type,mine\na,T,\nb,B,m\nc,unassigned,\nz,kept,\n')
    expect(await read(who, '3')).toBe('index,type,mine (label)\na,T,\nb,B,m\nc,unassigned,\nz,kept,\n')
    expect((await launcher.history(who, 'pbmc', 'labels'))[1]).toMatchObject({
      datasetVersion: 'v1',
      origin: 'merge:1',
    })
    // Its answer was lost: the same again, and nothing new.
    await launcher.keepBeside(who, 'pbmc', 'labels', save)
    expect(await launcher.history(who, 'pbmc', 'labels')).toHaveLength(3)
  })

  it('refuses by name what nobody can place: an unknown version, another number of cells', async () => {
    const who = await keeper('index,type\na,T\n')
    const unknown = { datasetVersion: 'v9', base: '1', body: labelsBody({ type: ['T'] }) }
    await expect(launcher.keepBeside(who, 'pbmc', 'labels', unknown)).rejects.toMatchObject({ code: 'dataset-changed' })
    const short = { datasetVersion: 'v1', base: '1', body: labelsBody({ type: ['T', 'B'] }) }
    await expect(launcher.keepBeside(who, 'pbmc', 'labels', short)).rejects.toMatchObject({ code: 'bad-request' })
    expect(await launcher.history(who, 'pbmc', 'labels')).toHaveLength(1)
  })

  it('that was removed keeps what a page could not save, too', async () => {
    const who = await keeper('index,type\na,T\n')
    await bed.ports.catalogue.put(aDataset({ state: 'removed', version: 'v1' }))
    const save = { datasetVersion: 'v1', base: '1', body: labelsBody({ type: ['', 'B', ''] }) }
    expect((await launcher.keepBeside(who, 'pbmc', 'labels', save)).version).toBe('2')
    expect(await read(who, '2')).toBe('index,type\na,\nb,B,\nc,\n'.replace('b,B,', 'b,B'))
    await datasetIs('v1')
  })
})

describe('two that saved over each other', () => {
  it('are both kept: mine beside theirs, renamed where it says something else', async () => {
    await datasetIs('v1')
    const who = await keeper('index,type,same\na,theirs,s\nz,kept,\n')
    const body = labelsBody({ type: ['mine', '', ''], same: ['s', '', ''], new: ['', 'n', ''] })
    const merged = await launcher.keepBeside(who, 'pbmc', 'labels', { datasetVersion: 'v1', base: null, body })
    expect(merged.report.renamed).toEqual([{ from: 'type', to: `type (${who.name})` }])
    const table = atOnce(parseLabels(text(await read(who, merged.version))))
    expect(table.columns).toEqual(['type', 'same', `type (${who.name})`, 'new'])
    expect(Object.fromEntries(table.rows)).toMatchObject({
      a: ['theirs', 's', 'mine', ''],
      b: ['', '', '', 'n'],
      z: ['kept', '', '', ''],
    })
  })

  it('of gene sets as well, by name and genes', async () => {
    const who = aUser('setter')
    const keep = (sets: Record<string, string[]>, base: string | null) =>
      launcher.keepBeside(who, 'pbmc', 'genesets', { datasetVersion: 'v1', base, body: geneSetsBody(sets) })
    await keep({ one: ['CD3D'], 'with, comma': [] }, null)
    const merged = await keep({ one: ['CD79A'], two: ['CD8A'], 'with, comma': [] }, null)
    expect(merged.report.renamed).toEqual([{ from: 'one', to: 'one (setter)' }])
    expect(await read(who, '2', 'genesets')).toBe(
      'gene_set_name,gene_set_description,gene_symbol,gene_description\none,,CD3D,\n"with, comma",,,\none (setter),,CD79A,\ntwo,,CD8A,\n',
    )
  })

  it('lose nothing when ten tabs are kept at once', async () => {
    const who = await keeper('index,type\na,T\n')
    const tabs = Array.from({ length: 10 }, (_, n) => labelsBody({ [`tab ${n}`]: ['', `label ${n}`, ''] }))
    const kept = await Promise.allSettled(
      tabs.map((body) => launcher.keepBeside(who, 'pbmc', 'labels', { datasetVersion: 'v1', base: null, body })),
    )
    // Who lost every race is told to try again, as the page does by itself.
    for (const [n, one] of kept.entries())
      if (one.status === 'rejected') {
        // This bed's clock is ahead of the disk's, so that the vault takes a write under way for an abandoned one.
        expect(['conflict', 'unavailable']).toContain(one.reason.code)
        const body = tabs[n] as Uint8Array
        await launcher.keepBeside(who, 'pbmc', 'labels', { datasetVersion: 'v1', base: null, body })
      }
    const [newest] = await launcher.history(who, 'pbmc', 'labels')
    const { columns: all } = atOnce(parseLabels(text(await read(who, newest?.version ?? ''))))
    expect([...all].sort()).toEqual(['type', ...tabs.map((_, n) => `tab ${n}`)].sort())
  })
})

describe('a body that is made to harm', () => {
  it.each([
    ['not deflated', text('hello')],
    ['deflated nonsense', deflateSync(text('hello, this is no table at all'))],
    ['deflated nothing', deflateSync(new Uint8Array())],
    ['offsets beyond its end', deflateSync(Buffer.from('ffffff7f00000000ffffffffffffffff', 'hex'))],
  ])('is refused: %s', async (_, body) => {
    const who = aUser('harmer')
    const save = { datasetVersion: 'v1', base: null, body }
    await expect(launcher.keepBeside(who, 'pbmc', 'labels', save)).rejects.toMatchObject({ code: 'bad-request' })
    await expect(launcher.keepBeside(who, 'pbmc', 'genesets', save)).rejects.toMatchObject({ code: 'bad-request' })
  })

  it('or to fill the memory is refused before it does', async () => {
    const bomb = deflateSync(Buffer.alloc(300 * 2 ** 20))
    expect(bomb.byteLength).toBeLessThan(400_000)
    const save = { datasetVersion: 'v1', base: null, body: bomb }
    const before = process.memoryUsage.rss()
    await expect(launcher.keepBeside(aUser('bomber'), 'pbmc', 'labels', save)).rejects.toMatchObject({
      code: 'too-large',
    })
    expect(process.memoryUsage.rss() - before).toBeLessThan(400 * 2 ** 20)
  })

  it('by somebody who came to look is refused', async () => {
    const save = { datasetVersion: 'v1', base: null, body: labelsBody({ type: ['T', '', ''] }) }
    const guest = { ...aGuest('looker'), mode: 'view' } as const
    await expect(launcher.keepBeside(guest, 'pbmc', 'labels', save)).rejects.toMatchObject({ code: 'read-only' })
  })
})

describe('an upload', () => {
  const put = (who: ReturnType<typeof aUser>, csv: string, base: string | null, mode: 'replace' | 'add' = 'replace') =>
    launcher.uploadLabels(who, 'pbmc', { body: text(csv), base, mode })

  it('is matched by cell name; what does not match is kept and counted; the dataset’s own names are renamed', async () => {
    await datasetIs('v1')
    const who = aUser('uploader')
    const merged = await put(who, '\ufeffcell;louvain;type\nb;L;T\nq;;B\n', null)
    expect(merged).toEqual({
      version: '1',
      report: {
        ...{ labelledCells: 2, matchedCells: 1, unmatchedCells: 1, unmatchedSample: ['q'] },
        renamed: [{ from: 'louvain', to: 'louvain (label)' }],
      },
    })
    expect(await read(who, '1')).toBe('cell,louvain (label),type\nb,L,T\nq,,B\n')
    await expect(put(who, 'cell,x\na,1\n', null)).rejects.toMatchObject({ code: 'base-mismatch' })
    expect((await put(who, 'cell,type\na,NK\nb,T\n', '1', 'add')).report.renamed).toEqual([
      { from: 'type', to: 'type (uploaded)' },
    ])
    expect((await put(who, 'cell,only\na,NK\n', '2')).version).toBe('3')
    expect(await read(who, '3')).toBe('cell,only\na,NK\n')
  })

  it.each([
    ['no cell of this dataset', 'cell,x\nq,1\nr,2\n', /None of the 2 names.*called like “a”/],
    ['a cell twice', 'cell,x\na,1\na,2\n', /“a” is in it twice/],
    ['a column twice', 'cell,x,x\na,1,2\n', /two columns have the name “x”/],
    ['a column without a name', 'cell,x,\na,1,2\n', /no name/],
    ['no labels', 'cell\na\n', /a column for each category/],
    ['a row that is too long', 'cell,x\na,1,2\n', /line 2 has more fields/],
    ['a quote that does not end', 'cell,x\na,"1\n', /no file of labels/],
    ['nothing', '', /no columns of labels/],
  ])('is refused before it reaches the vault: %s', async (_, csv, words) => {
    const who = aUser('refused')
    await expect(put(who, csv, null)).rejects.toMatchObject({
      code: 'bad-request',
      message: expect.stringMatching(words),
    })
    expect(await launcher.history(who, 'pbmc', 'labels')).toEqual([])
  })

  it('that is not UTF-8, or a table of numbers, says so', async () => {
    const who = aUser('latin')
    const latin = Buffer.from('cell,x\na,na\xefve\n', 'latin1')
    const upload = { body: latin, base: null, mode: 'replace' } as const
    await expect(launcher.uploadLabels(who, 'pbmc', upload)).rejects.toMatchObject({
      message: expect.stringContaining('CSV UTF-8'),
    })
    const numbers = `cell,n\n${Array.from({ length: 3000 }, (_, n) => `${n === 0 ? 'a' : `q${n}`},${n}`).join('\n')}\n`
    await expect(put(who, numbers, null)).rejects.toMatchObject({
      message: expect.stringContaining('column of numbers'),
    })
  })
})
