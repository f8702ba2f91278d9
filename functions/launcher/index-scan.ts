/** One look at the folder: what came, went or changed is written down at once; what must be read is returned. */
import type { Dataset } from '../core/dataset.ts'
import { datasetIds } from '../core/dataset-names.ts'
import type { FileStat } from '../core/ports.ts'
import type { IndexContext } from './index-context.ts'
import * as records from './index-records.ts'

/** @returns the files to read now, smallest first */
export async function scan(context: IndexContext): Promise<FileStat[]> {
  const { files, catalogue, clock } = context
  const now = clock.now()
  const listed = await files.list()
  const present = new Map(listed.map((file) => [file.path, file]))
  for (const id of context.beginScan(new Set(present.keys()))) await context.tellChanged(id)
  const all = await openCatalogue(catalogue)
  const byPath = await onePerPath(all, now)

  // Before new files get their ids: a file that was never read leaves its id to the next of its name.
  const missing = [...byPath.values()].filter((record) => !present.has(record.path))
  for (const record of missing.filter((lost) => lost.version === ''))
    await all.put({ ...record, state: 'removed', updatedAt: now })

  for (const file of listed) {
    const record = byPath.get(file.path)
    if (record === undefined) await add(context, all, file, now)
    else {
      context.isFound(record.id)
      const next = await compare(context, record, file, now)
      if (next !== record) await all.put(next)
    }
  }
  const pending = all.list.filter(records.isPending).flatMap((record) => present.get(record.path) ?? [])
  for (const record of missing.filter((lost) => lost.version !== ''))
    await markMissing(context, all, record, { pending, allGone: listed.length === 0, now })
  // Of equals, a file that was moved (which keeps its time) comes before a copy: it shall continue the dataset.
  const isMoved = (file: FileStat) => missing.some((record) => records.sameFile(record, file))
  return pending
    .filter((file) => context.isReady(file, now))
    .sort((a, b) => a.sizeBytes - b.sizeBytes || Number(isMoved(b)) - Number(isMoved(a)))
}

/** The catalogue as this scan sees it: read once, kept in step with its own writes. */
type Opened = { list: Dataset[]; put(record: Dataset): Promise<void>; create(record: Dataset): Promise<boolean> }

async function openCatalogue(catalogue: IndexContext['catalogue']): Promise<Opened> {
  const list = await catalogue.list()
  const keep = (record: Dataset) => {
    const at = list.findIndex((one) => one.id === record.id)
    if (at >= 0) list[at] = record
    else list.push(record)
  }
  return {
    list,
    async put(record) {
      await catalogue.put(record)
      keep(record)
    },
    async create(record) {
      const created = await catalogue.create(record)
      if (created) keep(record)
      return created
    },
  }
}

/** Two live records of one path: a crash between the two writes of a move. The one that knows its content stays. */
async function onePerPath(all: Opened, now: number): Promise<Map<string, Dataset>> {
  const byPath = new Map<string, Dataset>()
  for (const record of all.list.filter((one) => one.state !== 'removed')) {
    const other = byPath.get(record.path)
    const [kept, given] = other?.version === '' && record.version !== '' ? [record, other] : [other ?? record, record]
    byPath.set(record.path, kept)
    if (other !== undefined) await all.put({ ...given, state: 'removed', updatedAt: now })
  }
  return byPath
}

async function add(context: IndexContext, all: Opened, file: FileStat, now: number): Promise<void> {
  const back = all.list.find(
    (old) => old.state === 'removed' && old.path === file.path && records.isKnown(old) && records.sameFile(old, file),
  )
  if (back !== undefined) {
    context.log('info', 'dataset is back', { dataset: back.id })
    return all.put(records.again(back, file, now))
  }
  for (const id of datasetIds(file.path)) {
    const taken = all.list.find((one) => one.id === id)
    const record = records.firstRecord(id, file, now)
    // An id whose file was never read has no labels and no sessions: it may be given again.
    if (taken?.state === 'removed' && taken.version === '') await all.put(record)
    else if (taken !== undefined || !(await all.create(record))) continue
    context.log('info', 'dataset seen', { dataset: id })
    return
  }
}

/** What the record of a file that lies where it lay must say now; the same record when nothing happened. */
async function compare(context: IndexContext, record: Dataset, file: FileStat, now: number): Promise<Dataset> {
  if (record.problem?.code === 'no-group')
    return records.sameFile(record, file) ? record : { ...record, ...file, updatedAt: now }
  if (!records.sameFile(record, file)) return records.unread(record, file, now)
  // It was thought lost, and is there again.
  if (record.state === 'checking' && records.isKnown(record)) return records.again(record, file, now)
  // Rights change without a trace in size or time.
  if (record.problem?.code === 'unreadable') {
    const start = await context.inspect.start(file.path)
    return start.kind !== 'whole' && start.problem.code === 'unreadable' ? record : records.unread(record, file, now)
  }
  if (record.problem?.code === 'too-demanding' && context.mayTryAgain(record, now))
    return records.unread(record, file, now)
  return record
}

async function markMissing(
  context: IndexContext,
  all: Opened,
  record: Dataset,
  { pending, allGone, now }: { pending: readonly FileStat[]; allGone: boolean; now: number },
): Promise<void> {
  const gone = context.isGone(record.id, allGone, now)
  // Nobody may start it meanwhile; what runs goes on, as it may only have been moved.
  if (record.state !== 'checking') await all.put({ ...record, state: 'checking', updatedAt: now })
  // A file of its size that was not read yet may be it: that is found out first.
  if (!gone || pending.some((file) => file.sizeBytes === record.sizeBytes)) return
  context.isFound(record.id)
  await all.put({ ...record, state: 'removed', updatedAt: now })
  context.log('info', 'dataset removed', { dataset: record.id })
  await context.tellChanged(record.id)
}
