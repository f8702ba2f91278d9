/** Step 2: the catalogue, filtered by who asks. */
import { mayOpen } from '../core/access.ts'
import type { Dataset } from '../core/dataset.ts'
import { LauncherError } from '../core/errors.ts'
import type { Principal } from '../core/principal.ts'
import type { Context } from './context.ts'

export async function listDatasets({ ports }: Context, who: Principal): Promise<Dataset[]> {
  const [all, kept] = await Promise.all([ports.catalogue.list(), ports.vault.listDatasets(who.id)])
  return all
    .filter((dataset) => mayOpen(who, dataset))
    .filter((dataset) => dataset.state !== 'removed' || kept.includes(dataset.id))
    .sort((a, b) => (a.path < b.path ? -1 : 1))
}

export async function getDataset({ ports }: Context, who: Principal, datasetId: string): Promise<Dataset> {
  return visible(who, await ports.catalogue.get(datasetId), datasetId)
}

/** The dataset, if there is one and `who` has the right to it. Throws `not-found` or `not-allowed`. */
export function visible(who: Principal, dataset: Dataset | null, datasetId: string): Dataset {
  if (dataset === null) throw new LauncherError('not-found', `There is no dataset “${datasetId}” here.`)
  if (mayOpen(who, dataset)) return dataset
  throw new LauncherError(
    'not-allowed',
    `This dataset belongs to the group “${dataset.group}”, and you are not in it. Ask its owner or your administrator to add you.`,
  )
}
