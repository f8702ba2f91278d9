/** The names of the cells and of the columns that describe them: what labels belong to, and which names they may not take. */
import { asGroup, tableColumns } from './elements.ts'
import type { Hdf5Group } from './hdf5.ts'
import { namesOf } from './names.ts'

/** @param tell some names at a time, in the file's order. Throws `ProblemFound` as reading the index does. */
export function readCells(root: Hdf5Group, tell: (names: string[]) => void): { cells: number; columns: string[] } {
  const obs = root.get('obs')
  const names = namesOf(obs, 'obs')
  for (const some of names.walk()) tell(some)
  const group = asGroup(obs)
  const columns = group ? tableColumns(group).columns : obs?.kind === 'dataset' ? [...obs.fields().keys()].slice(1) : []
  return { cells: names.length, columns }
}
