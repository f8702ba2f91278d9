/** A copy of everything that is kept, made while the launcher runs, and the way back into an empty state folder. */
import { randomBytes } from 'node:crypto'
import { createReadStream, existsSync } from 'node:fs'
import { chmod, copyFile, lstat, mkdir, open, readdir, rename, rm, stat, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { PutCommand, ScanCommand } from '@aws-sdk/lib-dynamodb'
import { LauncherError } from '../../core/errors.ts'
import type { Clock } from '../../core/ports.ts'
import type { Table } from '../dynamo/table.ts'
import { openStore } from './store.ts'

const dumpName = 'store.jsonl'
/**
 * Left out: the store's own files, which change under a copy (the dump has what is in them); sockets; the Python
 * environment, which is made again; logs.
 */
const leftOut = (name: string): boolean =>
  ['dynamo', 'run', 'python', dumpName].includes(name) || name.startsWith('launcher.log') || name.startsWith('.')

export type BackupCount = { files: number; copied: number; items: number }

/**
 * Files first, then the store: what the store knows of is then in the copy. A vault version never changes once it is there,
 * so a second backup into the same folder copies what is new. What is saved meanwhile is in the next one.
 */
export async function makeBackup(stateDir: string, to: string, clock: Clock): Promise<BackupCount> {
  if (!existsSync(join(stateDir, 'dynamo')))
    throw new LauncherError('bad-request', `${stateDir} is no state folder of a launcher. Name it with --state DIR.`)
  await mkdir(to, { recursive: true, mode: 0o700 })
  // It holds the signing key and the hashes of passwords.
  await chmod(to, 0o700)
  const count = { files: 0, copied: 0, items: 0 }
  for (const name of await readdir(stateDir))
    if (!leftOut(name)) await copyTree(join(stateDir, name), join(to, name), count)
  const store = await openStore(stateDir)
  try {
    count.items = await dump(store.table, join(to, dumpName), clock)
  } finally {
    await store.close()
  }
  return count
}

/** Throws `bad-request` when the target is not empty, or the backup is none or is not whole; then nothing was changed. */
export async function restoreBackup(from: string, stateDir: string): Promise<BackupCount> {
  const kept = existsSync(stateDir) ? (await readdir(stateDir)).filter((name) => name !== 'python') : []
  if (kept.length > 0)
    throw new LauncherError(
      'bad-request',
      `The state folder ${stateDir} is not empty (${kept.slice(0, 3).join(', ')}). Restore into a new one: put this one aside first (mv), so that nothing is mixed or lost.`,
    )
  const items = await readDump(join(from, dumpName))
  await mkdir(stateDir, { recursive: true, mode: 0o700 })
  const count = { files: 0, copied: 0, items: items.length }
  for (const name of await readdir(from))
    if (!leftOut(name)) await copyTree(join(from, name), join(stateDir, name), count)
  const { table, close } = await openStore(stateDir)
  try {
    for (const item of items) await table.client.send(new PutCommand({ TableName: table.name, Item: item }))
  } finally {
    await close()
  }
  return count
}

async function copyTree(from: string, to: string, count: BackupCount): Promise<void> {
  const found = await lstat(from).catch(() => null)
  if (found === null) return // an abandoned draft, removed while we read
  if (found.isDirectory()) {
    await mkdir(to, { recursive: true, mode: 0o700 })
    // Drafts of versions that are being written.
    for (const name of await readdir(from))
      if (!name.startsWith('.')) await copyTree(join(from, name), join(to, name), count)
    return
  }
  if (!found.isFile()) return
  count.files += 1
  const there = await stat(to).catch(() => null)
  if (there?.size === found.size && Math.abs(there.mtimeMs - found.mtimeMs) < 2) return
  // Under another name first: a copy that was interrupted must not pass for a whole file.
  const draft = `${to}.${randomBytes(4).toString('hex')}`
  try {
    await copyFile(from, draft)
    await chmod(draft, 0o600)
    await sync(draft)
    await utimes(draft, found.atime, found.mtime)
    await rename(draft, to)
  } finally {
    await rm(draft, { force: true })
  }
  count.copied += 1
}

async function sync(path: string): Promise<void> {
  const file = await open(path, 'r')
  await file.sync()
  await file.close()
}

/** One JSON object a line; the last line says how many there were. Each item is whole, and none depends on another. */
async function dump(table: Table, path: string, clock: Clock): Promise<number> {
  const draft = `${path}.${randomBytes(4).toString('hex')}`
  const file = await open(draft, 'wx', 0o600)
  let items = 0
  try {
    let start: Record<string, unknown> | undefined
    do {
      const page = await table.client.send(
        new ScanCommand({ TableName: table.name, ConsistentRead: true, ExclusiveStartKey: start }),
      )
      for (const item of page.Items ?? []) {
        await file.write(`${JSON.stringify({ item }, plainOnly)}\n`)
        items += 1
      }
      start = page.LastEvaluatedKey
    } while (start !== undefined)
    await file.write(`${JSON.stringify({ end: { v: 1, items, at: new Date(clock.now()).toISOString() } })}\n`)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(draft, path)
  return items
}

/** Sets and bytes would come back as something else. No record has any; one that gets some must be thought of here. */
function plainOnly(key: string, value: unknown): unknown {
  if (value instanceof Set || value instanceof Uint8Array)
    throw new Error(`The store has a value that a backup can't hold (${key}).`)
  return value
}

type Line = { item?: Record<string, unknown>; end?: { v: number; items: number } }

async function readDump(path: string): Promise<Record<string, unknown>[]> {
  if (!existsSync(path)) throw notWhole(`it has no ${dumpName}`)
  const items: Record<string, unknown>[] = []
  let end: Line['end']
  for await (const text of createInterface({ input: createReadStream(path), crlfDelay: Number.POSITIVE_INFINITY })) {
    const line = parse(text)
    if (line.item !== undefined) items.push(line.item)
    end = line.end
  }
  if (end?.v !== 1 || end.items !== items.length) throw notWhole(`${dumpName} is cut short`)
  return items
}

function parse(text: string): Line {
  try {
    return JSON.parse(text) as Line
  } catch {
    throw notWhole(`a line of ${dumpName} is damaged`)
  }
}

const notWhole = (why: string) =>
  new LauncherError('bad-request', `This is no whole backup: ${why}. Take another; nothing was restored.`)
