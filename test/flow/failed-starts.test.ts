/** Starts that fail, on the real launcher: nothing loops by itself, a click always may, and the reason is said in plain words. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { defaultLimits } from '../../functions/core/limits.ts'
import type { Session } from '../../functions/core/session.ts'
import { lobbyStatus } from '../../functions/lobby/status.ts'
import { createCatalogue } from '../../functions/platform/dynamo/catalogue.ts'
import { createSessionStore } from '../../functions/platform/dynamo/sessions.ts'
import { openStore } from '../../functions/platform/local/store.ts'
import { type ApiUser, byLink } from '../support/api-user.ts'
import { bundleProgram } from '../support/bundle-program.ts'
import { makeData } from '../support/launcher-process.ts'
import { type LocalBed, startLocalBed } from '../support/local-bed.ts'
import { aDataset, aUser } from '../support/ports.ts'
import { tempDir } from '../support/temp-dir.ts'
import { testPython } from '../support/tools.ts'

const admin = aUser('admin', { admin: true })

async function over(bed: LocalBed, datasetId: string): Promise<Session> {
  for (let left = 300; left > 0; left -= 1) {
    const session = await bed.launcher.findSession(admin, datasetId)
    if (session && ['stopped', 'failed'].includes(session.state)) return session
    await bed.launcher.waitForChange(admin.id, datasetId, 200)
  }
  throw new Error('the session did not end')
}

describe('a viewer that dies at its start', () => {
  const dir = tempDir()
  const works = path.join(dir, 'works')
  let bed: LocalBed
  beforeAll(async () => {
    const dataDir = makeData(path.join(dir, 'data'), ['public/pbmc.h5ad'])
    const program = await bundleProgram(path.resolve(import.meta.dirname, '../support/stand-in-viewer-main.ts'), dir)
    // Once the file is there it works: one program for both, as with a disk that was full.
    const viewer = path.join(dir, 'viewer.sh')
    writeFileSync(viewer, `#!/bin/sh\ntest -e ${works} || exit 3\nexec ${process.execPath} ${program} "$@"\n`, {
      mode: 0o755,
    })
    const sizeBytes = statSync(path.join(dataDir, 'public', 'pbmc.h5ad')).size
    bed = await startLocalBed(dir, {
      dataDir,
      args: ['--sandbox', 'none'],
      datasets: [aDataset({ sizeBytes })],
      followFolder: false,
      viewerCommand: [viewer],
    })
  })
  afterAll(() => bed?.close())

  const wake = (by: 'page' | 'click') => bed.launcher.launch(admin, 'pbmc', { by })
  const starts = () => bed.log().split('"event":"task started"').length - 1

  /** As if its last end had been that long ago. */
  async function age(ms: number): Promise<void> {
    const store = await openStore(bed.stateDir)
    const sessions = createSessionStore(store.table)
    const session = await sessions.get(admin.id, 'pbmc')
    if (session?.ending) {
      const ending = { ...session.ending, at: session.ending.at - ms }
      expect(await sessions.advance(session, { ...session, ending })).not.toBeNull()
    }
    await store.close()
  }

  it('is started again by the page once, then only by a click; the count ends with its time or with a success', async () => {
    await wake('page')
    expect((await over(bed, 'pbmc')).ending).toMatchObject({ cause: 'task-lost', detail: expect.stringContaining('3') })
    await wake('page')
    expect(await over(bed, 'pbmc')).toMatchObject({ failedStarts: 1, ending: { cause: 'task-lost' } })
    expect(starts()).toBe(2)

    await expect(wake('page')).rejects.toMatchObject({ code: 'needs-click' })
    await expect(wake('page')).rejects.toMatchObject({ code: 'needs-click' })
    expect(starts()).toBe(2)
    await wake('click')
    expect((await over(bed, 'pbmc')).failedStarts).toBe(2)
    await expect(wake('page')).rejects.toMatchObject({ code: 'needs-click' })
    expect(starts()).toBe(3)

    await age(defaultLimits.failureWindowMs - 60_000)
    await expect(wake('page')).rejects.toMatchObject({ code: 'needs-click' })
    await age(61_000)
    await wake('page')
    expect((await over(bed, 'pbmc')).failedStarts).toBe(0)
    await wake('page')
    expect((await over(bed, 'pbmc')).failedStarts).toBe(1)

    writeFileSync(works, '')
    await wake('click')
    const session = await bed.untilReady(admin, 'pbmc')
    const viewer = bed.processes().find(({ role, sessionId }) => role === 'viewer' && sessionId === session.id)
    if (!viewer) throw new Error('no viewer is recorded')
    rmSync(works)
    process.kill(viewer.pid, 'SIGKILL')
    expect((await over(bed, 'pbmc')).id).toBe(session.id)
    // It had worked: one that is lost is brought back, and counts from the beginning.
    await wake('page')
    expect((await over(bed, 'pbmc')).failedStarts).toBe(0)
    await wake('page')
    await over(bed, 'pbmc')
    await expect(wake('page')).rejects.toMatchObject({ code: 'needs-click' })
  })
})

/** Nothing to draw: the index refuses such files, but one may be swapped in after it has looked. */
const makeBroken = `
import anndata, sys
data = anndata.read_h5ad(sys.argv[1])
for name in list(data.obsm): del data.obsm[name]
data.write_h5ad(sys.argv[1])
`

describe('a file that cellxgene can’t load', () => {
  const dir = tempDir()
  let bed: LocalBed
  let version = 'v1'
  let user: ApiUser
  const file = path.join(dir, 'data', 'public', 'pbmc.h5ad')
  const dataset = () => aDataset({ sizeBytes: statSync(file).size, version })

  beforeAll(async () => {
    makeData(path.join(dir, 'data'), ['public/pbmc.h5ad'])
    execFileSync(testPython(), ['-I', '-W', 'ignore', '-c', makeBroken, file], { stdio: 'ignore' })
    bed = await startLocalBed(dir, { dataDir: path.join(dir, 'data'), datasets: [dataset()], followFolder: false })
  })
  afterAll(() => bed?.close())

  it('says why on the page, in the sessions, in the receipt and on the dataset’s page; a click tries again, a page does not', async () => {
    const words = /no embedding that can be drawn/
    await bed.launcher.launch(admin, 'pbmc', { by: 'click' })
    const session = await over(bed, 'pbmc')
    expect(session.ending).toMatchObject({ cause: 'load-failed', detail: expect.stringContaining('No valid layout') })
    const status = lobbyStatus(admin, dataset(), { session, queue: null, carried: null }, Date.now(), defaultLimits)
    expect(status).toMatchObject({
      state: 'failed',
      problem: { code: 'load-failed', title: expect.stringMatching(words) },
    })
    expect(status.problem?.detail).toMatch(/sc\.tl\.umap.*\(No valid layout data\.\)/)

    user = await byLink(bed)
    for (const address of ['/api/sessions', '/api/receipts', '/sessions', '/datasets/pbmc'])
      expect(JSON.stringify((await user.call(address)).json)).toMatch(words)

    await expect(bed.launcher.launch(admin, 'pbmc', { by: 'page' })).rejects.toMatchObject({ code: 'needs-click' })
    const again = await bed.launcher.launch(admin, 'pbmc', { by: 'click' })
    expect(again.id).not.toBe(session.id)
    expect((await over(bed, 'pbmc')).ending?.cause).toBe('load-failed')
    await expect(bed.launcher.launch(admin, 'pbmc', { by: 'page' })).rejects.toMatchObject({ code: 'needs-click' })
  })

  it('is tried by the page again when the file is another', async () => {
    rmSync(path.join(dir, 'data'), { recursive: true })
    mkdirSync(path.join(dir, 'data'))
    makeData(path.join(dir, 'data'), ['public/pbmc.h5ad'])
    version = 'v2'
    const store = await openStore(bed.stateDir)
    await createCatalogue(store.table).put(dataset())
    await store.close()
    expect(JSON.stringify((await user.call('/datasets/pbmc')).json)).not.toMatch(/Last time/)
    await bed.launcher.launch(admin, 'pbmc', { by: 'page' })
    await bed.untilReady(admin, 'pbmc')
  })
})
