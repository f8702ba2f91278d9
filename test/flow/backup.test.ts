/** A backup as the guide makes it, while the launcher runs and people save; a second launcher on the copy finds everything again. */
import { spawn } from 'node:child_process'
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { issueRouteCookie } from '../../functions/auth/tickets.ts'
import { loadSigningKeys } from '../../functions/platform/local/secrets.ts'
import { projectRoot } from '../../functions/setup/python.ts'
import { type ApiUser, byPassword, untilUsable } from '../support/api-user.ts'
import { type LauncherProcess, makeData, startLauncher } from '../support/launcher-process.ts'
import { addUser } from '../support/people-of-launcher.ts'
import { tempDir } from '../support/temp-dir.ts'

const dir = tempDir()
const at = (name: string) => path.join(dir, name)
let first: LauncherProcess
let second: LauncherProcess | undefined
let mara: ApiUser
let save: (name: string, base: string) => Promise<number>

/** The command of the guide. */
async function backup(...args: string[]): Promise<{ status: number | null; said: string }> {
  const program = path.join(projectRoot(), 'functions', 'setup', 'backup.mjs')
  const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (said += text))
  const status = await new Promise<number | null>((resolve) => child.once('close', resolve))
  return { status, said }
}

beforeAll(async () => {
  makeData(at('data'), ['onco/pbmc.h5ad'])
  first = await startLauncher({ dataDir: at('data'), stateDir: at('state') })
  await addUser(at('state'), 'mara', '--groups', 'onco')
  mara = await byPassword(first, 'mara')
  await untilUsable(mara, 'pbmc')
  const session = await mara.launch('pbmc')
  await mara.until(session, 'ready')
  const keys = await loadSigningKeys(at('state'))
  const claim = { ownerId: 'local:mara', sessionId: session, datasetId: 'pbmc' }
  const cookie = await issueRouteCookie(claim, { keys, clock: { now: () => Date.now() } })
  const { version } = (await mara.call('/api/datasets/pbmc')).json as { version: string }
  save = async (name, base) => {
    const genes = [{ gene_symbol: 'CD79A', gene_description: '' }]
    const saved = await fetch(`${first.viewUrl}/s/${session}/api/v0.2/genesets`, {
      method: 'PUT',
      headers: {
        cookie: `cxod-route=${cookie}`,
        'x-cxod-owner': claim.ownerId,
        'x-cxod-dataset-version': version,
        'x-cxod-base': base,
        'content-type': 'application/json',
      },
      body: JSON.stringify({ tid: 1, genesets: [{ geneset_name: name, geneset_description: '', genes }] }),
    })
    return saved.status
  }
})
afterAll(async () => {
  await second?.stop()
  await first?.stop()
})

const versions = async (who: ApiUser) => {
  const { json } = await who.call('/api/datasets/pbmc/annotations/genesets/versions')
  return (json as { items: { version: string; sha256: string; savedBy: string }[] }).items
}

describe('a backup of a launcher that runs', () => {
  it('is made while somebody saves, and the next into the same folder copies what is new', async () => {
    expect(await save('one', 'none')).toBe(200)
    let base = 1
    let over = false
    const saving = (async () => {
      while (!over) if ((await save(`during-${base}`, String(base))) === 200) base += 1
    })()
    const made = await backup('make', at('backup'), '--state', at('state'))
    over = true
    await saving
    expect(base).toBeGreaterThan(1)
    expect(made).toMatchObject({ status: 0, said: expect.stringMatching(/\d+ files \(\d+ new\), \d+ records/) })
    expect(await save('last', String(base))).toBe(200)
    const again = await backup('make', at('backup'), '--state', at('state'))
    const [, files, fresh] = /(\d+) files \((\d+) new\)/.exec(again.said) ?? []
    expect([again.status, Number(fresh) > 0, Number(fresh) < Number(files)]).toEqual([0, true, true])
    expect(readdirSync(at('backup'))).not.toContain('dynamo')
    expect(statSync(at('backup')).mode & 0o777).toBe(0o700)
    expect(statSync(path.join(at('backup'), 'store.jsonl')).mode & 0o777).toBe(0o600)
  })

  it('is restored into an empty state folder, on which a launcher knows people, labels and history', async () => {
    expect(await backup('restore', at('backup'), '--state', at('copy'))).toMatchObject({ status: 0 })
    second = await startLauncher({ dataDir: at('data'), stateDir: at('copy') })
    const there = await byPassword(second, 'mara')
    const [here, copied] = [await versions(mara), await versions(there)]
    expect(here.length).toBeGreaterThanOrEqual(2)
    expect(copied).toEqual(here)
    for (const { version } of here) {
      const address = `/api/datasets/pbmc/annotations/genesets/versions/${version}`
      expect((await there.call(address)).json).toEqual((await mara.call(address)).json)
    }
    expect((await there.call('/api/me')).json).toMatchObject({ id: 'local:mara', groups: ['onco'] })
    await untilUsable(there, 'pbmc')
    // What ran when the backup was made runs on in its own launcher only.
    const { items } = (await there.call('/api/sessions')).json as { items: { state: string }[] }
    expect(items.map(({ state }) => state)).toEqual(['failed'])
    const session = await there.launch('pbmc')
    await there.until(session, 'ready')
    expect(await save('still here', here[0]?.version ?? '')).toBe(200)
  })

  it.each([
    ['into a folder that holds something', () => ({ from: at('backup'), to: at('state') }), /is not empty/],
    [
      'from a folder that is none',
      () => {
        mkdirSync(at('nothing'), { recursive: true })
        return { from: at('nothing'), to: at('new') }
      },
      /no whole backup: it has no store.jsonl/,
    ],
    [
      'from one that is cut short',
      () => {
        mkdirSync(at('short'), { recursive: true })
        const lines = readFileSync(path.join(at('backup'), 'store.jsonl'), 'utf8')
          .trim()
          .split('\n')
        writeFileSync(path.join(at('short'), 'store.jsonl'), `${lines.slice(0, -2).join('\n')}\n`)
        return { from: at('short'), to: at('new') }
      },
      /cut short/,
    ],
    [
      'from one that is damaged',
      () => {
        mkdirSync(at('bad'), { recursive: true })
        appendFileSync(path.join(at('bad'), 'store.jsonl'), '{"item": \n')
        return { from: at('bad'), to: at('new') }
      },
      /damaged/,
    ],
  ])('is not restored %s', async (_name, prepare, words) => {
    const { from, to } = prepare()
    const { status, said } = await backup('restore', from, '--state', to)
    expect([status, said]).toEqual([1, expect.stringMatching(words)])
    expect(existsSync(at('new'))).toBe(false)
  })

  it('is refused of a folder that is no state folder', async () => {
    expect(await backup('make', at('x'), '--state', at('nothing'))).toMatchObject({
      status: 1,
      said: expect.stringMatching(/no state folder/),
    })
  })
})
