/** A dataset replaced under its viewer, on real cellxgene and real files: no label on another cell, none lost, all of it told. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, renameSync, rmSync } from 'node:fs'
import path from 'node:path'
import { deflateSync } from 'node:zlib'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { LabelTable } from '../../functions/core/label-table.ts'
import type { DatasetCells } from '../../functions/core/ports.ts'
import type { Session } from '../../functions/core/session.ts'
import { atOnce } from '../../functions/core/steps.ts'
import { parseLabels } from '../../functions/launcher/labels-csv.ts'
import { readLabels } from '../../functions/launcher/page-save.ts'
import { createCellNames } from '../../functions/platform/local/cell-names.ts'
import { makeData } from '../support/launcher-process.ts'
import { type LocalBed, startLocalBed } from '../support/local-bed.ts'
import { labelsBody } from '../support/page-saves.ts'
import { aUser } from '../support/ports.ts'
import { tempDir } from '../support/temp-dir.ts'
import { testPython, testSample } from '../support/tools.ts'

const ada = aUser('ada')
const dir = tempDir()
const file = path.join(dir, 'data', 'public', 'pbmc.h5ad')
let bed: LocalBed

/** Other order, 100 cells fewer, one more, and a column with the name of a label. */
const change = `
import anndata, numpy, os, sys
data = anndata.read_h5ad(sys.argv[1])
order = numpy.random.default_rng(7).permutation(data.n_obs)[100:]
data = data[order].copy()
data.obs_names = ["new-cell"] + list(data.obs_names[1:])
data.obs["mine"] = "of the file"
data.write_h5ad(sys.argv[2])
os.utime(sys.argv[2], (1.6e9, 1.6e9))
# A folder whose files are all gone at once is looked at for a minute before that is believed.
data[:50].copy().write_h5ad(sys.argv[3])
os.utime(sys.argv[3], (1.6e9, 1.6e9))
`
const other = path.join(dir, 'data', 'public', 'other.h5ad')
const replaced = path.join(dir, 'replaced.h5ad')

beforeAll(async () => {
  makeData(path.join(dir, 'data'), ['public/pbmc.h5ad'])
  execFileSync(testPython(), ['-I', '-c', change, testSample(), replaced, other], { stdio: 'ignore' })
  bed = await startLocalBed(dir, { dataDir: path.join(dir, 'data') })
})
afterAll(() => bed?.close())

async function until<T>(look: () => Promise<T | null | undefined | false>, what: string): Promise<T> {
  for (let left = 900; left > 0; left -= 1) {
    const found = await look()
    if (found) return found
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error(`not in time: ${what}`)
}
const dataset = (not = '') =>
  until(async () => {
    const found = (await bed.launcher.listDatasets(ada)).find(({ id }) => id === 'pbmc')
    return found?.state === 'usable' && found.version !== not && found
  }, 'a usable dataset of another version')
const cellsOf = async (version: string): Promise<DatasetCells> => {
  const cells = await createCellNames(path.join(bed.stateDir, 'cells'), { now: () => 0 }).get(version)
  if (cells === null) throw new Error('the cells are not kept')
  return cells
}
async function open(): Promise<Session> {
  await until(async () => {
    const session = await bed.launcher.findSession(ada, 'pbmc')
    return session === null || ['stopped', 'failed'].includes(session.state)
  }, 'the end of the session before')
  await bed.launcher.launch(ada, 'pbmc', { by: 'click' })
  return bed.untilReady(ada, 'pbmc', 120_000)
}
const call = async (session: Session, to: string, init: RequestInit = {}) =>
  fetch(`${bed.viewUrl}${session.routePath}${to}`, {
    ...init,
    headers: { ...(await bed.pageCall(session)), ...(init.headers as Record<string, string>) },
  })
const save = (session: Session, columns: Record<string, string[]>, base: string) =>
  call(session, 'api/v0.2/annotations/obs', {
    method: 'PUT',
    headers: { 'content-type': 'application/octet-stream', 'x-cxod-base': base },
    body: new Uint8Array(labelsBody(columns)),
  })

/** What the page of this session is shown, by cell: row by row as cellxgene answers, names from the file itself. */
async function shown(session: Session): Promise<LabelTable & { version: string | null }> {
  const { names } = await cellsOf(session.datasetVersion)
  const answer = await call(session, 'api/v0.2/schema')
  const { schema } = (await answer.json()) as {
    schema: { annotations: { obs: { columns: { name: string; writable: boolean }[] } } }
  }
  const columns = schema.annotations.obs.columns.filter(({ writable }) => writable).map(({ name }) => name)
  const query = columns.map((name) => `annotation-name=${encodeURIComponent(name)}`).join('&')
  const matrix = await call(session, `api/v0.2/annotations/obs?${query}`, {
    headers: { accept: 'application/octet-stream' },
  })
  expect(matrix.status).toBe(200)
  const table = await readLabels(deflateSync(Buffer.from(await matrix.arrayBuffer())), names)
  return { ...table, version: answer.headers.get('x-cxod-labels-version') }
}
const said = (table: Pick<LabelTable, 'columns' | 'rows'>, column: string, of?: ReadonlySet<string>) =>
  Object.fromEntries(
    [...table.rows]
      .map(([cell, words]) => [cell, words[table.columns.indexOf(column)] ?? ''] as const)
      .filter(([cell, word]) => word !== '' && word !== 'unassigned' && (of?.has(cell) ?? true))
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  )
const sorted = (facts: Iterable<readonly [string, string]>) =>
  Object.fromEntries([...facts].sort(([a], [b]) => (a < b ? -1 : 1)))
const newest = async () => {
  const [version] = await bed.launcher.history(ada, 'pbmc', 'labels')
  return atOnce(parseLabels(await bed.launcher.readVersion(ada, 'pbmc', 'labels', version?.version ?? '')))
}

it('keeps every label on its own cell through conflicts, replacement, return, another folder and removal', {
  timeout: 600_000,
}, async () => {
  const first = await dataset()
  const { names } = await cellsOf(first.version)
  expect(names).toHaveLength(700)
  // Each cell's label says which cell it is for.
  const mark = (cell: string) => `of ${cell.slice(0, 9)}`
  const mine = names.map((cell, row) => (row % 3 === 0 ? 'unassigned' : mark(cell)))
  const facts = (words: readonly string[]) =>
    sorted(names.flatMap((cell, row) => (words[row] === 'unassigned' ? [] : [[cell, words[row] ?? ''] as const])))

  const before = await open()
  const saved = await save(before, { mine }, 'none')
  expect([saved.status, saved.headers.get('x-cxod-labels-version')]).toEqual([200, '1'])
  expect(said(await shown(before), 'mine')).toEqual(facts(mine))

  // An upload while the page is open: the page's next save replaces nothing in silence, and is kept beside it.
  const csv = `cell,mine\n${names[0]},uploaded\nnobody,uploaded too\n`
  await bed.launcher.uploadLabels(ada, 'pbmc', { body: Buffer.from(csv), base: '1', mode: 'replace' })
  const edited = mine.map((word, row) => (row === 3 ? mark(names[3] ?? '') : word))
  const refused = await save(before, { mine: edited }, '1')
  expect(refused.status).toBe(412)
  expect(((await refused.json()) as { latest: object }).latest).toMatchObject({ version: '2', savedBy: 'ada' })
  expect(said(await newest(), 'mine')).toEqual({ [names[0] ?? '']: 'uploaded', nobody: 'uploaded too' })
  const body = labelsBody({ mine: edited })
  const held = { datasetVersion: first.version, base: '1', body }
  const merged = await bed.launcher.keepBeside(ada, 'pbmc', 'labels', held)
  expect(merged).toMatchObject({ version: '3', report: { renamed: [{ from: 'mine', to: 'mine (ada)' }] } })
  expect((await call(before, '-/look', { method: 'POST' })).headers.get('x-cxod-labels-version')).toBe('3')
  const both = await shown(before)
  expect(both.version).toBe('3')
  expect(said(both, 'mine (ada)')).toEqual(facts(edited))
  expect(said(both, 'mine')).toEqual({ [names[0] ?? '']: 'uploaded' })

  // The file is replaced under the open page, which has not saved its last change.
  renameSync(replaced, file)
  const second = await dataset(first.version)
  const cells = await cellsOf(second.version)
  const there = new Set(cells.names)
  expect([cells.names.length, cells.columns.includes('mine')]).toEqual([600, true])
  const last = edited.map((word, row) => (row === 6 ? mark(names[6] ?? '') : word))
  const columns = { mine: names.map((_, row) => (row === 0 ? 'uploaded' : 'unassigned')), 'mine (ada)': last }
  const onOld = { datasetVersion: first.version, base: '3', body: labelsBody(columns) }
  const kept = await bed.launcher.keepBeside(ada, 'pbmc', 'labels', onOld)
  expect(kept.report.renamed).toEqual([{ from: 'mine', to: 'mine (label)' }])
  const history = await bed.launcher.history(ada, 'pbmc', 'labels')
  expect(
    history.map(({ origin, datasetVersion }) => [origin.split(':')[0], datasetVersion === second.version]),
  ).toEqual([
    ['carry-over', true],
    ['merge', false],
    ['merge', false],
    ['upload', false],
    ['session', false],
  ])
  expect(history.find(({ origin }) => origin.startsWith('session'))?.datasetVersion).toBe(first.version)

  const after = await open()
  expect(after.datasetVersion).toBe(second.version)
  expect(bed.log()).toContain('dataset-changed')
  const now = await shown(after)
  expect(now.columns).toEqual(['mine (label)', 'mine (ada)'])
  expect(said(now, 'mine (ada)')).toEqual(sorted(Object.entries(facts(last)).filter(([cell]) => there.has(cell))))
  const lost = Object.keys(facts(last)).filter((cell) => !there.has(cell)).length
  expect(lost).toBeGreaterThan(50)
  const carried = await bed.launcher.carried(ada, 'pbmc')
  expect(carried?.version).toBe(now.version)
  expect(carried?.report.unmatchedCells).toBeGreaterThanOrEqual(lost)

  // A page of the old version speaks to the new viewer: refused before anything is touched.
  const stale = await fetch(`${bed.viewUrl}${after.routePath}api/v0.2/annotations/obs`, {
    method: 'PUT',
    headers: {
      ...(await bed.pageCall(after)),
      'x-cxod-dataset-version': first.version,
      'x-cxod-base': now.version ?? '',
    },
    body: new Uint8Array(labelsBody(columns)),
  })
  expect(stale.status).toBe(409)

  // A save on the new version keeps the labels of cells that it does not have, and they come back with their cells.
  const words = now.columns.map((_, at) => cells.names.map((cell) => now.rows.get(cell)?.[at] ?? ''))
  const changed = { 'mine (label)': words[0] ?? [], 'mine (ada)': (words[1] ?? []).with(0, 'of the new one') }
  expect((await save(after, changed, now.version ?? '')).status).toBe(200)
  expect(await bed.launcher.carried(ada, 'pbmc')).toBeNull()
  await bed.launcher.stop(ada, after.id)
  makeData(path.join(dir, 'data'), ['public/pbmc.h5ad'])
  await dataset(second.version)
  const back = await open()
  expect(back.datasetVersion).toBe(first.version)
  expect(said(await shown(back), 'mine (ada)')).toEqual(facts(last))
  expect(said(await newest(), 'mine (ada)')).toEqual(
    sorted([...Object.entries(facts(last)), ['new-cell', 'of the new one']]),
  )
  // A cell that neither file has ever had.
  expect(said(await newest(), 'mine (label)')).toEqual(
    sorted([
      [names[0] ?? '', 'uploaded'],
      ['nobody', 'uploaded too'],
    ]),
  )
  await bed.launcher.stop(ada, back.id)

  // In another group's folder, then removed: nobody opens it, and the labels are still theirs to download.
  mkdirSync(path.join(dir, 'data', 'others'))
  renameSync(file, path.join(dir, 'data', 'others', 'pbmc.h5ad'))
  await until(async () => (await bed.launcher.listDatasets(ada)).every(({ id }) => id !== 'pbmc'), 'the move')
  await expect(bed.launcher.getDataset(ada, 'pbmc')).rejects.toMatchObject({ code: 'not-allowed' })
  await expect(bed.launcher.launch(ada, 'pbmc', { by: 'click' })).rejects.toMatchObject({ code: 'not-allowed' })
  expect((await bed.launcher.listAnnotations(ada)).map(({ dataset: { id } }) => id)).toEqual(['pbmc'])
  const complete = facts(last)
  expect(said(await newest(), 'mine (ada)', new Set(names))).toEqual(complete)
  rmSync(path.join(dir, 'data', 'others', 'pbmc.h5ad'))
  await until(async () => (await bed.launcher.listAnnotations(ada))[0]?.dataset.state === 'removed', 'the removal')
  expect(said(await newest(), 'mine (ada)', new Set(names))).toEqual(complete)
})
