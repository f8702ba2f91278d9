/** Rights: a dataset belongs to the group named by its folder; checked before anything starts. */
import { type Dataset, publicGroup } from './dataset.ts'
import type { Principal, User } from './principal.ts'

/** May this person see the dataset, launch a viewer for it and keep labels on it? */
export function mayOpen(who: Principal, dataset: Pick<Dataset, 'id' | 'group'>): boolean {
  // A guest's link is for one dataset, and what happens to its folder changes nothing about that: revoke the link instead.
  if (who.kind === 'guest') return who.datasetId === dataset.id
  return who.admin || dataset.group === publicGroup || who.groups.includes(dataset.group)
}

/** May this person hand out launch links for the dataset? Whoever may open it as a user: guests pass nothing on. */
export function mayShare(who: Principal, dataset: Pick<Dataset, 'id' | 'group'>): who is User {
  return who.kind === 'user' && mayOpen(who, dataset)
}
