/** How a gate begins and ends: what it tells the API, what the viewer is told, and why it leaves. */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { deferred } from '../../functions/gate/timing.ts'
import { fileContent, holdSaves, send, startWorld, until, type World } from './world.ts'

const quietLimits = { diffexpCells: 1000, apiSilenceMs: 60_000, beatMs: 20 }
const isHeld = (reply: { status: number; headers: Record<string, unknown> }) =>
  reply.status === 202 && reply.headers['x-cxod-viewer'] === 'none'

describe('a start', () => {
  test('knocks until there is work, hands it to the viewer, and serves when the API says so', async () => {
    const notYet = { status: 'not-yet', retryMs: 5 } as const
    const [told, seen] = [deferred<void>(), deferred<void>()]
    const loads = ({ calls }: World['api']) => calls.filter((call) => call.endsWith('loaded')).length
    const world = await startWorld({
      early: true,
      viewer: { loadUntil: told.promise },
      prepare: (api) => {
        api.knocks = [notYet, notYet, 'work']
        api.loaded = [{ status: 'again', retryMs: 5 }, { status: 'stay' }]
        api.beforeAnswer = (call) => {
          if (call === 'POST /gate/progress' && api.progress.at(-1)?.stage === 'loading') told.resolve()
          return call === 'POST /gate/loaded' && loads(api) === 2 ? seen.promise : undefined
        }
      },
    })
    await until(() => loads(world.api) === 2)
    expect(isHeld(await world.ask('api/v0.2/config'))).toBe(true)
    seen.resolve()
    await until(() => world.logged.some(({ event }) => event === 'ready'))
    expect((await world.ask('api/v0.2/config')).status).toBe(200)
    const { work } = world.viewer
    expect(work).toEqual({
      path: work?.path,
      distribution: 'normal',
      diffexpCells: 1000,
      title: 'PBMC',
      mode: 'annotate',
    })
    expect(readFileSync(work?.path ?? '')).toEqual(fileContent)
    expect(world.api.calls.filter((call) => call.endsWith('knock')).length).toBe(3)
    expect(loads(world.api)).toBe(2)
    expect(world.api.progress.at(-1)).toEqual({ stage: 'loading', doneBytes: 30, totalBytes: 30 })
  })

  test('goes on when answers are lost and the API is away for a while', async () => {
    const world = await startWorld({
      early: true,
      prepare: (api) => {
        api.down = true
        api.lose = ['POST /gate/knock', 'POST /gate/loaded', 'POST /gate/beat', 'POST /gate/progress']
      },
    })
    await new Promise((resolve) => setTimeout(resolve, 50))
    world.api.down = false
    await until(() => world.api.beats.length > 2)
    expect((await world.ask('api/v0.2/config')).status).toBe(200)
  })

  test('tells nobody a secret: sockets for the owner alone, no token or cookie in the log', async () => {
    const world = await startWorld()
    await world.ask('api/v0.2/config?secret-query=1')
    await world.saveLabels('secret-label', null)
    for (const name of readdirSync(world.config.taskDir).filter((one) => one === 'gate.sock' || one === 'task.sock'))
      expect(statSync(join(world.config.taskDir, name)).mode & 0o777).toBe(0o600)
    expect(JSON.stringify(world.logged)).not.toMatch(/gate-token|cxod-route|secret/)
  })

  test('makes the viewer wait: its question is answered 204 until the file is there', async () => {
    const world = await startWorld({
      early: true,
      tuning: { workPollMs: 30 },
      prepare: (api) => {
        api.knocks = [{ status: 'not-yet', retryMs: 5 }]
      },
    })
    expect((await send(world.config.taskSocket, '/work', {})).status).toBe(204)
    expect((await send(world.config.taskSocket, '/vault/labels', {})).status).toBe(204)
    world.api.knocks = ['work']
    await until(() => world.logged.some(({ event }) => event === 'ready'))
    expect((await send(world.config.taskSocket, '/work', {})).status).toBe(200)
  })
})

describe('a gate leaves', () => {
  test('when a knock says so', async () => {
    const world = await startWorld({
      early: true,
      prepare: (api) => {
        api.knocks = [{ status: 'leave', reason: 'stopped' }]
      },
    })
    expect(await world.left).toEqual({ cause: 'told', detail: 'stopped' })
    expect(world.api.byes).toEqual([{ cause: 'told', detail: 'stopped' }])
  })

  test('when a beat says so', async () => {
    const world = await startWorld()
    world.api.beat = { status: 'leave', reason: 'idle' }
    expect(await world.left).toEqual({ cause: 'told', detail: 'idle' })
  })

  test('when the API disowns its session', async () => {
    const world = await startWorld()
    world.api.over = true
    expect((await world.left).cause).toBe('told')
  })

  test('on SIGTERM, before it knows its work and after', async () => {
    for (const knocks of [[{ status: 'not-yet', retryMs: 10 }] as const, ['work'] as const]) {
      const world = await startWorld({
        early: true,
        prepare: (api) => {
          api.knocks = [...knocks]
        },
      })
      await until(() => world.api.calls.length > 0)
      world.signals.emit('SIGTERM')
      expect((await world.left).cause).toBe('told')
      expect(world.api.byes.length).toBe(1)
    }
  })

  test('at the end of its time', async () => {
    const world = await startWorld({ early: true, work: { endsAt: Date.now() + 300 } })
    expect((await world.left).cause).toBe('lifetime')
    expect(world.api.byes.at(-1)?.cause).toBe('lifetime')
  })

  test('when its time is further away than a timer can count, not at once', async () => {
    const world = await startWorld({ work: { endsAt: Date.now() + 2 ** 33 } })
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect((await world.ask('api/v0.2/config')).status).toBe(200)
  })

  test.each(['down', 'silent'] as const)('when the API has been %s for too long', async (how) => {
    const world = await startWorld({
      work: { limits: { ...quietLimits, apiSilenceMs: 1000 } },
      tuning: { apiTimeoutMs: 50 },
    })
    world.api[how] = true
    expect((await world.left).cause).toBe('api-silent')
  })

  test('when the API never answers its first knock', async () => {
    const world = await startWorld({
      early: true,
      tuning: { startSilenceMs: 100, apiTimeoutMs: 50 },
      prepare: (api) => {
        api.down = true
      },
    })
    expect((await world.left).cause).toBe('api-silent')
  })

  test('not when the API comes back in time', async () => {
    const world = await startWorld()
    world.api.down = true
    await new Promise((resolve) => setTimeout(resolve, 150))
    expect(isHeld(await world.ask('api/v0.2/config'))).toBe(false) // reads go on meanwhile
    world.api.down = false
    const beats = world.api.beats.length
    await until(() => world.api.beats.length > beats + 2)
    expect(world.api.byes).toEqual([])
  })

  test.each(['load-failed', 'out-of-memory'] as const)('when the viewer says %s, in its words', async (cause) => {
    const fail = { cause, detail: 'no embedding in this file' }
    const world = await startWorld({ early: true, viewer: { fail } })
    expect(await world.left).toEqual(fail)
    expect(world.api.byes).toEqual([fail])
  })

  test('when the viewer runs out of memory at work: its own word counts, not the broken connection', async () => {
    const world = await startWorld()
    const body = JSON.stringify({ cause: 'out-of-memory', detail: 'd'.repeat(5000) })
    await send(world.config.taskSocket, '/failed', { method: 'POST', body })
    await world.viewer.kill()
    expect(await world.left).toEqual({ cause: 'out-of-memory', detail: 'd'.repeat(2000) })
  })

  test('at once when the viewer dies, though nobody asks for anything', async () => {
    const world = await startWorld({ work: { limits: { ...quietLimits, beatMs: 60_000 } } })
    await world.viewer.kill()
    expect((await world.left).cause).toBe('viewer-lost')
    expect(world.api.byes.at(-1)?.detail).toMatch(/viewer/)
  })

  test('when the viewer dies under a request, which is held for the next one', async () => {
    const world = await startWorld()
    expect(isHeld(await world.ask('api/v0.2/config?die'))).toBe(true)
    expect((await world.left).cause).toBe('viewer-lost')
  })

  test('when the viewer dies under a save, which is not acknowledged', async () => {
    const world = await startWorld()
    const kill = { method: 'PUT', body: '{"genesets":[]}', headers: { 'x-cxod-base': 'none' } }
    expect(isHeld(await world.ask('api/v0.2/genesets?die', kill))).toBe(true)
    expect((await world.left).cause).toBe('viewer-lost')
    expect(world.api.vault.genesets).toEqual([])
  })

  test('says that the viewer died when the task runner’s SIGTERM comes with that', async () => {
    const world = await startWorld()
    void world.viewer.kill()
    await new Promise((resolve) => setTimeout(resolve, 1))
    world.signals.emit('SIGTERM')
    expect((await world.left).cause).toBe('viewer-lost')
  })

  test('not when a single connection of the viewer breaks', async () => {
    const world = await startWorld()
    expect(isHeld(await world.ask('api/v0.2/config?reset'))).toBe(true)
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect((await world.ask('api/v0.2/config')).status).toBe(200)
    expect(world.api.byes).toEqual([])
  })

  test('when the viewer can’t be brought to the newest labels', async () => {
    const world = await startWorld({ tuning: { reloadTries: 3 } })
    world.api.vault.labels.push({
      version: '1',
      savedAt: 0,
      savedBy: 'Bob',
      requestSha256: 'f'.repeat(64),
      content: 'x',
      base: null,
    })
    // The API names a version that it then can't give.
    const find = world.api.vault.labels.find.bind(world.api.vault.labels)
    world.api.vault.labels.find = (() => undefined) as typeof find
    expect((await world.left).cause).toBe('viewer-lost')
  })

  test('and says goodbye again when that was lost', async () => {
    const world = await startWorld()
    world.api.lose = ['POST /gate/bye', 'POST /gate/bye']
    world.signals.emit('SIGTERM')
    await world.left
    expect(world.api.byes.length).toBe(3)
  })
})

describe('while it leaves', () => {
  test('a save under way is finished and acknowledged, and new calls are held', async () => {
    const world = await startWorld({ tuning: { drainReadsMs: 30 } })
    const held = holdSaves(world)
    const saving = world.saveLabels('one', null)
    await held.reached
    world.signals.emit('SIGTERM')
    await until(() => world.logged.some(({ event }) => event === 'leaving'))
    expect(isHeld(await world.saveLabels('late', null))).toBe(true)
    expect(isHeld(await world.ask('api/v0.2/config'))).toBe(true)
    expect((await world.ask('-/health')).status).toBe(503)
    await new Promise((resolve) => setTimeout(resolve, 100)) // longer than a read would get
    expect(world.api.byes).toEqual([])
    held.go()
    const reply = await saving
    expect([reply.status, reply.headers['x-cxod-labels-version']]).toEqual([200, '1'])
    await world.left
    expect(world.api.vault.labels.map(({ content }) => content)).toEqual(['one'])
    expect(world.api.byes.length).toBe(1)
  })

  test('a read under way gets a moment, then its connection ends', async () => {
    const world = await startWorld({ tuning: { drainReadsMs: 1000 } })
    const quick = world.ask('api/v0.2/layout/obs?delay=60&bytes=10')
    const slow = world.ask('api/v0.2/layout/obs?delay=5000&bytes=10')
    slow.catch(() => {})
    await until(() => world.viewer.requests.filter(({ url }) => url.includes('delay')).length === 2)
    world.signals.emit('SIGTERM')
    expect((await quick).status).toBe(200)
    await expect(slow).rejects.toThrow()
    await world.left
  })

  test('a save that never ends is not waited for longer than the drain', async () => {
    const world = await startWorld({ tuning: { drainMs: 100 } })
    const held = holdSaves(world)
    const saving = world.saveLabels('one', null)
    saving.catch(() => {})
    await held.reached
    world.signals.emit('SIGTERM')
    await world.left
    await expect(saving).rejects.toThrow()
  })

  test('afterwards nothing listens and nothing is left in the folder but the file', async () => {
    const world = await startWorld({ tuning: { laterAfterMs: 20 } })
    await world.ask('api/v0.2/layout/obs?delay=50&bytes=100')
    world.signals.emit('SIGTERM')
    await world.left
    await expect(world.ask('-/health')).rejects.toThrow()
    const left = readdirSync(world.config.taskDir).filter((name) => name !== 'viewer.sock')
    expect(left).toEqual(['dataset.h5ad'])
  })
})
