/** A folder, a catalogue and an index to play stories on: files are real, their content is text, the store may die. */
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Dataset, DatasetProblem } from '../../functions/core/dataset.ts'
import type { Catalogue, CellNames } from '../../functions/core/ports.ts'
import { createIndexDatasets, type IndexDatasets, type Inspector } from '../../functions/launcher/index-dataset.ts'
import { createCellNames } from '../../functions/platform/local/cell-names.ts'
import { createDatasetFiles } from '../../functions/platform/local/dataset-files.ts'
import { tempDir } from '../support/temp-dir.ts'

const top = tempDir('index-stories-')
let worlds = 0
export const day = 86_400_000

export class Crash extends Error {}

/**
 * Files are text here: what begins with `short` is cut short, with `bad` refused by the index, with `text` no HDF5; all
 * else is good. (The real indexer has its own tests, and the flow test joins both.)
 */
export function makeWorld() {
  const root = join(top, String(worlds++))
  mkdirSync(root)
  const records = new Map<string, Dataset>()
  const files = createDatasetFiles(root)
  const cells: CellNames = createCellNames(join(root, '.cells'), { now: (): number => world.now })
  const world = {
    now: 1_700_000_000_000,
    root,
    records,
    files,
    /** Counts down with each write; at zero the launcher dies before it. */
    writesLeft: Number.POSITIVE_INFINITY,
    hashed: [] as string[],
    indexed: [] as string[],
    changed: [] as string[],
    whileHashing: null as null | ((path: string) => void | Promise<void>),
    index: null as IndexDatasets | null,
    cells,
    whileReadingCells: null as null | ((path: string) => void),
    start() {
      world.index = createIndexDatasets(
        {
          files,
          catalogue,
          cells: world.cells,
          clock: { now: () => world.now },
          log: () => undefined,
        },
        { inspect, datasetChanged: async (id) => void world.changed.push(id) },
      )
      return world.index
    },
    /** Copies a file in, as it lies there from `agoMs` before now. */
    put(path: string, content: string, agoMs = day) {
      mkdirSync(dirname(join(root, path)), { recursive: true })
      writeFileSync(join(root, path), content)
      const at = (world.now - agoMs) / 1000
      utimesSync(join(root, path), at, at)
    },
    move(from: string, to: string) {
      mkdirSync(dirname(join(root, to)), { recursive: true })
      renameSync(join(root, from), join(root, to))
    },
    remove: (path: string) => rmSync(join(root, path)),
    /** Looks and waits until nothing is left to wait for. */
    async settle() {
      const index = world.index ?? world.start()
      for (let looks = 0; looks < 50; looks++) {
        const { againMs } = await index.reconcile()
        if (againMs === null) return
        world.now += againMs
      }
      throw new Error('it never settles')
    },
    /** id → path and state, the title where it is not the id, and the version's content. */
    catalogue: () =>
      Object.fromEntries(
        [...records.values()]
          .sort((a, b) => (a.id < b.id ? -1 : 1))
          .map((one) => [one.id, [one.state, one.path, ...(one.problem ? [one.problem.code] : [])].join(' ')]),
      ),
  }
  const write = (dataset: Dataset) => {
    if (world.writesLeft-- <= 0) throw new Crash()
    records.set(dataset.id, structuredClone(dataset))
  }
  const catalogue: Catalogue = {
    get: async (id) => structuredClone(records.get(id) ?? null),
    list: async () => structuredClone([...records.values()]),
    async create(dataset) {
      if (records.has(dataset.id)) return false
      write(dataset)
      return true
    },
    put: async (dataset) => write(dataset),
  }
  const read = async (path: string) => {
    const at = await files.locate(path)
    return readFileSync(at.kind === 'path' ? at.path : '', 'utf8')
  }
  const problem = (code: string): DatasetProblem => ({ code, cause: 'cause', remedy: 'remedy' })
  const inspect: Inspector = {
    async start(path) {
      const text = await read(path)
      if (text.startsWith('short')) return { kind: 'cut-short', problem: problem('cut-short') }
      if (text.startsWith('text')) return { kind: 'refused', problem: problem('not-hdf5') }
      return text.startsWith('locked') && !existsSync(join(root, 'unlocked'))
        ? { kind: 'refused', problem: problem('unreadable') }
        : { kind: 'whole' }
    },
    async hash(path) {
      world.hashed.push(path)
      const text = await read(path)
      await world.whileHashing?.(path)
      return createHash('sha256').update(text).digest('hex')
    },
    async cells(path) {
      world.whileReadingCells?.(path)
      return { names: [...(await read(path))], columns: [] }
    },
    async index(path) {
      world.indexed.push(path)
      const text = await read(path)
      if (text.startsWith('bad')) return { problem: problem('no-embedding') }
      if (text.startsWith('heavy')) return { problem: problem('too-demanding') }
      const title = /title=(.*)/.exec(text)?.[1] ?? null
      return {
        title,
        index: {
          cells: text.length,
          genes: 1,
          storedValues: 1,
          dtype: 'float32',
          layout: 'dense',
          embeddings: ['umap'],
          obsIndexHash: createHash('sha256')
            .update([...text].map((letter) => `${letter}\n`).join(''))
            .digest('hex'),
          distribution: null,
          memoryMiB: 1,
        },
      }
    },
  }
  return world
}
export type World = ReturnType<typeof makeWorld>
