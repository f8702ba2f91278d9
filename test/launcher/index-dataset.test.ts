/** The index while it works: order, files that change under it, what it tells the launcher, and what it asks again. */
import { createHash } from 'node:crypto'
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { LauncherError } from '../../functions/core/errors.ts'
import { makeWorld } from './index-world.ts'

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')
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
  expect(world.records.get('a')).toMatchObject({ ...usable, index: { cells: 14 } })
  // Names of one file under the other's version would put labels on other cells.
  expect(await world.cells.get(sha256('first'))).toBeNull()
  expect((await world.cells.get(sha256('second, longer')))?.names.join('')).toBe('second, longer')
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

test('the file is another one between the reading of its index and of its names: neither is kept under the wrong version', async () => {
  const world = makeWorld()
  world.put('public/a.h5ad', 'first')
  world.whileReadingCells = () => {
    world.whileReadingCells = null
    world.put('public/a.h5ad', 'tsrif', 1000) // as many cells, in another order
  }
  await world.settle()
  expect(await world.cells.get(sha256('first'))).toBeNull()
  expect((await world.cells.get(sha256('tsrif')))?.names.join('')).toBe('tsrif')
})

test('names that an older program did not keep are read by themselves, and not those of another file', async () => {
  const world = makeWorld()
  world.put('public/a.h5ad', 'first')
  world.put('public/b.h5ad', 'other')
  await world.settle()
  for (const text of ['first', 'other']) rmSync(join(world.root, '.cells', `${sha256(text)}.json.gz`))
  const hashed = world.hashed.length
  // Replaced while the launcher was away, in a way that its index can't see yet.
  world.whileReadingCells = (path) => {
    if (path === 'public/b.h5ad') world.put('public/b.h5ad', 'rehto', 1000)
  }
  await world.start().reconcile()
  expect((await world.cells.get(sha256('first')))?.names.join('')).toBe('first')
  expect(await world.cells.get(sha256('other'))).toBeNull()
  expect(world.hashed.length).toBe(hashed)
})
