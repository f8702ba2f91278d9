/** The ports on which nothing of the exploration turns: one dataset that stays as it is, no links, nothing to save. */
import type { Dataset } from '../../functions/core/dataset.ts'
import type { Ports } from '../../functions/core/ports.ts'

export const t0 = 1_800_000_000_000

export const dataset: Dataset = {
  id: 'pbmc',
  path: 'public/pbmc.h5ad',
  group: 'public',
  title: 'pbmc',
  state: 'usable',
  problem: null,
  sizeBytes: 1,
  modifiedAt: t0,
  version: 'v1',
  index: {
    cells: 1,
    genes: 1,
    storedValues: 1,
    dtype: 'float32',
    layout: 'csr',
    embeddings: ['umap'],
    obsIndexHash: 'h1',
    distribution: 'normal',
    memoryMiB: 300,
  },
  firstSeenAt: t0,
  updatedAt: t0,
}

/** Nobody comes by a link in this world. */
const noLinks = new Proxy({} as Ports['links'], {
  get: () => () => Promise.reject(new Error('there are no links in this world')),
})

export const stillPorts = {
  links: noLinks,
  catalogue: {
    get: async () => dataset,
    list: async () => [dataset],
    create: async () => false,
    put: async () => {},
  },
  files: {
    list: async () => [],
    stat: async () => null,
    locate: async () => ({ kind: 'path', path: '/data/pbmc.h5ad' }),
  },
  vault: {
    latest: async () => null,
    read: async () => new Uint8Array(),
    history: async () => [],
    put: async () => {
      throw new Error('nothing is saved in this world')
    },
    listDatasets: async () => [],
  },
  cells: { get: async () => null, has: async () => false, put: async () => {}, prune: async () => {} },
} satisfies Partial<Ports>
