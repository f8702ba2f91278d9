/** Reads one file and writes down what it is. Reading takes long, so its record is looked up anew before each write. */
import type { Dataset } from '../core/dataset.ts'
import { LauncherError } from '../core/errors.ts'
import type { FileStat } from '../core/ports.ts'
import { readCells } from './index-cells.ts'
import type { IndexContext } from './index-context.ts'
import * as records from './index-records.ts'

/** Runs changes of records one after the other. */
export type Exclusive = <T>(work: () => Promise<T>) => Promise<T>

/** Does nothing when the file is another one by the time it has been read: the next scan takes it up. */
export async function check(
  context: IndexContext,
  file: FileStat,
  exclusive: Exclusive,
  signal: AbortSignal,
): Promise<void> {
  const { inspect, log } = context
  const settle = (next: (record: Dataset, now: number) => Dataset | Promise<Dataset>) =>
    exclusive(async () => {
      const found = await current(context, file)
      if (found === null) return
      const after = await next(found.record, context.clock.now())
      if (after !== found.record) await context.catalogue.put(after)
    })

  const start = await inspect.start(file.path)
  if (start.kind === 'cut-short')
    return settle((record, now) => ({
      ...record,
      state: 'copying',
      problem: start.problem,
      index: null,
      updatedAt: now,
    }))
  if (start.kind === 'refused') return settle((record, now) => records.refused(record, start.problem, now))

  const version = await inspect.hash(file.path, signal)
  if (await exclusive(() => identify(context, file, version))) return
  const read = await inspect.index(file.path, signal)
  const cells = 'index' in read ? await readCells(context, file.path, read.index, signal) : null
  await settle(async (record, now) => {
    if (record.version !== version) return record
    // Here, where the file is known to be the one that was read; and before it can be opened.
    if (cells !== null) await context.cells.put(version, cells)
    log('info', 'problem' in read ? 'dataset refused' : 'dataset usable', { dataset: record.id })
    return records.indexed(record, read, now)
  })
}

/** The record that waits for this file, while the file is still as it was when its reading began. */
async function current(context: IndexContext, file: FileStat): Promise<{ record: Dataset; all: Dataset[] } | null> {
  const found = await context.files.stat(file.path)
  if (found?.sizeBytes !== file.sizeBytes || found.modifiedAt !== file.modifiedAt) return null
  const all = await context.catalogue.list()
  const record = all.find((one) => one.path === file.path && records.isPending(one))
  return record === undefined ? null : { record, all }
}

/**
 * With the content's hash: a file known from elsewhere, the same as before, or another version?
 * @returns true when nothing is left to read
 */
async function identify(context: IndexContext, file: FileStat, version: string): Promise<boolean> {
  const { catalogue, clock, log } = context
  const found = await current(context, file)
  if (found === null) return true
  const { record, all } = found
  const now = clock.now()
  // A path that has a record of its own keeps it, whatever its new content: the file was replaced.
  if (record.version !== '') {
    await catalogue.put({ ...record, version, updatedAt: now })
    if (record.version !== version) await context.tellChanged(record.id)
    return false
  }
  const present = new Set((await context.files.list()).map((one) => one.path))
  const absent = all.filter((one) => one.version !== '' && (one.state === 'removed' || !present.has(one.path)))
  const moved = records.continues(absent, file, version)
  const earlier = moved ?? absent.find((one) => one.path === file.path) ?? null
  if (earlier === null) {
    const isCopy = all.some((one) => one.id !== record.id && one.version === version && present.has(one.path))
    if (isCopy && now - record.firstSeenAt < context.moveMs)
      throw new LauncherError('conflict', 'This may be the first half of a move. It is looked at again.')
    await catalogue.put({ ...record, version, updatedAt: now })
    return false
  }
  const known = moved !== null && records.isKnown(moved)
  // In this order: after a crash between the two, the path goes to the one that has a version.
  await catalogue.put(known ? records.again(earlier, file, now) : { ...records.unread(earlier, file, now), version })
  await catalogue.put({ ...record, state: 'removed', updatedAt: now })
  context.isFound(earlier.id)
  log('info', moved === null ? 'dataset has another version' : 'dataset found elsewhere', { dataset: earlier.id })
  if (moved === null) await context.tellChanged(earlier.id)
  return known
}
