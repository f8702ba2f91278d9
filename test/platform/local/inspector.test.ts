/** Folder, index and the real indexer together: a lab drops files, and the catalogue tells what became of them. */
import { copyFileSync, mkdirSync, readFileSync, renameSync, truncateSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { Dataset } from '../../../functions/core/dataset.ts'
import { createIndexer } from '../../../functions/indexer/client.ts'
import { createIndexDatasets } from '../../../functions/launcher/index-dataset.ts'
import { createCellNames } from '../../../functions/platform/local/cell-names.ts'
import { createDatasetFiles } from '../../../functions/platform/local/dataset-files.ts'
import { createInspector } from '../../../functions/platform/local/inspector.ts'
import { builtPrograms } from '../../support/built.ts'
import { tempDir } from '../../support/temp-dir.ts'
import { testSample } from '../../support/tools.ts'

test('real files, as a lab drops them', async () => {
  const root = tempDir('lab-')
  const [pub, labx] = [join(root, 'public'), join(root, 'labx')]
  mkdirSync(pub)
  mkdirSync(labx)
  const old = new Date(Date.now() - 86_400_000)
  const aged = (path: string, at = old) => utimesSync(path, at, at)
  const sample = join(pub, 'PBMC 68k.h5ad')
  copyFileSync(testSample(), sample)
  copyFileSync(testSample(), join(labx, 'half.h5ad'))
  truncateSync(join(labx, 'half.h5ad'), 500_000)
  writeFileSync(join(labx, 'table.h5ad'), 'cell,gene\n')
  for (const path of [sample, join(labx, 'half.h5ad'), join(labx, 'table.h5ad')]) aged(path)

  const records = new Map<string, Dataset>()
  const files = createDatasetFiles(root)
  const indexer = createIndexer({ program: join(await builtPrograms(), 'indexer.mjs') })
  const cells = createCellNames(join(root, '.cells'), { now: () => now })
  let now = Date.now()
  const index = createIndexDatasets(
    {
      files,
      catalogue: {
        get: async (id) => records.get(id) ?? null,
        list: async () => [...records.values()],
        create: async (one) => !records.has(one.id) && records.set(one.id, one).size > 0,
        put: async (one) => void records.set(one.id, one),
      },
      cells,
      clock: { now: () => now },
      log: () => undefined,
    },
    { inspect: createInspector(files, indexer), datasetChanged: async () => undefined },
  )
  const settle = async () => {
    for (;;) {
      const { againMs } = await index.reconcile()
      if (againMs === null) return
      now += againMs
    }
  }
  await settle()
  expect(records.get('pbmc-68k')).toMatchObject({
    state: 'usable',
    group: 'public',
    title: 'PBMC 68k',
    index: { cells: 700, genes: 765, embeddings: ['pca', 'umap'], layout: 'dense', distribution: 'count' },
  })
  expect(records.get('half')).toMatchObject({ state: 'copying', problem: { code: 'cut-short' } })
  expect(records.get('table')).toMatchObject({ state: 'refused', problem: { code: 'not-hdf5' } })

  const before = records.get('pbmc-68k')
  renameSync(sample, join(labx, 'PBMC.h5ad'))
  writeFileSync(join(labx, 'half.h5ad'), readFileSync(testSample()))
  aged(join(labx, 'half.h5ad'), new Date(old.getTime() + 60_000))
  await settle()
  expect(records.get('pbmc-68k')).toMatchObject({ state: 'usable', path: 'labx/PBMC.h5ad', version: before?.version })
  // The copy is complete, and the original still there: a dataset of its own.
  expect(records.get('half')).toMatchObject({ state: 'usable', path: 'labx/half.h5ad', index: before?.index })
  await index.stop()
})
