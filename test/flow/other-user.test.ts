/** Another user of the same machine: what the launcher leaves on it, whoever's umask it was started under, is closed to them. */
import { spawnSync } from 'node:child_process'
import { chmodSync, lstatSync, mkdirSync, readdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { issueRouteCookie } from '../../functions/auth/tickets.ts'
import { openRunDir } from '../../functions/platform/local/run-dir.ts'
import { loadSigningKeys } from '../../functions/platform/local/secrets.ts'
import { type ApiUser, byLink, untilUsable } from '../support/api-user.ts'
import { builtPrograms } from '../support/built.ts'
import { type LauncherProcess, makeData, startLauncher } from '../support/launcher-process.ts'
import { pidsOf } from '../support/proc.ts'
import { tempDir } from '../support/temp-dir.ts'

const nobody = 65534
const dir = tempDir()
// Longer than a socket's path may be: then the sockets lie elsewhere, and that place counts too.
const stateDir = path.join(dir, 'a-state-folder-with-a-name-that-is-longer-than-what-a-socket-may-be-called'.repeat(2))
const dataDir = path.join(dir, 'data')
let launcher: LauncherProcess
let admin: ApiUser
let runDir: string
let routePath: string

beforeAll(async () => {
  await builtPrograms()
  // Everybody may come as far as the state folder itself, and nothing but its own mode is in the way.
  chmodSync(dir, 0o755)
  makeData(dataDir, ['onco/pbmc.h5ad'])
  chmodSync(dataDir, 0o700)
  mkdirSync(stateDir)
  chmodSync(stateDir, 0o777)
  const before = process.umask(0)
  try {
    launcher = await startLauncher({ dataDir, stateDir })
  } finally {
    process.umask(before)
  }
  admin = await byLink(launcher)
  await untilUsable(admin, 'pbmc')
  const session = await admin.launch('pbmc')
  await admin.until(session, 'ready')
  runDir = openRunDir(stateDir)
  routePath = `/s/${session}/`
  await save(session)
})
afterAll(async () => {
  await launcher?.stop()
})

/** Something in the vault. */
async function save(sessionId: string): Promise<void> {
  const dataset = (await admin.call('/api/datasets/pbmc')).json as { version: string }
  const keys = await loadSigningKeys(stateDir)
  const claim = { ownerId: 'local:admin', sessionId, datasetId: 'pbmc' }
  const cookie = await issueRouteCookie(claim, { keys, clock: { now: () => Date.now() } })
  const saved = await fetch(`${launcher.viewUrl}${routePath}api/v0.2/genesets`, {
    method: 'PUT',
    headers: {
      cookie: `cxod-route=${cookie}`,
      'x-cxod-owner': claim.ownerId,
      'x-cxod-dataset-version': dataset.version,
      'x-cxod-base': 'none',
      'content-type': 'application/json',
    },
    body: JSON.stringify({ tid: 1, genesets: [] }),
  })
  expect(saved.status).toBe(200)
}

type Entry = { path: string; kind: 'folder' | 'file' | 'socket' | 'other'; mode: number }

/** Everything below, but the Python environment: public packages, and in tests a link to one that is shared. */
function walk(folder: string): Entry[] {
  const stat = lstatSync(folder, { throwIfNoEntry: false })
  if (stat === undefined) return []
  const own: Entry = { path: folder, kind: 'folder', mode: stat.mode & 0o777 }
  const inside = readdirSync(folder).flatMap((name): Entry[] => {
    const at = path.join(folder, name)
    const found = lstatSync(at, { throwIfNoEntry: false })
    if (at === path.join(stateDir, 'python') || found === undefined) return []
    if (found.isDirectory()) return walk(at)
    const kind = found.isSocket() ? 'socket' : found.isFile() ? 'file' : 'other'
    return [{ path: at, kind, mode: found.mode & 0o777 }]
  })
  return [own, ...inside]
}

/** The launcher, its gates and viewers; not those of another test that runs at the same time. */
const ours = () => [
  ...new Set([launcher.child.pid ?? 0, ...launcher.processes().map(({ pid }) => pid), ...pidsOf(runDir)]),
]
/** Null: it has ended meanwhile, as a reader of files does. */
function commandLine(pid: number): string | null {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
  } catch {
    return null
  }
}

const everything = () => [...walk(stateDir), ...(runDir.startsWith(stateDir) ? [] : walk(runDir))]
const named = (part: string) => everything().filter((entry) => entry.path.includes(part))

describe('started under umask 000, with a state folder that everybody may write to', () => {
  it('says that it closed the folder', () => {
    expect(launcher.printed()).toMatch(/was open to other users of this machine \(mode 777\)/)
  })

  it('keeps its folders 0700, its files and sockets 0600, while a viewer runs', () => {
    // All of it is there: else the walk would prove nothing.
    for (const part of ['signing-key', 'launcher.log', '/vault/', '/dynamo/', 'task.json'])
      expect([part, named(part).length > 0]).toEqual([part, true])
    for (const socket of ['api.sock', 'dynamo.sock', 'gate.sock', 'task.sock', 'viewer.sock'])
      expect(named(socket)).toEqual([expect.objectContaining({ kind: 'socket' })])
    const open = everything().filter(
      ({ kind, mode }) => kind === 'other' || mode !== (kind === 'folder' ? 0o700 : 0o600),
    )
    expect(open).toEqual([])
  })

  it('has nothing secret on a command line: those everybody may read', () => {
    const key = JSON.parse(readFileSync(path.join(stateDir, 'secrets', 'signing-key.json'), 'utf8')) as { d: string }
    const lines = ours().flatMap((pid) => commandLine(pid) ?? [])
    expect(lines.length).toBeGreaterThanOrEqual(3)
    for (const words of lines) {
      expect(words).not.toContain(key.d)
      expect(words).not.toMatch(/eyJ[\w-]{10,}\./)
    }
  })
})

/** As that user: reads, lists, connects, writes; prints what worked. */
const probe = `
const { readFileSync, readdirSync, writeFileSync } = require('fs'), net = require('net')
const { folders, files, sockets, pids } = JSON.parse(process.argv[1])
const worked = []
const attempt = (what, act) => { try { act(); worked.push(what) } catch {} }
for (const path of folders) { attempt('list ' + path, () => readdirSync(path)); attempt('write ' + path, () => writeFileSync(path + '/x', 'x')) }
for (const path of files) { attempt('read ' + path, () => readFileSync(path)); attempt('append ' + path, () => writeFileSync(path, 'x', { flag: 'a' })) }
for (const pid of pids) for (const name of ['environ', 'mem', 'fd/3', 'cwd/x', 'root/etc/hostname'])
  attempt('proc ' + pid + ' ' + name, () => readFileSync('/proc/' + pid + '/' + name))
for (const pid of pids) attempt('signal ' + pid, () => process.kill(pid, 0))
let left = sockets.length
const done = () => { if (left === 0) console.log(JSON.stringify({ uid: process.getuid(), worked })) }
for (const path of sockets) {
  const socket = net.connect(path)
  socket.once('connect', () => { worked.push('connect ' + path); socket.destroy() })
  socket.once('error', () => {})
  socket.once('close', () => { left -= 1; done() })
}
done()
`

function asNobody(what: { folders: string[]; files: string[]; sockets: string[]; pids: number[] }) {
  const ran = spawnSync(process.execPath, ['-e', probe, JSON.stringify(what)], {
    uid: nobody,
    gid: nobody,
    cwd: '/',
    env: {},
    encoding: 'utf8',
  })
  if (ran.status !== 0) throw new Error(ran.stderr)
  return JSON.parse(ran.stdout) as { uid: number; worked: string[] }
}

const isRoot = process.getuid?.() === 0
if (!isRoot) process.stderr.write('SKIPPED, not tested here: another user of the machine. Only root can become one.\n')

describe.skipIf(!isRoot)('another user, whom only root can play', () => {
  const of = (kind: Entry['kind']) => everything().flatMap((entry) => (entry.kind === kind ? [entry.path] : []))

  it('can list, read, write and connect to nothing of it, nor look into its processes', () => {
    const pids = ours()
    expect(pids.length).toBeGreaterThanOrEqual(3)
    const what = { folders: of('folder'), files: of('file'), sockets: of('socket'), pids }
    expect(what.sockets.length).toBeGreaterThanOrEqual(5)
    expect(asNobody(what)).toEqual({ uid: nobody, worked: [] })
  })

  it('is one that could, were it not for the modes', () => {
    const open = path.join(dir, 'open')
    mkdirSync(open)
    chmodSync(open, 0o777)
    writeFileSync(path.join(open, 'file'), '')
    const what = { folders: [open], files: [path.join(open, 'file')], sockets: [], pids: [] }
    expect(asNobody(what).worked).toEqual([`list ${open}`, `write ${open}`, `read ${path.join(open, 'file')}`])
  })

  it('gets nothing of the data but through the launcher, which asks who they are', async () => {
    const file = realpathSync(path.join(dataDir, 'onco', 'pbmc.h5ad'))
    expect(asNobody({ folders: [dataDir], files: [file], sockets: [], pids: [] }).worked).toEqual([])
    for (const address of [
      `${launcher.appUrl}/api/datasets`,
      `${launcher.viewUrl}${routePath}api/v0.2/schema`,
      `${launcher.viewUrl}${routePath}api/v0.2/annotations/obs`,
    ])
      expect((await fetch(address, { redirect: 'manual' })).status).toBe(401)
  })
})
