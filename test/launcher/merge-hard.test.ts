/** Labels that meet others at bad moments: what was kept before, what nobody but the launcher has changed, and what no reader can take. */
import { deflateSync, inflateSync } from 'node:zlib'
import { afterAll, describe, expect, it } from 'vitest'
import { isLauncherError } from '../../functions/core/errors.ts'
import { defaultLimits } from '../../functions/core/limits.ts'
import { atOnce } from '../../functions/core/steps.ts'
import { parseGeneSets } from '../../functions/launcher/gene-sets-csv.ts'
import { createLauncher } from '../../functions/launcher/index.ts'
import { parseLabels } from '../../functions/launcher/labels-csv.ts'
import { geneSetsBody, labelsBody } from '../support/page-saves.ts'
import { aDataset, aUser, gateOf, openTestBed } from '../support/ports.ts'
import { tempDir } from '../support/temp-dir.ts'

const bed = await openTestBed(tempDir(), [aDataset()])
afterAll(() => bed.store.close())
const launcher = bed.launcher({ liveSessionsPerUser: 99, liveSessions: 999 })
const text = (body: string) => new TextEncoder().encode(body)
await bed.ports.cells.put('v1', { names: ['a', 'b', 'c'], columns: ['n_genes'] })
await bed.ports.cells.put('v2', { names: ['c', 'x', 'a'], columns: ['n_genes', 'mine'] })

let people = 0
const somebody = () => aUser(`somebody-${++people}`)
const ref = (who: { id: string }) => ({ ownerId: who.id, datasetId: 'pbmc', kind: 'labels' }) as const
async function keep(who: { id: string }, csv: string, over: Record<string, string | null> = {}) {
  const base = (await bed.ports.vault.latest(ref(who)))?.version ?? null
  const meta = { base, savedBy: 'Ada', origin: 'session:x', obsIndexHash: 'h1', requestSha256: 'f'.repeat(64) }
  return bed.ports.vault.put(ref(who), text(csv), { ...meta, datasetVersion: 'v1', ...over })
}
async function newest(who: { id: string }) {
  const version = (await bed.ports.vault.latest(ref(who)))?.version ?? ''
  const { columns, rows } = atOnce(parseLabels(await bed.ports.vault.read(ref(who), version)))
  return { columns, rows: Object.fromEntries(rows) }
}
async function datasetIs(version: string) {
  const dataset = aDataset({ version })
  await bed.ports.catalogue.put({ ...dataset, index: dataset.index && { ...dataset.index, obsIndexHash: version } })
}
const held = (columns: Record<string, string[]>, base: string | null, datasetVersion = 'v1') => ({
  ...{ base, datasetVersion },
  body: labelsBody(columns),
})

describe('what a page could not save', () => {
  it('is kept although the very same was saved once, before what it stands on', async () => {
    await datasetIs('v1')
    const who = somebody()
    // The page's own first save went through a gate, with this very body; then came others.
    const { createHash } = await import('node:crypto')
    const save = held({ type: ['T', 'B', ''] }, '2')
    await keep(who, 'index,type\na,T\nb,B\n', { requestSha256: createHash('sha256').update(save.body).digest('hex') })
    await keep(who, 'index,type\na,NK\n')
    await keep(who, 'index,type\na,theirs\n')
    const merged = await launcher.keepBeside(who, 'pbmc', 'labels', save)
    expect(merged.version).toBe('4')
    expect(merged.report.renamed).toEqual([{ from: 'type', to: `type (${who.name})` }])
    expect((await newest(who)).rows.b).toEqual(['', 'B'])
  })

  it('replaces its own base when nobody but the launcher has written since: no column twice', async () => {
    await datasetIs('v2')
    const who = somebody()
    await keep(who, 'index,mine\na,old\nz,elsewhere\n')
    const session = await launcher.launch(who, 'pbmc', { by: 'click' })
    await launcher.knock(gateOf(session))
    expect((await newest(who)).columns).toEqual(['mine (label)'])
    const merged = await launcher.keepBeside(who, 'pbmc', 'labels', held({ mine: ['new', 'B', ''] }, '1'))
    expect(merged.report.renamed).toEqual([{ from: 'mine', to: 'mine (label)' }])
    const now = await newest(who)
    expect(now.columns).toEqual(['mine (label)'])
    expect(now.rows).toMatchObject({ a: ['new'], b: ['B'], z: ['elsewhere'] })
    const origins = (await launcher.history(who, 'pbmc', 'labels')).map(({ origin }) => origin)
    expect(origins).toEqual(['carry-over:3', 'merge:1', 'carry-over:1', 'session:x'])
  })

  it('says the whole of what became of it when its answer was lost and it is sent again', async () => {
    await datasetIs('v2')
    const who = somebody()
    await keep(who, 'index,mine\na,old\n')
    const save = held({ mine: ['new', 'B', ''] }, '1')
    const first = await launcher.keepBeside(who, 'pbmc', 'labels', save)
    expect(await launcher.keepBeside(who, 'pbmc', 'labels', save)).toEqual(first)
  })

  it('takes cells that the file does not have along when its category was renamed', async () => {
    await datasetIs('v1')
    const who = somebody()
    await keep(who, 'index,type,other\na,T,x\nz,elsewhere,y\n')
    await launcher.keepBeside(who, 'pbmc', 'labels', held({ kind: ['T', '', ''], other: ['x', '', ''] }, '1'))
    const now = await newest(who)
    expect(now.columns).toEqual(['kind', 'other'])
    expect(now.rows.z).toEqual(['elsewhere', 'y'])
  })

  it('is not taken for another because of cells that its page could not know', async () => {
    await datasetIs('v1')
    const who = somebody()
    await keep(who, 'index,type\na,T\nz,elsewhere\n')
    const save = held({ type: ['T', '', ''], new: ['', 'n', ''] }, null)
    const merged = await launcher.keepBeside(who, 'pbmc', 'labels', save)
    expect(merged.report.renamed).toEqual([])
    expect((await newest(who)).columns).toEqual(['type', 'new'])
  })

  it('has numbers and truth as the viewer writes them', async () => {
    await datasetIs('v1')
    const who = somebody()
    const json = labelsBody({ flag: [true, false, null] as unknown as string[], n: [1, 2.5, 3] as unknown as string[] })
    await launcher.keepBeside(who, 'pbmc', 'labels', { base: null, datasetVersion: 'v1', body: json })
    expect((await newest(who)).rows).toEqual({ a: ['True', '1'], b: ['False', '2.5'], c: ['', '3'] })
  })
})

describe('gene sets that a page could not save', () => {
  const keptOf = async (who: { id: string }) => {
    const setsRef = { ...ref(who), kind: 'genesets' } as const
    const version = (await bed.ports.vault.latest(setsRef))?.version ?? ''
    const sets = parseGeneSets(await bed.ports.vault.read(setsRef, version))
    return Object.fromEntries(sets.map(({ name, genes }) => [name, genes.map(({ symbol }) => symbol)]))
  }
  const csv = (...lines: string[]) =>
    text(['gene_set_name,gene_set_description,gene_symbol,gene_description', ...lines, ''].join('\n'))
  const put = (who: { id: string }, body: Uint8Array) =>
    bed.ports.vault.put({ ...ref(who), kind: 'genesets' }, body, {
      ...{ base: null, savedBy: 'Ada', origin: 'session:x', obsIndexHash: 'h1', requestSha256: 'f'.repeat(64) },
      datasetVersion: 'v3',
    })

  it('keep the genes that their page could not see, under an old and under a new name', async () => {
    await bed.ports.cells.put('v3', { names: ['a'], columns: [], genes: ['CD3D', 'CD79A'] })
    const who = somebody()
    await put(who, csv('T,,CD3D,', 'T,,GONE1,', 'B,,CD79A,', 'B,,GONE2,'))
    const body = geneSetsBody({ T: ['CD79A'], renamed: ['CD79A'] })
    await launcher.keepBeside(who, 'pbmc', 'genesets', { datasetVersion: 'v3', base: '1', body })
    expect(await keptOf(who)).toEqual({ T: ['CD79A', 'GONE1'], renamed: ['CD79A', 'GONE2'] })
  })

  it('are no others because of such genes, and get names that cellxgene takes', async () => {
    const who = { ...somebody(), name: 'Åsa  Öberg 日本' }
    await put(who, csv('T,,CD3D,', 'T,,GONE1,', 'B,,CD79A,'))
    const body = geneSetsBody({ T: ['CD3D'], B: ['CD3D'] })
    const merged = await launcher.keepBeside(who, 'pbmc', 'genesets', { datasetVersion: 'v3', base: null, body })
    expect(merged.report.renamed).toEqual([{ from: 'B', to: 'B (Asa Oberg)' }])
    expect(await keptOf(who)).toEqual({ T: ['CD3D', 'GONE1'], B: ['CD79A'], 'B (Asa Oberg)': ['CD3D'] })
  })
})

describe('a body made to fill the launcher’s memory', () => {
  /** A save whose one column holds this text as its JSON. */
  const bodyWith = (json: string) => {
    const marker = JSON.stringify(['@'.repeat(json.length - 4)])
    const inflated = Buffer.from(inflateSync(labelsBody({ x: ['@'.repeat(json.length - 4)] })))
    const at = inflated.indexOf(marker)
    expect(at).toBeGreaterThan(0)
    inflated.write(json, at)
    return deflateSync(inflated)
  }

  it.each([
    ['a list of a hundred million nothings', () => `[${'0,'.repeat(50_000_000)}0]`],
    ['a list of lists of lists', () => `${'['.repeat(50_000_000)}${']'.repeat(50_000_000)}`],
  ])('is refused before it is unfolded: %s', async (_, make) => {
    const body = bodyWith(make())
    const before = process.memoryUsage().heapUsed
    let most = 0
    const watch = setInterval(() => (most = Math.max(most, process.memoryUsage().heapUsed - before)), 20)
    const save = { base: null, datasetVersion: 'v1', body }
    await expect(launcher.keepBeside(somebody(), 'pbmc', 'labels', save)).rejects.toMatchObject({ code: 'bad-request' })
    clearInterval(watch)
    most = Math.max(most, process.memoryUsage().heapUsed - before)
    expect(most).toBeLessThan(200 * 2 ** 20)
  })
})

describe('a save that is cut or bent', () => {
  it('never passes for one that deletes labels: every byte changed to zero is refused or says the same', async () => {
    await datasetIs('v1')
    const whole = inflateSync(labelsBody({ type: ['T', 'B', ''], other: ['x', '', 'y'] }))
    const labelsOf = ({ rows }: Awaited<ReturnType<typeof newest>>) =>
      Object.values(rows)
        .flat()
        .filter((word) => word !== '').length
    for (let at = 0; at < whole.length; at++) {
      if (whole[at] === 0) continue
      const bent = Buffer.from(whole)
      bent[at] = 0
      const who = somebody()
      const save = { base: null, datasetVersion: 'v1', body: deflateSync(bent) }
      const outcome = await launcher.keepBeside(who, 'pbmc', 'labels', save).catch((error: unknown) => error)
      if (isLauncherError(outcome)) expect(outcome.code, `byte ${at}`).toBe('bad-request')
      else {
        expect(outcome, `byte ${at}`).not.toBeInstanceOf(Error)
        expect(labelsOf(await newest(who)), `byte ${at}`).toBe(4)
      }
    }
  })
})

describe('labels that take long to bring over', () => {
  it('keep their gate asking, are brought over once, and are there when it is told its work', async () => {
    await datasetIs('v2')
    const who = somebody()
    await keep(who, 'index,mine\na,T\n')
    let release = () => {}
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    let reads = 0
    const { cells } = bed.ports
    const slow = createLauncher(
      {
        ...bed.ports,
        cells: {
          ...cells,
          async get(version) {
            reads++
            await held
            return cells.get(version)
          },
        },
      },
      { ...defaultLimits, liveSessionsPerUser: 99, liveSessions: 999 },
      { apiSilenceMs: 60_000, beatMs: 15_000, routeKey: {} },
    )
    const session = await slow.launch(who, 'pbmc', { by: 'click' })
    expect(await slow.knock(gateOf(session))).toMatchObject({ status: 'not-yet' })
    expect(await slow.knock(gateOf(session))).toMatchObject({ status: 'not-yet' })
    release()
    await expect.poll(() => slow.knock(gateOf(session))).toMatchObject({ status: 'work', work: { labelsVersion: '2' } })
    expect(reads).toBe(1)
    expect((await newest(who)).columns).toEqual(['mine (label)'])
  })
})

describe('labels that can’t be read', () => {
  it('do not keep a session from its work: the viewer says so in its own words', async () => {
    await datasetIs('v2')
    const who = somebody()
    await keep(who, 'index,type\na,T\na,B\n')
    const session = await launcher.launch(who, 'pbmc', { by: 'click' })
    const answer = await launcher.knock(gateOf(session))
    expect(answer).toMatchObject({ status: 'work', work: { labelsVersion: '1' } })
    expect(await launcher.history(who, 'pbmc', 'labels')).toHaveLength(1)
  })
})
