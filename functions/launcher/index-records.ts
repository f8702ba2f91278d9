/** Catalogue records of the index: how they begin, what settles them, and which record a found file continues. Pure. */
import type { Dataset, DatasetIndex, DatasetProblem } from '../core/dataset.ts'
import { groupOf, titleOf } from '../core/dataset-names.ts'
import type { FileStat } from '../core/ports.ts'

const noGroup: DatasetProblem = {
  code: 'no-group',
  cause: 'The file lies directly in the data folder, so it belongs to no group.',
  remedy: 'Move it into `public/` for everybody, or into the folder of the group that owns it.',
}

/** A file seen for the first time. Without a group nobody but an administrator may see it, and it is not read. */
export function firstRecord(id: string, file: FileStat, now: number): Dataset {
  const group = groupOf(file.path)
  return {
    id,
    path: file.path,
    group: group ?? '',
    title: titleOf(file.path),
    state: group === null ? 'refused' : 'checking',
    problem: group === null ? noGroup : null,
    sizeBytes: file.sizeBytes,
    modifiedAt: file.modifiedAt,
    version: '',
    index: null,
    firstSeenAt: now,
    updatedAt: now,
  }
}

/**
 * The file has changed: nothing that was known of its content holds until it is read again. One that changes while it
 * waits to be read is being copied.
 */
export function unread(record: Dataset, file: FileStat, now: number): Dataset {
  const state = record.state === 'copying' || isPending(record) ? 'copying' : 'checking'
  return { ...record, ...file, group: groupOf(file.path) ?? '', state, problem: null, index: null, updatedAt: now }
}

/** The same content was found again, here or elsewhere: what was known of it holds. */
export function again(record: Dataset, file: FileStat, now: number): Dataset {
  const title = record.title === titleOf(record.path) ? titleOf(file.path) : record.title
  const state = record.index !== null ? 'usable' : 'refused'
  return { ...record, ...file, group: groupOf(file.path) ?? '', title, state, updatedAt: now }
}

export function indexed(
  record: Dataset,
  result: { index: DatasetIndex; title: string | null } | { problem: DatasetProblem },
  now: number,
): Dataset {
  if ('problem' in result) return refused(record, result.problem, now)
  const title = result.title ?? titleOf(record.path)
  return { ...record, state: 'usable', problem: null, index: result.index, title, updatedAt: now }
}

export function refused(record: Dataset, problem: DatasetProblem, now: number): Dataset {
  return { ...record, state: 'refused', problem, index: null, updatedAt: now }
}

/** Problems of the file as it lay there, not of the content that `version` names. */
const passing: readonly string[] = ['no-group', 'unreadable', 'empty-file', 'not-hdf5', 'cut-short', 'too-demanding']

export const sameFile = (record: Dataset, file: FileStat): boolean =>
  record.sizeBytes === file.sizeBytes && record.modifiedAt === file.modifiedAt

/** What is known holds wherever the same content lies. */
export const isKnown = (record: Dataset): boolean =>
  record.version !== '' &&
  (record.index !== null || (record.problem !== null && !passing.includes(record.problem.code)))

/** Waits to be read: nothing is known of what lies there now. */
export const isPending = (record: Dataset): boolean =>
  record.state === 'checking' || (record.state === 'copying' && record.problem === null)

/**
 * The record that a file with this content continues, of those whose own file is gone: the one with the same file name,
 * then of the same group, then the one seen last. So files that were moved together find their own.
 */
export function continues(absent: readonly Dataset[], file: FileStat, version: string): Dataset | null {
  const rank = (record: Dataset) =>
    Number(titleOf(record.path) === titleOf(file.path)) * 2 + Number(record.group === groupOf(file.path))
  const matches = absent.filter((record) => record.version === version)
  matches.sort((a, b) => rank(b) - rank(a) || b.updatedAt - a.updatedAt || (a.id < b.id ? -1 : 1))
  return matches[0] ?? null
}
