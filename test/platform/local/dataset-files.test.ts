/** The data folder: the contract, and what only a folder has: links, special files, closed doors. */
import { execFileSync } from 'node:child_process'
import { chown, lchown, mkdir, mkdtemp, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { createDatasetFiles } from '../../../functions/platform/local/dataset-files.ts'
import { datasetFilesContract } from '../../contracts/dataset-files.contract.ts'

const made: string[] = []
const newFolder = async () => {
  const dir = await realpath(await mkdtemp(join(tmpdir(), 'data-')))
  made.push(dir)
  return dir
}
afterAll(() => Promise.all(made.map((dir) => rm(dir, { recursive: true, force: true }))))

const store = async () => {
  const root = await newFolder()
  const put = async (path: string, content: string) => {
    await mkdir(dirname(join(root, path)), { recursive: true })
    await writeFile(join(root, path), content)
  }
  const remove = (path: string) => rm(join(root, path))
  const fetch = async (at: { kind: 'path'; path: string } | { kind: 'url'; url: string }) =>
    at.kind === 'path' ? readFile(at.path, 'utf8') : `a folder has no addresses: ${at.url}`
  return { root, files: createDatasetFiles(root), put, remove, fetch }
}

datasetFilesContract('local folder', store)

const paths = async (files: ReturnType<typeof createDatasetFiles>) => (await files.list()).map((file) => file.path)

test('links to files are followed, inside and out of the folder, and so is a linked group folder', async () => {
  const { root, files, put, fetch } = await store()
  const elsewhere = await newFolder()
  await writeFile(join(elsewhere, 'big.h5ad'), 'far away')
  await put('public/a.h5ad', 'near')
  await symlink(join(elsewhere, 'big.h5ad'), join(root, 'public', 'linked.h5ad'))
  await symlink('a.h5ad', join(root, 'public', 'same.h5ad'))
  await symlink(elsewhere, join(root, 'labx'))
  expect(await paths(files)).toEqual(['labx/big.h5ad', 'public/a.h5ad', 'public/linked.h5ad', 'public/same.h5ad'])
  expect(await files.stat('public/linked.h5ad')).toMatchObject({ sizeBytes: 8 })
  expect(await fetch(await files.locate('labx/big.h5ad'))).toBe('far away')
  expect(await files.locate('public/linked.h5ad')).toEqual({ kind: 'path', path: join(elsewhere, 'big.h5ad') })
})

test('links that lead nowhere, in circles, to folders further down, or to what is no file are left out', async () => {
  const { root, files, put } = await store()
  const elsewhere = await newFolder()
  await writeFile(join(elsewhere, 'x.h5ad'), 'x')
  await put('public/sub/a.h5ad', 'a')
  await symlink('nowhere', join(root, 'public', 'broken.h5ad'))
  await symlink('loop.h5ad', join(root, 'public', 'loop.h5ad'))
  await symlink(elsewhere, join(root, 'public', 'deeper'))
  await symlink('..', join(root, 'public', 'up'))
  await symlink('/dev/zero', join(root, 'public', 'device.h5ad'))
  await symlink(elsewhere, join(root, 'public', 'folder.h5ad'))
  execFileSync('mkfifo', [join(root, 'public', 'pipe.h5ad')])
  expect(await paths(files)).toEqual(['public/sub/a.h5ad'])
  for (const path of ['broken', 'loop', 'deeper/x', 'up/public/sub/a', 'device', 'folder', 'pipe'])
    await expect(files.locate(`public/${path}.h5ad`), path).rejects.toMatchObject({ code: 'not-found' })
})

// Only root can give files away, so only root can set this up.
test.runIf(process.getuid?.() === 0)(
  'a link is not followed to a file of somebody other than who made the link',
  async () => {
    const { root, files, put, fetch } = await store()
    await put('laby/secret.h5ad', 'secret')
    await chown(join(root, 'laby/secret.h5ad'), 2001, 2001)
    await mkdir(join(root, 'labx'))
    for (const [name, uid] of [
      ['theirs', 2002],
      ['own', 2001],
      ['admin', 0],
    ] as const) {
      await symlink('../laby/secret.h5ad', join(root, 'labx', `${name}.h5ad`))
      await lchown(join(root, 'labx', `${name}.h5ad`), uid, uid)
    }
    expect(await paths(files)).toEqual(['labx/admin.h5ad', 'labx/own.h5ad', 'laby/secret.h5ad'])
    await expect(files.locate('labx/theirs.h5ad')).rejects.toMatchObject({ code: 'not-found' })
    expect(await fetch(await files.locate('labx/own.h5ad'))).toBe('secret')
  },
)

test('a root that is gone is an error, never an empty list: that would end every viewer', async () => {
  const { root, files, put } = await store()
  await put('public/a.h5ad', 'a')
  await rm(root, { recursive: true })
  await expect(files.list()).rejects.toMatchObject({ code: 'unavailable' })
  await expect(files.stat('public/a.h5ad')).rejects.toMatchObject({ code: 'unavailable' })
  await writeFile(root, 'a file in its place')
  await expect(files.list()).rejects.toMatchObject({ code: 'unavailable' })
})

test('the root itself may be a link, and may be linked anew', async () => {
  const { root, put } = await store()
  await put('public/a.h5ad', 'a')
  const link = join(await newFolder(), 'data')
  await symlink(root, link)
  const files = createDatasetFiles(link)
  expect(await paths(files)).toEqual(['public/a.h5ad'])
  expect(await files.locate('public/a.h5ad')).toEqual({ kind: 'path', path: join(root, 'public/a.h5ad') })
})
