/** Many people at once: each lands in a viewer of their own, and none in another's. Real launcher, store, router and gates. */
import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { deflateSync } from 'node:zlib'
import { Agent, fetch, type RequestInit } from 'undici'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { User } from '../../functions/core/principal.ts'
import type { Session } from '../../functions/core/session.ts'
import { createInProcessTasks } from '../support/in-process-tasks.ts'
import { type LocalBed, startLocalBed } from '../support/local-bed.ts'
import { aDataset, aUser } from '../support/ports.ts'
import { tempDir } from '../support/temp-dir.ts'

const people = Array.from({ length: Number(process.env.CROWD ?? 100) }, (_, n) => aUser(`person-${n}`))
const ids = ['a', 'b', 'c', 'd', 'e']
const longMs = 600_000
type Visit = { who: User; session: Session }
let bed: LocalBed
let visits: Visit[]

beforeAll(async () => {
  const dir = tempDir()
  const dataDir = path.join(dir, 'data')
  mkdirSync(path.join(dataDir, 'public'), { recursive: true })
  for (const id of ids) writeFileSync(path.join(dataDir, 'public', `${id}.h5ad`), Buffer.alloc(1000, id))
  bed = await startLocalBed(dir, {
    dataDir,
    args: ['--max-sessions', '600', '--max-sessions-per-user', '5', '--viewer-memory', '600GB'],
    datasets: ids.map((id) =>
      aDataset({ id, path: `public/${id}.h5ad`, version: `version-of-${id}`, title: `Set ${id}` }),
    ),
    followFolder: false,
    createTasks: createInProcessTasks,
    // Everything of 500 machines runs in this one process: what is shown is who lands where, not how fast.
    gateTimes: { beatMs: 60_000, apiSilenceMs: longMs },
    limits: {
      silenceMs: longMs,
      startQuietMs: longMs,
      requestedMs: 3 * longMs,
      graceMs: 2 * longMs,
      apiTimeoutMs: longMs,
    },
    doorTimes: { headersMs: longMs, requestMs: longMs, checkEveryMs: longMs },
  })
}, 180_000)
afterAll(() => bed?.close(), 120_000)

// A thousand connections at once to a process that is busy with the first of them.
const dispatcher = new Agent({ connect: { timeout: longMs }, headersTimeout: longMs, bodyTimeout: longMs })
afterAll(() => dispatcher.close())
const call = async (path: string, headers: Record<string, string>, init: RequestInit = {}) =>
  fetch(`${bed.viewUrl}${path}`, { ...init, headers, dispatcher })

describe('100 people × 5 datasets at once, on a stand-in viewer', () => {
  it('starts one viewer for each pair', { timeout: 600_000 }, async () => {
    const pairs = people.flatMap((who) => ids.map((datasetId) => ({ who, datasetId })))
    await Promise.all(pairs.map(({ who, datasetId }) => bed.launcher.launch(who, datasetId, { by: 'click' })))
    visits = await Promise.all(
      pairs.map(async ({ who, datasetId }) => ({ who, session: await bed.untilReady(who, datasetId, 240_000) })),
    )
    expect(new Set(visits.map(({ session }) => session.id)).size).toBe(people.length * 5)
    expect(new Set(visits.map(({ session }) => session.routePath)).size).toBe(people.length * 5)
  })

  it('leads each to their own viewer, and keeps what each saves apart', { timeout: 600_000 }, async () => {
    await Promise.all(
      visits.map(async ({ who, session }) => {
        const headers = await bed.pageCall(session)
        const schema = await call(`${session.routePath}api/v0.2/schema`, headers)
        expect(schema.status).toBe(200)
        const { work } = (await schema.json()) as { work: { title: string } }
        expect(work.title).toBe(`Set ${session.datasetId}`)
        const saved = await call(
          `${session.routePath}api/v0.2/annotations/obs`,
          { ...headers, 'x-cxod-base': 'none', 'content-type': 'application/octet-stream' },
          { method: 'PUT', body: deflateSync(`labels of ${who.id} on ${session.datasetId}`) },
        )
        expect([saved.status, saved.headers.get('x-cxod-labels-version')]).toEqual([200, '1'])
      }),
    )
    for (const { who, session } of visits) {
      const kept = await bed.launcher.readVersion(who, session.datasetId, 'labels', '1')
      expect(Buffer.from(kept).toString()).toBe(`labels of ${who.id} on ${session.datasetId}`)
    }
  })

  it('lets nobody into another’s viewer, whoever’s cookie they show', { timeout: 600_000 }, async () => {
    await Promise.all(
      visits.map(async ({ who, session }, n) => {
        const other = visits[(n + 7) % visits.length] as Visit
        const mine = await bed.pageCall(session)
        const theirs = `${other.session.routePath}api/v0.2/schema`
        expect((await call(theirs, mine)).status).toBe(401)
        // With the right cookie, but a page that somebody else loaded.
        const page = { ...(await bed.pageCall(other.session)), 'x-cxod-owner': who.id }
        if (who.id !== other.who.id) expect((await call(theirs, page)).status).toBe(409)
      }),
    )
  })

  it('ends them all in order, with a receipt each', { timeout: 600_000 }, async () => {
    for (const { who } of visits)
      for (const session of await bed.launcher.listSessions(who)) await bed.launcher.stop(who, session.id)
    expect((await bed.launcher.receipts(people[0] as User)).map(({ cause }) => cause)).toEqual(Array(5).fill('user'))
    expect(await bed.launcher.sweep()).toEqual({ tasks: [], routes: [] })
  })
})
