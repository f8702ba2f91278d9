/** Few at a time, in order, and not for endlessly many. */
import { expect, it } from 'vitest'
import { createTurns } from '../../functions/auth/turns.ts'

it('runs so many at once, the others in their order, and refuses who would wait too long', async () => {
  const turn = createTurns(2, 3)
  const begun: number[] = []
  const ends = new Map<number, () => void>()
  const job = (n: number) =>
    turn(() => {
      begun.push(n)
      return new Promise<number>((resolve) => ends.set(n, () => resolve(n)))
    })
  const jobs = [1, 2, 3, 4, 5].map(job)
  await expect(job(6)).rejects.toMatchObject({ code: 'unavailable' })
  expect(begun).toEqual([1, 2])
  ends.get(2)?.()
  await jobs[1]
  await Promise.resolve()
  expect(begun).toEqual([1, 2, 3])
  for (const n of [1, 3, 4, 5]) {
    while (!ends.has(n)) await Promise.resolve()
    ends.get(n)?.()
  }
  expect(await Promise.all(jobs)).toEqual([1, 2, 3, 4, 5])
})

it('gives the place back when a job fails', async () => {
  const turn = createTurns(1, 0)
  await expect(turn(() => Promise.reject(new Error('no')))).rejects.toThrow('no')
  expect(await turn(async () => 'yes')).toBe('yes')
})
