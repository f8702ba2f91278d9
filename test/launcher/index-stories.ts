/** What people do to a data folder, and what the catalogue must say in the end. */
import { day, type World } from './index-world.ts'

/** A story in steps; the folder is settled after each. What the catalogue says in the end. */
export type Story = { steps: ((world: World) => void)[]; end: Record<string, string>; changed?: string[] }

export const stories: Record<string, Story> = {
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
  'moved, and a copy made of it: the moved one continues': {
    steps: [
      (w) => w.put('public/a.h5ad', 'same'),
      (w) => {
        w.move('public/a.h5ad', 'public/z.h5ad')
        w.put('public/copy.h5ad', 'same', 2 * day)
      },
    ],
    end: { a: 'usable public/z.h5ad', copy: 'usable public/copy.h5ad', z: 'removed public/z.h5ad' },
    changed: [],
  },
  'a copy beside the original is a dataset of its own': {
    steps: [(w) => w.put('public/a.h5ad', 'same'), (w) => w.put('public/copy of a.h5ad', 'same')],
    end: { a: 'usable public/a.h5ad', 'copy-of-a': 'usable public/copy of a.h5ad' },
    changed: [],
  },
}
