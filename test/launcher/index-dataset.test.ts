/**
 * The index over a real folder: each story is played once straight, and once for every write at which the launcher could
 * die; both must end in the same catalogue.
 */
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Dataset, DatasetProblem } from '../../functions/core/dataset.ts'
import { LauncherError } from '../../functions/core/errors.ts'
import type { Catalogue } from '../../functions/core/ports.ts'
import { createIndexDatasets, type IndexDatasets, type Inspector } from '../../functions/launcher/index-dataset.ts'
import { createDatasetFiles } from '../../functions/platform/local/dataset-files.ts'
import { tempDir } from '../support/temp-dir.ts'

const top = tempDir('index-stories-')
let worlds = 0
const day = 86_400_000

class Crash extends Error {}

/**
 * Files are text here: what begins with `short` is cut short, with `bad` refused by the index, with `text` no HDF5; all
 * else is good. (The real indexer has its own tests, and the flow test joins both.)
 */
function makeWorld() {
  const root = join(top, String(worlds++))
  mkdirSync(root)
  const records = new Map<string, Dataset>()
  const files = createDatasetFiles(root)
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
    start() {
      world.index = createIndexDatasets(
        { files, catalogue, clock: { now: () => world.now }, log: () => undefined },
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
          obsIndexHash: text,
          distribution: null,
          memoryMiB: 1,
        },
      }
    },
  }
  return world
}
type World = ReturnType<typeof makeWorld>

/** A story in steps; the folder is settled after each. What the catalogue says in the end. */
type Story = { steps: ((world: World) => void)[]; end: Record<string, string>; changed?: string[] }

const stories: Record<string, Story> = {
  'files of several groups': {
    steps: [
      (w) => {
        w.put('public/a.h5ad', 'A')
        w.put('labx/B file.h5ad', 'BB')
      },
    ],
    end: { a: 'usable public/a.h5ad', 'b-file': 'usable labx/B file.h5ad' },
  },
  'same names in two groups get two ids': {
    steps: [
      (w) => w.put('labx/a.h5ad', 'A1'),
      (w) => w.put('laby/a.h5ad', 'A2'),
      (w) => w.put('labx/sub/a.h5ad', 'A3'),
    ],
    end: { a: 'usable labx/a.h5ad', 'a-2': 'usable laby/a.h5ad', 'a-3': 'usable labx/sub/a.h5ad' },
  },
  'a file directly in the root': {
    steps: [(w) => w.put('a.h5ad', 'A')],
    end: { a: 'refused a.h5ad no-group' },
  },
  '… and then moved into a group keeps its id': {
    steps: [(w) => w.put('a.h5ad', 'A'), (w) => w.move('a.h5ad', 'public/a.h5ad')],
    end: { a: 'usable public/a.h5ad' },
  },
  'refused, cut short and no HDF5': {
    steps: [
      (w) => {
        w.put('public/bad.h5ad', 'bad')
        w.put('public/short.h5ad', 'short')
        w.put('public/text.h5ad', 'text')
      },
    ],
    end: {
      bad: 'refused public/bad.h5ad no-embedding',
      short: 'copying public/short.h5ad cut-short',
      text: 'refused public/text.h5ad not-hdf5',
    },
  },
  'a half copy that is completed': {
    steps: [(w) => w.put('public/a.h5ad', 'short'), (w) => w.put('public/a.h5ad', 'A complete', 1000)],
    end: { a: 'usable public/a.h5ad' },
  },
  'another version of a file': {
    steps: [(w) => w.put('public/a.h5ad', 'A'), (w) => w.put('public/a.h5ad', 'A, newer', 1000)],
    end: { a: 'usable public/a.h5ad' },
    changed: ['a'],
  },
  'touched, but the same': {
    steps: [(w) => w.put('public/a.h5ad', 'A'), (w) => w.put('public/a.h5ad', 'A', 1000)],
    end: { a: 'usable public/a.h5ad' },
  },
  'replaced by something that can’t be opened': {
    steps: [(w) => w.put('public/a.h5ad', 'A'), (w) => w.put('public/a.h5ad', 'text', 1000)],
    end: { a: 'refused public/a.h5ad not-hdf5' },
  },
  '… whose old content then turns up elsewhere': {
    steps: [
      (w) => w.put('public/a.h5ad', 'A'),
      (w) => w.put('public/a.h5ad', 'text', 1000),
      (w) => {
        w.remove('public/a.h5ad')
        w.put('public/old/a.h5ad', 'A')
      },
    ],
    end: { a: 'usable public/old/a.h5ad', 'a-2': 'removed public/old/a.h5ad' },
    // Gone for a while: no file of its last size was in sight.
  },
  'renamed within its folder': {
    steps: [(w) => w.put('public/a.h5ad', 'A'), (w) => w.move('public/a.h5ad', 'public/b.h5ad')],
    end: { a: 'usable public/b.h5ad', b: 'removed public/b.h5ad' },
    changed: [],
  },
  'moved to another group and back, twice': {
    steps: [
      (w) => w.put('public/a.h5ad', 'A'),
      (w) => w.move('public/a.h5ad', 'labx/a.h5ad'),
      (w) => w.move('labx/a.h5ad', 'public/a.h5ad'),
      (w) => w.move('public/a.h5ad', 'labx/a.h5ad'),
    ],
    end: { a: 'usable labx/a.h5ad', 'a-2': 'removed labx/a.h5ad' },
    changed: [],
  },
  'a whole folder renamed': {
    steps: [
      (w) => {
        w.put('labx/a.h5ad', 'A')
        w.put('labx/b.h5ad', 'BB')
        w.put('labx/c.h5ad', 'bad')
      },
      (w) => w.move('labx', 'laby'),
    ],
    end: {
      a: 'usable laby/a.h5ad',
      'a-2': 'removed laby/a.h5ad',
      b: 'usable laby/b.h5ad',
      'b-2': 'removed laby/b.h5ad',
      c: 'refused laby/c.h5ad no-embedding',
      'c-2': 'removed laby/c.h5ad',
    },
    changed: [],
  },
  'moved to another disk: there twice, then once': {
    steps: [
      (w) => w.put('public/a.h5ad', 'A long file'),
      (w) => w.put('labx/a.h5ad', 'A lo', 1000),
      (w) => {
        w.put('labx/a.h5ad', 'A long file', 1000)
        w.remove('public/a.h5ad')
      },
    ],
    // The half copy was listed and read as a file of its own; with a version it is a dataset.
    end: { a: 'removed public/a.h5ad', 'a-2': 'usable labx/a.h5ad' },
    changed: ['a-2', 'a'],
  },
  '… cut short on the way, as HDF5 files are': {
    steps: [
      (w) => w.put('public/a.h5ad', 'A long file'),
      (w) => w.put('labx/a.h5ad', 'short', 1000),
      (w) => {
        w.put('labx/a.h5ad', 'A long file', 1000)
        w.remove('public/a.h5ad')
      },
    ],
    end: { a: 'usable labx/a.h5ad', 'a-2': 'removed labx/a.h5ad' },
    changed: [],
  },
  removed: {
    steps: [
      (w) => {
        w.put('public/a.h5ad', 'A')
        w.put('public/b.h5ad', 'B')
      },
      (w) => w.remove('public/a.h5ad'),
    ],
    end: { a: 'removed public/a.h5ad', b: 'usable public/b.h5ad' },
    changed: ['a'],
  },
  'all removed': {
    steps: [(w) => w.put('public/a.h5ad', 'A'), (w) => w.remove('public/a.h5ad')],
    end: { a: 'removed public/a.h5ad' },
    changed: ['a'],
  },
  'removed and back at its place': {
    steps: [
      (w) => w.put('public/a.h5ad', 'A'),
      (w) => w.remove('public/a.h5ad'),
      (w) => w.put('public/a.h5ad', 'A', 1000),
    ],
    end: { a: 'usable public/a.h5ad', 'a-2': 'removed public/a.h5ad' },
    changed: ['a'],
  },
  'removed and back elsewhere, under another name': {
    steps: [
      (w) => w.put('public/a.h5ad', 'A'),
      (w) => w.remove('public/a.h5ad'),
      (w) => w.put('labx/z.h5ad', 'A', 1000),
    ],
    end: { a: 'usable labx/z.h5ad', z: 'removed labx/z.h5ad' },
    changed: ['a'],
  },
  'removed, then another content at its place': {
    steps: [
      (w) => w.put('public/a.h5ad', 'A'),
      (w) => w.remove('public/a.h5ad'),
      (w) => w.put('public/a.h5ad', 'Another', 1000),
    ],
    end: { a: 'usable public/a.h5ad', 'a-2': 'removed public/a.h5ad' },
    changed: ['a', 'a'],
  },
  'moved onto the place of a removed one': {
    steps: [
      (w) => {
        w.put('public/a.h5ad', 'A')
        w.put('public/b.h5ad', 'BB')
      },
      (w) => w.remove('public/a.h5ad'),
      (w) => w.move('public/b.h5ad', 'public/a.h5ad'),
    ],
    end: { a: 'removed public/a.h5ad', 'a-2': 'removed public/a.h5ad', b: 'usable public/a.h5ad' },
    changed: ['a'],
  },
  'renamed over another: that one has a new version': {
    steps: [
      (w) => {
        w.put('public/a.h5ad', 'A')
        w.put('public/b.h5ad', 'BB', 2 * day)
      },
      (w) => w.move('public/b.h5ad', 'public/a.h5ad'),
    ],
    end: { a: 'usable public/a.h5ad', b: 'removed public/b.h5ad' },
    changed: ['a', 'b'],
  },
  'two identical files': {
    steps: [
      (w) => {
        w.put('public/a.h5ad', 'same')
        w.put('public/b.h5ad', 'same')
      },
    ],
    end: { a: 'usable public/a.h5ad', b: 'usable public/b.h5ad' },
  },
  '… both moved at once find their own by name': {
    steps: [
      (w) => {
        w.put('public/a.h5ad', 'same')
        w.put('public/b.h5ad', 'same')
      },
      (w) => {
        w.move('public/b.h5ad', 'labx/b.h5ad')
        w.move('public/a.h5ad', 'labx/a.h5ad')
      },
    ],
    end: {
      a: 'usable labx/a.h5ad',
      'a-2': 'removed labx/a.h5ad',
      b: 'usable labx/b.h5ad',
      'b-2': 'removed labx/b.h5ad',
    },
    changed: [],
  },
  'a copy beside the original is a dataset of its own': {
    steps: [(w) => w.put('public/a.h5ad', 'same'), (w) => w.put('public/copy of a.h5ad', 'same')],
    end: { a: 'usable public/a.h5ad', 'copy-of-a': 'usable public/copy of a.h5ad' },
    changed: [],
  },
}

describe.each(Object.entries(stories))('%s', (_, story) => {
  test('ends as it should, and nothing is done twice', async () => {
    const world = makeWorld()
    for (const step of story.steps) {
      step(world)
      await world.settle()
    }
    expect(world.catalogue()).toEqual(story.end)
    if (story.changed) expect(world.changed).toEqual(story.changed)

    const [before, hashed] = [structuredClone([...world.records]), world.hashed.length]
    world.start()
    await world.settle()
    world.now += day
    await world.settle()
    expect([...world.records]).toEqual(before)
    expect(world.hashed.length).toBe(hashed)
  })

  test('ends the same when the launcher dies at any write', async () => {
    let deaths = 0
    for (let atWrite = 0; ; atWrite++) {
      const world = makeWorld()
      world.writesLeft = atWrite
      let died = false
      for (const step of story.steps) {
        step(world)
        // The loop that retries failed checks by itself must not hide the death: all writes fail until the new start.
        await world.settle().catch((error: unknown) => {
          if (!(error instanceof Crash) && !String(error).includes('never settles')) throw error
        })
        if (world.writesLeft > 0) continue
        died = true
        world.writesLeft = Number.POSITIVE_INFINITY
        world.start()
        await world.settle()
      }
      expect(world.catalogue(), `died before write ${atWrite}`).toEqual(story.end)
      if (!died) break
      deaths++
    }
    expect(deaths).toBeGreaterThan(0)
  })
})

const usable = { state: 'usable', problem: null }

test('new files are listed as being checked before the first of them is read, smallest first, one at a time', async () => {
  const world = makeWorld()
  world.put('public/large.h5ad', 'large'.repeat(100))
  world.put('public/small.h5ad', 'small')
  world.put('public/middle.h5ad', 'middle'.repeat(10))
  let reading = 0
  const seen: unknown[] = []
  world.whileHashing = async () => {
    expect(++reading).toBe(1)
    if (seen.length === 0) seen.push(world.catalogue())
    await new Promise((resolve) => setTimeout(resolve, 5))
    reading--
  }
  await world.settle()
  expect(seen).toEqual([
    { large: 'checking public/large.h5ad', middle: 'checking public/middle.h5ad', small: 'checking public/small.h5ad' },
  ])
  expect(world.hashed).toEqual(['public/small.h5ad', 'public/middle.h5ad', 'public/large.h5ad'])
})

test('a file that comes while another is read is listed at once, and the one under way is not read twice', async () => {
  const world = makeWorld()
  world.put('public/slow.h5ad', 'slow')
  let release = () => {}
  const held = new Promise<void>((resolve) => {
    release = resolve
  })
  const begun = new Promise<void>((resolve) => {
    world.whileHashing = (path) => {
      resolve()
      return path === 'public/slow.h5ad' ? held : undefined
    }
  })
  const index = world.start()
  const first = index.reconcile()
  await begun
  world.put('public/new.h5ad', 'new')
  const second = index.reconcile()
  await expect.poll(() => world.catalogue()).toMatchObject({ new: 'checking public/new.h5ad' })
  release()
  await Promise.all([first, second])
  await world.settle()
  expect(world.catalogue()).toEqual({ new: 'usable public/new.h5ad', slow: 'usable public/slow.h5ad' })
  expect(world.hashed).toEqual(['public/slow.h5ad', 'public/new.h5ad'])
})

test('look returns as soon as new files are listed, and leaves the reading to go on', async () => {
  const world = makeWorld()
  world.put('public/slow.h5ad', 'slow')
  let release = () => {}
  const held = new Promise<void>((resolve) => {
    release = resolve
  })
  world.whileHashing = () => held
  const index = world.start()
  expect(await index.look()).toEqual({ againMs: null })
  world.put('public/new.h5ad', 'new')
  await index.look()
  expect(world.catalogue()).toEqual({ new: 'checking public/new.h5ad', slow: 'checking public/slow.h5ad' })
  release()
  await expect.poll(() => world.catalogue()).toEqual({ new: 'usable public/new.h5ad', slow: 'usable public/slow.h5ad' })
})

test('a file is left alone while it grows, and says so', async () => {
  const world = makeWorld()
  const index = world.start()
  for (let size = 1; size <= 4; size++) {
    world.put('public/a.h5ad', 'x'.repeat(size), 0)
    const { againMs } = await index.reconcile()
    expect(againMs).toBe(5000)
    expect(world.catalogue()).toEqual({ a: `${size === 1 ? 'checking' : 'copying'} public/a.h5ad` })
    world.now += 2000
  }
  expect(world.hashed).toEqual([])
  await world.settle()
  expect(world.hashed).toEqual(['public/a.h5ad'])
  expect(world.records.get('a')).toMatchObject(usable)
})

test('a file that changes while it is read is read again; what was read of the old one is not kept', async () => {
  const world = makeWorld()
  world.put('public/a.h5ad', 'first')
  world.whileHashing = () => {
    world.whileHashing = null
    world.put('public/a.h5ad', 'second, longer', 1000)
  }
  await world.settle()
  expect(world.records.get('a')).toMatchObject({ ...usable, index: { obsIndexHash: 'second, longer' } })
})

test('another version ends the sessions after the catalogue knows the version and before it can be started', async () => {
  const world = makeWorld()
  world.put('public/a.h5ad', 'A')
  await world.settle()
  world.put('public/a.h5ad', 'newer', 1000)
  const at: unknown[] = []
  const push = world.changed.push
  world.changed.push = (id) => {
    at.push(structuredClone(world.records.get(id)))
    return push.call(world.changed, id)
  }
  await world.settle()
  const version = createHash('sha256').update('newer').digest('hex')
  expect(at).toMatchObject([{ state: 'checking', version, index: null }])
  expect(world.records.get('a')).toMatchObject({ ...usable, version })
})

test('what the launcher could not be told is told again', async () => {
  const world = makeWorld()
  world.put('public/a.h5ad', 'A')
  await world.settle()
  world.put('public/a.h5ad', 'newer', 1000)
  let failures = 2
  const push = world.changed.push
  world.changed.push = (id) => {
    if (failures-- > 0) throw new LauncherError('unavailable', 'store is away')
    return push.call(world.changed, id)
  }
  await world.settle()
  expect([...world.changed]).toEqual(['a'])
})

test('a moved file is neither hashed twice nor indexed again, and its sessions go on', async () => {
  const world = makeWorld()
  world.put('public/a.h5ad', 'A\ntitle=Own title')
  world.put('public/b.h5ad', 'BB')
  await world.settle()
  world.move('public/a.h5ad', 'labx/c.h5ad')
  world.move('public/b.h5ad', 'labx/d.h5ad')
  await world.settle()
  expect(world.indexed).toEqual(['public/b.h5ad', 'public/a.h5ad'])
  expect(world.changed).toEqual([])
  expect(world.records.get('a')).toMatchObject({ ...usable, group: 'labx', title: 'Own title' })
  expect(world.records.get('b')).toMatchObject({ ...usable, group: 'labx', title: 'd' })
})

test('a folder that can’t be read changes nothing', async () => {
  const world = makeWorld()
  world.put('public/a.h5ad', 'A')
  await world.settle()
  const before = structuredClone([...world.records])
  renameSync(world.root, `${world.root}-away`)
  await expect(world.index?.reconcile()).rejects.toMatchObject({ code: 'unavailable' })
  expect([...world.records]).toEqual(before)
  renameSync(`${world.root}-away`, world.root)
  await world.settle()
  expect([...world.records]).toEqual(before)
})

test('a disk that is not mounted for half a minute ends no session and costs no reading', async () => {
  const world = makeWorld()
  world.put('public/a.h5ad', 'A')
  await world.settle()
  renameSync(world.root, `${world.root}-away`)
  mkdirSync(world.root)
  await world.index?.reconcile()
  world.now += 30_000
  await world.index?.reconcile()
  expect(world.catalogue()).toEqual({ a: 'checking public/a.h5ad' })
  rmSync(world.root, { recursive: true })
  renameSync(`${world.root}-away`, world.root)
  await world.settle()
  expect(world.catalogue()).toEqual({ a: 'usable public/a.h5ad' })
  expect([world.changed, world.hashed]).toEqual([[], ['public/a.h5ad']])
})

test('back after a long while, unchanged: known without reading it', async () => {
  const world = makeWorld()
  world.put('public/a.h5ad', 'A')
  world.put('public/b.h5ad', 'B')
  await world.settle()
  world.move('public/a.h5ad', '.trash')
  await world.settle()
  expect(world.catalogue()).toMatchObject({ a: 'removed public/a.h5ad' })
  world.move('.trash', 'public/a.h5ad')
  await world.settle()
  expect(world.records.get('a')).toMatchObject(usable)
  expect(world.hashed).toHaveLength(2)
})

test('a file without read permission is tried when the permission comes, with no trace in size or time', async () => {
  const world = makeWorld()
  world.put('public/a.h5ad', 'locked')
  await world.settle()
  expect(world.catalogue()).toEqual({ a: 'refused public/a.h5ad unreadable' })
  const writes = structuredClone([...world.records])
  await world.settle()
  expect([...world.records]).toEqual(writes)
  writeFileSync(join(world.root, 'unlocked'), '')
  await world.settle()
  expect(world.catalogue()).toEqual({ a: 'usable public/a.h5ad' })
})

test('a file that was too much for the reader is tried once more after a start, not for ever', async () => {
  const world = makeWorld()
  world.put('public/a.h5ad', 'heavy')
  await world.settle()
  expect(world.indexed).toHaveLength(2)
  await world.settle()
  expect(world.indexed).toHaveLength(2)
  expect(world.catalogue()).toEqual({ a: 'refused public/a.h5ad too-demanding' })
})

test('a reader that fails is asked again later, and the others don’t wait for it', async () => {
  const world = makeWorld()
  world.put('public/a.h5ad', 'A')
  world.put('public/bb.h5ad', 'BB')
  let failures = 2
  world.whileHashing = (path) => {
    if (path === 'public/a.h5ad' && failures-- > 0) throw new LauncherError('unavailable', 'the reader is broken')
  }
  const index = world.start()
  expect(await index.reconcile()).toEqual({ againMs: 15_000 })
  expect(world.catalogue()).toEqual({ a: 'checking public/a.h5ad', bb: 'usable public/bb.h5ad' })
  await world.settle()
  expect(world.catalogue()).toMatchObject({ a: 'usable public/a.h5ad' })
})

test('stop ends a read that is under way; the next start finishes it', async () => {
  const world = makeWorld()
  world.put('public/a.h5ad', 'A')
  const index = world.start()
  world.whileHashing = async () => {
    world.whileHashing = null
    void index.stop()
    throw new LauncherError('unavailable', 'stopped')
  }
  await index.reconcile()
  await index.stop()
  expect(await index.reconcile()).toEqual({ againMs: null })
  expect(world.catalogue()).toEqual({ a: 'checking public/a.h5ad' })
  world.start()
  await world.settle()
  expect(world.catalogue()).toEqual({ a: 'usable public/a.h5ad' })
})
