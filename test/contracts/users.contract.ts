/** What every UserStore must do, whatever is beneath it. */
import { describe, expect, it } from 'vitest'
import type { UserStore } from '../../functions/core/ports.ts'
import { aUser } from '../support/people.ts'

let names = 0
const name = () => `user-${process.pid}-${++names}`

/** @param make a store on an empty or shared table; the suite uses names of its own */
export function userStoreContract(label: string, make: () => UserStore): void {
  describe(`UserStore: ${label}`, () => {
    it('gives back every member as it was written', async () => {
      const user = aUser({ name: name(), email: 'a@b.org', groups: ['x', 'y'], admin: true, disabled: true })
      await make().create(user)
      expect(await make().get(user.name)).toEqual(user)
    })

    it('says null for a name nobody has', async () => {
      expect(await make().get(name())).toBeNull()
    })

    it('creates once: of 30 callers at once exactly one', async () => {
      const store = make()
      const taken = name()
      const tries = Array.from({ length: 30 }, (_, n) => store.create(aUser({ name: taken, email: `${n}@b.org` })))
      expect((await Promise.all(tries)).filter(Boolean)).toHaveLength(1)
    })

    it('overwrites by put, lists by name, and keeps people apart', async () => {
      const store = make()
      const [first, second] = [name(), name()]
      await store.create(aUser({ name: second }))
      await store.create(aUser({ name: first }))
      await store.put(aUser({ name: first, passwordHash: null, groups: ['late'] }))
      const mine = (await store.list()).filter((user) => [first, second].includes(user.name))
      expect(mine).toEqual([aUser({ name: first, passwordHash: null, groups: ['late'] }), aUser({ name: second })])
    })

    it('sets a password in place of the one that is known, and ends logins when asked to', async () => {
      const store = make()
      const [mine, other] = [aUser({ name: name(), passwordHash: null, groups: ['x'] }), aUser({ name: name() })]
      await store.create(mine)
      await store.create(other)
      expect(await store.setPassword(mine.name, 'another', 'a', true)).toBe(false)
      expect(await store.get(mine.name)).toEqual(mine)
      expect(await store.setPassword(mine.name, null, 'a', false)).toBe(true)
      expect(await store.get(mine.name)).toEqual({ ...mine, passwordHash: 'a' })
      expect(await store.setPassword(mine.name, 'a', 'b', true)).toBe(true)
      expect(await store.get(mine.name)).toEqual({ ...mine, passwordHash: 'b', generation: 1 })
      expect(await store.setPassword(name(), null, 'a', true)).toBe(false)
      expect(await store.get(other.name)).toEqual(other)
    })

    it('lets one of many who set a password at once win', async () => {
      const store = make()
      const mine = aUser({ name: name(), passwordHash: 'old' })
      await store.create(mine)
      const tries = Array.from({ length: 20 }, (_, n) => store.setPassword(mine.name, 'old', `new-${n}`, true))
      expect((await Promise.all(tries)).filter(Boolean)).toHaveLength(1)
      expect((await store.get(mine.name))?.generation).toBe(1)
    })
  })
}
