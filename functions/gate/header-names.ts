/** Names of the contract's headers. The contract file itself brings zod along; its types hold these copies to it, letter by letter. */
import type { pageHeaders as Page, versionHeaders as Versions, viewerHeader as Viewer } from '../api/contract/lobby.ts'

export const pageHeaders: typeof Page = {
  owner: 'x-cxod-owner',
  datasetVersion: 'x-cxod-dataset-version',
  base: 'x-cxod-base',
}
export const versionHeaders: typeof Versions = { labels: 'x-cxod-labels-version', genesets: 'x-cxod-genesets-version' }
export const viewerHeader: typeof Viewer = 'x-cxod-viewer'

/** Between gate and viewer, never from or to a browser. */
export const saveIdHeader = 'x-save-id'
export const vaultVersionHeader = 'x-vault-version'
