/** What every LinkStore must do, whatever is beneath it. */
import { describe, expect, it } from 'vitest'
import type { LaunchLink, LinkGuest, LinkUse } from '../../functions/core/link.ts'
import type { LinkStore } from '../../functions/core/ports.ts'

let count = 0
const newId = () =>
  `link${String(++count)
    .padStart(8, '0')
    .replace(/\d/g, (digit) => 'abcdefghij'[Number(digit)] ?? '')}`

export function aLink(over: Partial<LaunchLink> = {}): LaunchLink {
  return {
    id: newId(),
    datasetId: 'pbmc',
    createdBy: 'local:ada',
    createdByName: 'ada',
    createdAt: 1000,
    expiresAt: 2000,
    revokedAt: null,
    mode: 'annotate',
    note: 'for the lab next door',
    guestNames: null,
    maxGuests: null,
    guests: 0,
    ...over,
  }
}
const aGuest = (linkId: string, key: string, over: Partial<LinkGuest> = {}): LinkGuest => ({
  ...{ linkId, key, name: key.toUpperCase(), createdAt: 1500 },
  ...over,
})

/** @param make a store on an empty or shared table; the suite uses ids of its own */
export function linkStoreContract(label: string, make: () => LinkStore): void {
  describe(`LinkStore: ${label}`, () => {
    it('gives back every member as it was written, and null for what was never made', async () => {
      const link = aLink({ guestNames: ['Ann', 'Bob'], maxGuests: 3, mode: 'view' })
      expect(await make().create(link)).toBe(true)
      expect(await make().get(link.id)).toEqual(link)
      expect(await make().get(newId())).toBeNull()
    })

    it('creates once', async () => {
      const link = aLink()
      const tries = Array.from({ length: 10 }, (_, n) => make().create({ ...link, note: String(n) }))
      expect((await Promise.all(tries)).filter(Boolean)).toHaveLength(1)
    })

    it('lists a dataset’s links, newest first, revoked ones too, and no other’s', async () => {
      const datasetId = `set-${newId()}`
      const links = [
        aLink({ datasetId, createdAt: 1 }),
        aLink({ datasetId, createdAt: 3 }),
        aLink({ datasetId, createdAt: 2 }),
      ]
      for (const link of links) await make().create(link)
      await make().create(aLink())
      await make().revoke(links[1]?.id ?? '', 50)
      const listed = await make().listByDataset(datasetId)
      expect(listed.map(({ createdAt }) => createdAt)).toEqual([3, 2, 1])
      expect(listed[0]?.revokedAt).toBe(50)
      expect(await make().listByDataset(`set-${newId()}`)).toEqual([])
    })

    it('revokes once: the first time stays', async () => {
      const link = aLink()
      await make().create(link)
      expect(await make().revoke(link.id, 10)).toEqual({ ...link, revokedAt: 10 })
      expect(await make().revoke(link.id, 20)).toEqual({ ...link, revokedAt: 10 })
      expect(await make().revoke(newId(), 20)).toBeNull()
    })

    it('lets in as many guests as it may have, however many come at once, and counts them', async () => {
      const link = aLink({ maxGuests: 3 })
      await make().create(link)
      const tries = await Promise.all(
        Array.from({ length: 12 }, (_, n) => make().addGuest(link, aGuest(link.id, `g${n}`))),
      )
      expect(tries.filter((one) => one === 'added')).toHaveLength(3)
      expect(tries.filter((one) => one === 'full')).toHaveLength(9)
      expect((await make().get(link.id))?.guests).toBe(3)
      expect(await make().listGuests(link.id)).toHaveLength(3)
    })

    it('gives a name to one guest only, and the place of the others back', async () => {
      const link = aLink({ maxGuests: 5 })
      await make().create(link)
      const tries = await Promise.all(Array.from({ length: 8 }, () => make().addGuest(link, aGuest(link.id, 'ann'))))
      expect(tries.filter((one) => one === 'added')).toHaveLength(1)
      expect(tries.filter((one) => one !== 'added').every((one) => one === 'taken' || one === 'full')).toBe(true)
      expect((await make().get(link.id))?.guests).toBe(1)
      expect(await make().addGuest(link, aGuest(link.id, 'ann'))).toBe('taken')
      expect(await make().getGuest(link.id, 'ann')).toEqual(aGuest(link.id, 'ann'))
      expect(await make().getGuest(link.id, 'bob')).toBeNull()
    })

    it('lists guests in the order in which they came', async () => {
      const link = aLink()
      await make().create(link)
      for (const [key, createdAt] of [
        ['zoe', 1],
        ['ann', 2],
        ['bob', 3],
      ] as const)
        await make().addGuest(link, aGuest(link.id, key, { createdAt }))
      expect((await make().listGuests(link.id)).map(({ key }) => key)).toEqual(['zoe', 'ann', 'bob'])
    })

    it('keeps every use, newest first', async () => {
      const linkId = newId()
      const use = (at: number): LinkUse => ({
        linkId,
        at,
        guestKey: 'ann',
        guestName: 'Ann',
        what: 'entered',
        detail: '',
      })
      for (const at of [1, 1, 3, 2]) await make().recordUse(use(at))
      expect((await make().listUses(linkId, 10)).map(({ at }) => at)).toEqual([3, 2, 1, 1])
      expect(await make().listUses(linkId, 1)).toEqual([use(3)])
    })
  })
}
