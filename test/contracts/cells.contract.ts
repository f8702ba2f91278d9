/** What every CellNames must do: the same names in the same order, per version, and none forgotten too soon. */
import { describe, expect, it } from 'vitest'
import { type CellNames, keptCellsMs } from '../../functions/core/ports.ts'

const odd = ['a', '', ' ', '1', 'ä', '日本', '🧬', 'two\nlines', 'nul\u0000', '"', '\\', '__proto__']

export function cellsContract(
  name: string,
  open: (clock: { now(): number }) => Promise<CellNames>,
  startAt = Date.now(),
): void {
  describe(`CellNames: ${name}`, () => {
    let time = startAt
    const clock = { now: () => time }

    it('gives back what was put, in its order, and nothing for a version that was not', async () => {
      const cells = await open(clock)
      expect(await cells.get('a1')).toBeNull()
      expect(await cells.has('a1')).toBe(false)
      const put = { names: odd, columns: ['n_genes', '日本'], genes: ['CD3D'] }
      await cells.put('a1', put)
      await cells.put('b2', { names: [...odd].reverse(), columns: [] })
      expect(await cells.get('a1')).toEqual(put)
      expect(await cells.get('b2')).toEqual({ names: [...odd].reverse(), columns: [] })
      expect(await cells.has('a1')).toBe(true)
    })

    it('may be put again, by several at once', async () => {
      const cells = await open(clock)
      const put = { names: odd, columns: [] }
      await Promise.all(Array.from({ length: 8 }, () => cells.put('c3', put)))
      await cells.put('c3', put)
      expect(await cells.get('c3')).toEqual(put)
    })

    it('holds a million names', async () => {
      const cells = await open(clock)
      const names = Array.from({ length: 1_000_000 }, (_, n) => `AAACATACAACCAC-${n}`)
      await cells.put('d4', { names, columns: ['n_genes'] })
      const got = await cells.get('d4')
      expect(got?.names.length).toBe(names.length)
      expect(got?.names.every((one, at) => one === names[at])).toBe(true)
    })

    it('forgets a version only when it has not been a current one for long', async () => {
      const cells = await open(clock)
      for (const version of ['current', 'replaced']) await cells.put(version, { names: odd, columns: [] })
      await cells.prune(new Set(['current', 'replaced']))
      time += keptCellsMs - 1000
      await cells.prune(new Set(['current']))
      expect(await cells.has('replaced')).toBe(true)
      time += 2000
      await cells.prune(new Set(['current']))
      expect(await cells.has('replaced')).toBe(false)
      expect(await cells.get('replaced')).toBeNull()
      expect(await cells.has('current')).toBe(true)
    })

    it('refuses what is no version, so that none leads elsewhere', async () => {
      const cells = await open(clock)
      for (const version of ['', '../x', 'a/b', 'x'.repeat(200), 'a\u0000'])
        await expect(async () => cells.get(version)).rejects.toMatchObject({ code: 'bad-request' })
    })
  })
}
