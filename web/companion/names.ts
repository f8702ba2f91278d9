/** Names of the contract's headers. The contract file itself brings zod along; its types hold these copies to it. */
import type {
  pageHeaders as Page,
  uploadRefHeader as Ref,
  versionHeaders as Versions,
  viewerHeader as Viewer,
} from '../../functions/api/contract/lobby.ts'

export const pageHeaders: typeof Page = {
  owner: 'x-cxod-owner',
  datasetVersion: 'x-cxod-dataset-version',
  base: 'x-cxod-base',
}
export const versionHeaders: typeof Versions = { labels: 'x-cxod-labels-version', genesets: 'x-cxod-genesets-version' }
export const uploadRefHeader: typeof Ref = 'x-upload-ref'
export const viewerHeader: typeof Viewer = 'x-cxod-viewer'
