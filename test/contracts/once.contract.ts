/** What every OnceStore must do, whatever is beneath it. */
import { describe, expect, it } from 'vitest'
import type { OnceStore } from '../../functions/core/ports.ts'

let keys = 0
const key = () => `key-${process.pid}-${++keys}`
const now = 1_800_000_000_000

export function onceStoreContract(label: string, make: () => OnceStore): void {
  describe(`OnceStore: ${label}`, () => {
    it('spends once: of 50 callers at once exactly one, and nobody later', async () => {
      const store = make()
      const mine = key()
      const spent = await Promise.all(Array.from({ length: 50 }, () => store.spend(mine, now)))
      expect(spent.filter(Boolean)).toHaveLength(1)
      expect(await make().spend(mine, now)).toBe(false)
      expect(await make().spend(key(), now)).toBe(true)
    })

    it('counts every hit of 40 at once exactly once', async () => {
      const store = make()
      const mine = key()
      const hits = await Promise.all(Array.from({ length: 40 }, () => store.hit(mine, now, 60_000)))
      expect(hits.map((hit) => hit.count).sort((a, b) => a - b)).toEqual(Array.from({ length: 40 }, (_, n) => n + 1))
      expect(new Set(hits.map((hit) => hit.resetsAt))).toEqual(new Set([now + 60_000]))
    })

    it('starts again a window after the first hit, not after the last', async () => {
      const store = make()
      const mine = key()
      expect(await store.hit(mine, now, 1000)).toEqual({ count: 1, resetsAt: now + 1000 })
      expect(await store.hit(mine, now + 999, 1000)).toEqual({ count: 2, resetsAt: now + 1000 })
      expect(await store.hit(mine, now + 1000, 1000)).toEqual({ count: 1, resetsAt: now + 2000 })
      expect(await store.hit(mine, now + 1001, 1000)).toEqual({ count: 2, resetsAt: now + 2000 })
    })

    it('keeps keys, spending and counting apart', async () => {
      const store = make()
      const mine = key()
      await store.hit(mine, now, 1000)
      expect(await store.spend(mine, now)).toBe(true)
      expect(await store.hit(key(), now, 1000)).toEqual({ count: 1, resetsAt: now + 1000 })
      expect((await store.hit(mine, now, 1000)).count).toBe(2)
    })
  })
}
