/** Rights: a dataset belongs to the group named by its folder; checked before anything starts. */
import { type Dataset, publicGroup } from './dataset.ts'
import type { Principal } from './principal.ts'

/** May this person see the dataset, launch a viewer for it and keep labels on it? */
export function mayOpen(who: Principal, dataset: Pick<Dataset, 'group'>): boolean {
  return who.admin || dataset.group === publicGroup || who.groups.includes(dataset.group)
}
