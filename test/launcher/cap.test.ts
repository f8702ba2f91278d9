/** A person's cap of live viewers where several processes launch in the same milliseconds, and one does not see the other in time. */
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { defaultLimits, type Limits } from '../../functions/core/limits.ts'
import type { Ports } from '../../functions/core/ports.ts'
import { isLive } from '../../functions/core/session.ts'
import { createLauncher, type Launcher } from '../../functions/launcher/index.ts'
import { aDataset, aUser, openTestBed } from '../support/ports.ts'
import { tempDir } from '../support/temp-dir.ts'

const datasets = ['a', 'b', 'c'].map((id) => aDataset({ id, path: `public/${id}.h5ad` }))
const bed = await openTestBed(tempDir(), datasets)
afterAll(() => bed.store.close())
let who = aUser('nobody')
let count = 0
beforeEach(() => {
  who = aUser(`person-${++count}`)
})

const byClick = { by: 'click' } as const
const gate = () => {
  let open = () => {}
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return { open, opened }
}

/**
 * A process of its own, which comes to its claim, is held there, goes on when told, and says when it has looked after it.
 * @param before what it waits for before each look after its claim
 */
function held(over: Partial<Limits>, ...before: Promise<void>[]) {
  const [claims, goOn, looked] = [gate(), gate(), gate()]
  let claimed = false
  const sessions: Ports['sessions'] = {
    ...bed.ports.sessions,
    async claim(fresh) {
      claims.open()
      await goOn.opened
      claimed = true
      return bed.ports.sessions.claim(fresh)
    },
    async listByOwner(ownerId) {
      if (!claimed) return bed.ports.sessions.listByOwner(ownerId)
      await before.shift()
      const found = await bed.ports.sessions.listByOwner(ownerId)
      looked.open()
      return found
    },
  }
  return { launcher: process({ sessions }, over), claims: claims.opened, goOn: goOn.open, looked: looked.opened }
}

function process(ports: Partial<Ports>, over: Partial<Limits>): Launcher {
  const limits = { ...defaultLimits, liveSessionsPerUser: 1, liveSessions: 999, ...over }
  return createLauncher({ ...bed.ports, ...ports }, limits, { apiSilenceMs: 60_000, beatMs: 15_000, routeKey: {} })
}

const live = async () => (await bed.ports.sessions.listByOwner(who.id)).filter(isLive).map(({ datasetId }) => datasetId)
const tooMany = { code: 'too-many-sessions' }

describe('the older launch of two, claimed after the younger had looked', () => {
  it('gives way to the one that gets its task', async () => {
    const older = held({})
    const first = older.launcher.launch(who, 'a', byClick)
    // Its refusal may come before anybody waits for it, which vitest would take for an error of the run.
    first.catch(() => {})
    await older.claims
    bed.clock.advance(1)
    const [starts, mayStart] = [gate(), gate()]
    const tasks: Ports['tasks'] = {
      ...bed.tasks,
      async start(spec) {
        starts.open()
        await mayStart.opened
        await bed.tasks.start(spec)
      },
    }
    const second = process({ tasks }, {}).launch(who, 'b', byClick)
    await starts.opened
    older.goOn()
    await older.looked
    mayStart.open()
    expect(await second).toMatchObject({ state: 'starting', datasetId: 'b' })
    await expect(first).rejects.toMatchObject(tooMany)
    expect(await live()).toEqual(['b'])
  })

  it('stays when the younger looks late and gives way itself', async () => {
    const gaveWay = gate()
    const older = held({}, Promise.resolve(), gaveWay.opened)
    const first = older.launcher.launch(who, 'a', byClick)
    await older.claims
    bed.clock.advance(1)
    const younger = held({}, older.looked)
    const second = younger.launcher.launch(who, 'b', byClick)
    second.catch(() => {})
    await younger.claims
    younger.goOn()
    await expect.poll(live, { timeout: 30_000 }).toEqual(['b'])
    older.goOn()
    await expect(second).rejects.toMatchObject(tooMany)
    gaveWay.open()
    expect(await first).toMatchObject({ state: 'starting', datasetId: 'a' })
    expect(await live()).toEqual(['a'])
  })

  it('leaves the line when the younger waits there already', async () => {
    // Somebody else has the only place.
    const full = { liveSessions: 1 }
    await bed.launcher().launch(aUser(`before ${who.name}`), 'c', byClick)
    const older = held(full)
    const first = older.launcher.launch(who, 'a', byClick)
    await older.claims
    bed.clock.advance(1)
    expect(await process({}, full).launch(who, 'b', byClick)).toMatchObject({ state: 'queued' })
    older.goOn()
    await expect(first).rejects.toMatchObject(tooMany)
    expect(await live()).toEqual(['b'])
    expect(await bed.ports.sessions.get(who.id, 'a')).toMatchObject({ state: 'failed', ending: { cause: 'refused' } })
  })
})
