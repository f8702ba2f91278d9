/** Six people × two datasets at once, on real cellxgene: each lands in a viewer of their own, none in another's. */
import { execFileSync } from 'node:child_process'
import path from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Session } from '../../functions/core/session.ts'
import { makeData } from '../support/launcher-process.ts'
import { type LocalBed, startLocalBed } from '../support/local-bed.ts'
import { aUser } from '../support/ports.ts'
import { tempDir } from '../support/temp-dir.ts'
import { testPython, testSample } from '../support/tools.ts'

const people = ['ada', 'bob', 'cyd', 'dan', 'eve', 'flo'].map((name) => aUser(name))
const cells = { whole: 700, half: 350 } as const
type Id = keyof typeof cells
let bed: LocalBed

const makeHalf = `
import anndata, os, sys
anndata.read_h5ad(sys.argv[1])[:350].copy().write_h5ad(sys.argv[2])
os.utime(sys.argv[2], (1.7e9, 1.7e9))
`

beforeAll(async () => {
  const dir = tempDir()
  const dataDir = makeData(path.join(dir, 'data'), ['public/whole.h5ad'])
  execFileSync(testPython(), ['-I', '-c', makeHalf, testSample(), path.join(dataDir, 'public', 'half.h5ad')])
  bed = await startLocalBed(dir, {
    dataDir,
    args: ['--max-sessions-per-user', '2', '--viewer-memory', '16GB'],
    // Twelve that import at once on two processors are slow, not lost.
    limits: { startQuietMs: 600_000 },
  })
  const [first] = people
  for (let left = 1000; left > 0 && first; left -= 1) {
    const datasets = await bed.launcher.listDatasets(first)
    if (datasets.length === 2 && datasets.every(({ state }) => state === 'usable')) return
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error('the datasets did not become usable')
})
afterAll(() => bed?.close())

const call = async (session: Session, path: string, init: RequestInit & { headers?: Record<string, string> } = {}) =>
  fetch(`${bed.viewUrl}${session.routePath}api/v0.2/${path}`, {
    ...init,
    headers: { ...(await bed.pageCall(session)), ...init.headers },
  })

it('leads each to their own, and keeps what each saves apart', { timeout: 600_000 }, async () => {
  const pairs = people.flatMap((who) => (Object.keys(cells) as Id[]).map((id) => ({ who, id })))
  await Promise.all(pairs.map(({ who, id }) => bed.launcher.launch(who, id, { by: 'click' })))
  const visits = await Promise.all(
    pairs.map(async ({ who, id }) => ({ who, id, session: await bed.untilReady(who, id, 500_000) })),
  )
  expect(new Set(visits.map(({ session }) => session.id)).size).toBe(12)
  expect(bed.processes()).toHaveLength(24)

  const nameOf = (visit: (typeof visits)[number]) => `${visit.who.name} on ${visit.id}`
  await Promise.all(
    visits.map(async (visit) => {
      const schema = (await (await call(visit.session, 'schema')).json()) as { schema: { dataframe: { nObs: number } } }
      expect(schema.schema.dataframe.nObs).toBe(cells[visit.id])
      const set = {
        geneset_name: nameOf(visit),
        geneset_description: '',
        genes: [{ gene_symbol: 'CD79A', gene_description: '' }],
      }
      const saved = await call(visit.session, 'genesets', {
        method: 'PUT',
        headers: { 'content-type': 'application/json', 'x-cxod-base': 'none' },
        body: JSON.stringify({ tid: 1, genesets: [set] }),
      })
      expect([saved.status, saved.headers.get('x-cxod-genesets-version')]).toEqual([200, '1'])
    }),
  )
  await Promise.all(
    visits.map(async (visit) => {
      const { genesets } = (await (await call(visit.session, 'genesets')).json()) as {
        genesets: { geneset_name: string }[]
      }
      expect(genesets.map(({ geneset_name }) => geneset_name)).toEqual([nameOf(visit)])
      const kept = Buffer.from(await bed.launcher.readVersion(visit.who, visit.id, 'genesets', '1')).toString()
      for (const other of visits) expect(kept.includes(nameOf(other))).toBe(other === visit)
    }),
  )
})
