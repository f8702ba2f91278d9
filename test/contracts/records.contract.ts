/** What every ReceiptStore and Catalogue must do, whatever is beneath it. */
import { describe, expect, it } from 'vitest'
import type { Catalogue, ReceiptStore } from '../../functions/core/ports.ts'
import type { Receipt } from '../../functions/core/session.ts'
import { aDataset } from '../support/ports.ts'

let count = 0
const unique = (word: string) => `${word}-${process.pid}-${++count}`

export function receiptStoreContract(name: string, make: () => ReceiptStore): void {
  describe(`ReceiptStore: ${name}`, () => {
    const receipt = (over: Partial<Receipt>): Receipt => ({
      sessionId: unique('session'),
      ownerId: 'local:ada',
      datasetId: 'pbmc',
      from: 1_800_000_000_000,
      readyAt: null,
      to: 1_800_000_060_000,
      size: { memoryMiB: 1024, vcpu: 0.5 },
      cause: 'idle',
      detail: null,
      ...over,
    })

    it('keeps the first of a session, however often it is written', async () => {
      const store = make()
      const first = receipt({ ownerId: unique('local:owner') })
      await store.put(first)
      await store.put({ ...first, cause: 'user', to: first.to + 1 })
      expect(await store.listByOwner(first.ownerId)).toEqual([first])
    })

    it('lists one owner’s, newest first', async () => {
      const store = make()
      const ownerId = unique('local:owner')
      for (const from of [2_000, 9_000_000_000_000, 10_000]) await store.put(receipt({ ownerId, from }))
      await store.put(receipt({ ownerId: unique('local:other') }))
      expect((await store.listByOwner(ownerId)).map(({ from }) => from)).toEqual([9_000_000_000_000, 10_000, 2_000])
    })
  })
}

export function catalogueContract(name: string, make: () => Catalogue): void {
  describe(`Catalogue: ${name}`, () => {
    it('gives an id to exactly one of those who ask for it at once', async () => {
      const store = make()
      const id = unique('dataset')
      const created = await Promise.all(
        Array.from({ length: 20 }, (_, n) => store.create(aDataset({ id, path: `public/${n}.h5ad` }))),
      )
      expect(created.filter(Boolean)).toHaveLength(1)
    })

    it('returns what was put, removed ones too, and null for what was not', async () => {
      const store = make()
      const one = aDataset({ id: unique('one'), index: null, problem: { code: 'c', cause: 'why', remedy: 'how' } })
      const gone = aDataset({ id: unique('gone'), state: 'removed' })
      await store.create(one)
      await store.put(gone)
      await store.put({ ...one, title: 'Other' })
      expect(await store.get(one.id)).toEqual({ ...one, title: 'Other' })
      expect(await store.list()).toEqual(expect.arrayContaining([{ ...one, title: 'Other' }, gone]))
      expect(await store.get('nothing')).toBeNull()
    })
  })
}
