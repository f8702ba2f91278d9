/** What every source of dataset files must do, be it a folder or a bucket. */
import { describe, expect, test } from 'vitest'
import type { DatasetFiles } from '../../functions/core/ports.ts'

/** Puts content at a path of the store under test, as a person would by copying; and takes it away. */
export type Store = {
  files: DatasetFiles
  put(path: string, content: string): Promise<void>
  remove(path: string): Promise<void>
  /** Reads what `locate` points at. */
  fetch(location: { kind: 'path'; path: string } | { kind: 'url'; url: string }): Promise<string>
}

export function datasetFilesContract(name: string, make: () => Promise<Store>) {
  describe(`dataset files contract: ${name}`, () => {
    test('an empty store lists nothing', async () => {
      const { files } = await make()
      expect(await files.list()).toEqual([])
      expect(await files.stat('public/a.h5ad')).toBeNull()
      await expect(files.locate('public/a.h5ad')).rejects.toMatchObject({ code: 'not-found' })
    })

    test('lists every .h5ad by path, with its size and time, at any depth', async () => {
      const { files, put } = await make()
      await put('public/b.h5ad', 'four')
      await put('public/a.h5ad', '1')
      await put('lab x/2024/näme (1).h5ad', '22')
      await put('root.h5ad', '')
      await put('public/SHOUTED.H5AD', '333')
      const listed = await files.list()
      expect(listed.map((file) => [file.path, file.sizeBytes])).toEqual([
        ['lab x/2024/näme (1).h5ad', 2],
        ['public/SHOUTED.H5AD', 3],
        ['public/a.h5ad', 1],
        ['public/b.h5ad', 4],
        ['root.h5ad', 0],
      ])
      for (const file of listed) {
        expect(Number.isSafeInteger(file.modifiedAt)).toBe(true)
        expect(Math.abs(file.modifiedAt - Date.now())).toBeLessThan(24 * 3_600_000)
        expect(await files.stat(file.path)).toEqual(file)
      }
    })

    test('leaves out what is hidden, under way or something else', async () => {
      const { files, put } = await make()
      const left = [
        'public/notes.txt',
        'public/a.h5ad.part',
        'public/b.h5ad.tmp',
        'public/.b.h5ad.Xy12Zz',
        'public/.hidden.h5ad',
        'public/._mac.h5ad',
        '.snapshot/c.h5ad',
        'public/upload.part/d.h5ad',
        'public/h5ad',
        'public/.h5ad',
      ]
      for (const path of left) await put(path, 'x')
      await put('public/kept.h5ad', 'x')
      expect((await files.list()).map((file) => file.path)).toEqual(['public/kept.h5ad'])
      for (const path of left) {
        expect(await files.stat(path), path).toBeNull()
        await expect(files.locate(path), path).rejects.toMatchObject({ code: 'not-found' })
      }
    })

    test('locate leads to the bytes; afterwards gone means not-found', async () => {
      const { files, put, remove, fetch } = await make()
      await put('public/a.h5ad', 'the bytes')
      expect(await fetch(await files.locate('public/a.h5ad'))).toBe('the bytes')
      await remove('public/a.h5ad')
      expect(await files.list()).toEqual([])
      expect(await files.stat('public/a.h5ad')).toBeNull()
      await expect(files.locate('public/a.h5ad')).rejects.toMatchObject({ code: 'not-found' })
    })

    test('a path that is not one of ours finds nothing, however it is written', async () => {
      const { files, put } = await make()
      await put('public/a.h5ad', 'x')
      const odd = ['', '/', '..', '../a.h5ad', 'public/../public/a.h5ad', './public/a.h5ad', '/public/a.h5ad']
      for (const path of [...odd, 'public//a.h5ad', 'public/a.h5ad/', 'public/a.h5ad\0', 'public\\a.h5ad', 'public']) {
        expect(await files.stat(path), path).toBeNull()
        await expect(files.locate(path), path).rejects.toMatchObject({ code: 'not-found' })
      }
    })
  })
}
