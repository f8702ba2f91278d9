/** The embedded store: private, shared with the command line, whole after kill -9, and its index mended. */
import { spawn } from 'node:child_process'
import { chmodSync, mkdirSync, statSync, symlinkSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { ClassicLevel } from 'classic-level'
import { build } from 'esbuild'
import { describe, expect, it } from 'vitest'
import { readDataset } from '../../../functions/platform/dynamo/catalogue.ts'
import { readReceipt } from '../../../functions/platform/dynamo/receipts.ts'
import { createSessionStore, readSession } from '../../../functions/platform/dynamo/sessions.ts'
import { dueIndex } from '../../../functions/platform/dynamo/table.ts'
import { openRunDir } from '../../../functions/platform/local/run-dir.ts'
import { openStore } from '../../../functions/platform/local/store.ts'
import { aDataset } from '../../support/ports.ts'
import { aSession } from '../../support/sessions.ts'
import { tempDir } from '../../support/temp-dir.ts'

const dueIds = async (table: Parameters<typeof createSessionStore>[0]) => {
  const ids: string[] = []
  for await (const { id } of createSessionStore(table).listDue(Number.MAX_SAFE_INTEGER)) ids.push(id)
  return ids
}

describe('the embedded store', () => {
  it('listens where only its user can reach it', async () => {
    const dir = tempDir()
    const store = await openStore(dir)
    const runDir = openRunDir(dir)
    expect(statSync(runDir).mode & 0o777).toBe(0o700)
    expect(statSync(join(runDir, 'dynamo.sock')).mode & 0o777).toBe(0o600)
    await store.close()
  })

  it('is joined, not opened twice, by a second process', async () => {
    const dir = tempDir()
    const first = await openStore(dir)
    const second = await openStore(dir)
    expect([first.owner, second.owner]).toEqual([true, false])
    await createSessionStore(second.table).claim(aSession())
    await second.close()
    expect(await createSessionStore(first.table).get('local:ada', 'pbmc')).not.toBeNull()
    await first.close()
  })

  it('keeps every acknowledged write when it is killed, and every live session is in the index', async () => {
    const dir = tempDir()
    const writer = join(tempDir(), 'writer.mjs')
    await build({
      entryPoints: [resolve(import.meta.dirname, 'store-writer.ts')],
      outfile: writer,
      bundle: true,
      platform: 'node',
      format: 'esm',
      packages: 'external',
      absWorkingDir: resolve(import.meta.dirname, '../../..'),
    })
    const root = resolve(import.meta.dirname, '../../..')
    symlinkSync(join(root, 'node_modules'), join(writer, '..', 'node_modules'))
    const acknowledged: [string, number][] = []
    for (let round = 0; round < 5; round++) {
      const child = spawn(process.execPath, [writer, dir, `r${round}`], { stdio: ['ignore', 'pipe', 'inherit'] })
      let text = ''
      const enough = new Promise<void>((resolve) =>
        child.stdout.on('data', (chunk) => {
          text += chunk
          if (text.split('\n').length > 20 + round * 7) resolve()
        }),
      )
      await enough
      const closed = new Promise((resolve) => child.once('close', resolve))
      child.kill('SIGKILL')
      await closed
      const whole = text.slice(0, text.lastIndexOf('\n')).split('\n')
      acknowledged.push(...whole.map((line) => JSON.parse(line) as [string, number]))
    }
    const store = await openStore(dir)
    const sessions = createSessionStore(store.table)
    for (const [ownerId, version] of acknowledged)
      expect(await sessions.get(ownerId, 'pbmc')).toMatchObject({ state: 'ready', version })
    const due = new Set(await dueIds(store.table))
    for (const [ownerId] of acknowledged) expect(due).toContain(ownerId.slice('local:'.length))
    await store.close()
  })

  it('writes nothing where the disk is almost full, says so, reads all the same, and goes on when there is room', async () => {
    const dir = tempDir()
    let free = Number.POSITIVE_INFINITY
    const store = await openStore(dir, async () => free)
    const sessions = createSessionStore(store.table)
    const session = aSession()
    await sessions.claim(session)
    free = 10 * 2 ** 20
    const full = { code: 'unavailable', message: expect.stringContaining('almost full') }
    await expect(sessions.claim(aSession({ datasetId: 'other' }))).rejects.toMatchObject(full)
    await expect(sessions.advance(session, { ...session, state: 'stopping' })).rejects.toMatchObject(full)
    expect(await sessions.get('local:ada', 'pbmc')).toMatchObject({ state: session.state, version: session.version })
    free = 20 * 2 ** 20
    expect(await sessions.advance(session, { ...session, state: 'stopping' })).not.toBeNull()
    await store.close()
  })

  it('puts a live session back into the index that a kill took out of it', async () => {
    const dir = tempDir()
    const first = await openStore(dir)
    const { session } = await createSessionStore(first.table).claim(aSession())
    await first.close()
    // What a kill between dynalite's two writes leaves: the item without its entry in the index.
    const level = new ClassicLevel(join(dir, 'dynamo'))
    const entries = (await level.keys().all()).filter((key) => key.includes(dueIndex))
    expect(entries).toHaveLength(1)
    await level.batch(entries.map((key) => ({ type: 'del', key })))
    await level.close()
    const second = await openStore(dir)
    expect(await dueIds(second.table)).toEqual([session.id])
    await second.close()
  })

  it('reads the first version of each record, and refuses one of a newer program', () => {
    const session = { pk: 'owner#local:ada', sk: 'session#pbmc', v: 1, live: 'live', writer: 'w', ...aSession() }
    expect(readSession(session)).toEqual(aSession())
    expect(() => readSession({ ...session, v: 3 })).toThrow(/newer than this program/)
    const dataset = { pk: 'datasets', sk: 'dataset#pbmc', v: 1, ...aDataset() }
    expect(readDataset(dataset)).toEqual(aDataset())
    expect(() => readDataset({ ...dataset, v: 2 })).toThrow(/newer than this program/)
    const receipt = {
      sessionId: 's',
      ownerId: 'o',
      datasetId: 'd',
      from: 1,
      readyAt: null,
      to: 2,
      cause: 'idle',
      detail: null,
    }
    const stored = { pk: 'owner#o', sk: 'receipt#1#s', v: 1, ...receipt }
    expect(readReceipt(stored)).toEqual(receipt)
    expect(() => readReceipt({ ...stored, v: 2 })).toThrow(/newer than this program/)
  })
})

describe('the run folder', () => {
  it('moves to a short path when the state folder’s is too long for a socket', () => {
    const long = join(tempDir(), 'x'.repeat(80))
    mkdirSync(long)
    const dir = openRunDir(long)
    expect(dir.length).toBeLessThan(60)
    expect(openRunDir(long)).toBe(dir)
  })

  it('is refused when others may enter it', () => {
    const state = tempDir()
    const dir = openRunDir(state)
    chmodSync(dir, 0o755)
    expect(() => openRunDir(state)).toThrow(/chmod 700/)
  })
})
