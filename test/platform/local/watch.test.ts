/** The folder watch on a real folder: told by events, found by looking, one call at a time. */
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { type FolderWatch, type WatchOptions, watchFolder } from '../../../functions/platform/local/watch.ts'
import { tempDir } from '../../support/temp-dir.ts'

const clock = { now: () => Date.now() }
const open: FolderWatch[] = []
afterEach(async () => {
  await Promise.all(open.splice(0).map((one) => one.stop()))
})

/** Never looks by itself within a test unless asked to, so that what is seen was told by events. */
function watching(root: string, options: WatchOptions = {}, onChange = async () => {}) {
  const calls = { count: 0, atOnce: 0, most: 0, againMs: null as number | null }
  const watch = watchFolder(
    root,
    async () => {
      calls.most = Math.max(calls.most, ++calls.atOnce)
      await onChange()
      calls.atOnce--
      calls.count++
      return { againMs: calls.againMs }
    },
    clock,
    { quietMs: 20, longestMs: 100, rescanMs: 3_600_000, ...options },
  )
  open.push(watch)
  return calls
}
const reaches = (calls: { count: number }, count: number) =>
  expect.poll(() => calls.count, { timeout: 10_000, interval: 10 }).toBeGreaterThanOrEqual(count)

test('calls at once, then when files come, change, move and go, in folders old and new', async () => {
  const root = tempDir('watch-')
  mkdirSync(join(root, 'public'))
  const calls = watching(root)
  await reaches(calls, 1)
  const changes = [
    () => writeFileSync(join(root, 'public', 'a.h5ad'), 'a'),
    () => writeFileSync(join(root, 'public', 'a.h5ad'), 'aa'),
    () => renameSync(join(root, 'public', 'a.h5ad'), join(root, 'public', 'b.h5ad')),
    () => mkdirSync(join(root, 'labx')),
    () => writeFileSync(join(root, 'labx', 'c.h5ad'), 'c'),
    () => mkdirSync(join(root, 'labx', 'deep')),
    () => writeFileSync(join(root, 'labx', 'deep', 'd.h5ad'), 'd'),
    () => rmSync(join(root, 'labx'), { recursive: true }),
    () => rmSync(join(root, 'public', 'b.h5ad')),
  ]
  for (const change of changes) {
    const before = calls.count
    change()
    await reaches(calls, before + 1)
    // Lets a second call for the same change pass, so that it isn't taken for the next one's.
    await new Promise((resolve) => setTimeout(resolve, 60))
  }
})

test('a stream of events is gathered, but does not hold the call back for ever', async () => {
  const root = tempDir('watch-')
  const calls = watching(root, { quietMs: 200, longestMs: 400 })
  await reaches(calls, 1)
  // An event every few ms, always sooner than the quiet that is waited for.
  const writing = setInterval(() => writeFileSync(join(root, 'growing.h5ad'), String(Math.random())), 5)
  try {
    await reaches(calls, 3)
  } finally {
    clearInterval(writing)
  }
})

test('never two calls at a time; a change during one is followed by another', async () => {
  const root = tempDir('watch-')
  let release = () => {}
  let held = Promise.resolve()
  const calls = watching(root, {}, () => held)
  await reaches(calls, 1)
  held = new Promise((resolve) => {
    release = resolve
  })
  writeFileSync(join(root, 'a.h5ad'), 'a')
  await expect.poll(() => calls.atOnce, { timeout: 10_000 }).toBe(1)
  writeFileSync(join(root, 'b.h5ad'), 'b')
  await new Promise((resolve) => setTimeout(resolve, 100))
  held = Promise.resolve()
  release()
  await reaches(calls, 3)
  expect(calls.most).toBe(1)
})

test('looks again when the call asks for it, and on schedule, without any event', async () => {
  const root = tempDir('watch-')
  const asked = watching(root)
  asked.againMs = 10
  await reaches(asked, 3)
  const scheduled = watching(root, { rescanMs: 10 })
  await reaches(scheduled, 3)
})

test('a folder that is gone, and a call that fails, are tried again', async () => {
  const root = join(tempDir('watch-'), 'data')
  mkdirSync(root)
  const logged: string[] = []
  let failing = true
  const calls = watching(
    root,
    { rescanMs: 10, log: (_level, event, fields) => logged.push(`${event} ${fields?.error}`) },
    async () => {
      if (failing) throw new Error('the store is away')
    },
  )
  await expect.poll(() => logged.length, { timeout: 10_000 }).toBeGreaterThan(1)
  expect(logged[0]).toContain('the store is away')
  rmSync(root, { recursive: true })
  failing = false
  await expect.poll(() => logged.at(-1), { timeout: 10_000 }).toContain('ENOENT')
  mkdirSync(root)
  const before = calls.count
  await reaches(calls, before + 2)
})

test('after stop nothing is called, and stop waits for the call under way', async () => {
  const root = tempDir('watch-')
  let release = () => {}
  const held = new Promise<void>((resolve) => {
    release = resolve
  })
  let ended = false
  const watch = watchFolder(
    root,
    async () => {
      await held
      ended = true
      return { againMs: 1 }
    },
    clock,
    { quietMs: 1 },
  )
  const stopping = watch.stop()
  expect(ended).toBe(false)
  release()
  await stopping
  expect(ended).toBe(true)
  ended = false
  writeFileSync(join(root, 'a.h5ad'), 'a')
  await new Promise((resolve) => setTimeout(resolve, 50))
  expect(ended).toBe(false)
})
