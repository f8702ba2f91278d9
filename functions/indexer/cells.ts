/** The names of the cells, of the columns that describe them, and of the genes: what labels and gene sets belong to. */
import { asGroup, tableColumns } from './elements.ts'
import type { Hdf5Group } from './hdf5.ts'
import { namesOf } from './names.ts'

/** @param tell some names at a time, in the file's order. Throws `ProblemFound` as reading the index does. */
export function readCells(root: Hdf5Group, tell: (names: string[]) => void) {
  const obs = root.get('obs')
  const names = namesOf(obs, 'obs')
  for (const some of names.walk()) tell(some)
  const group = asGroup(obs)
  const columns = group ? tableColumns(group).columns : obs?.kind === 'dataset' ? [...obs.fields().keys()].slice(1) : []
  const variables = root.get('var')
  const genes = variables === null ? [] : [...namesOf(variables, 'var').walk()].flat()
  return { cells: names.length, columns, genes }
}
