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
  })
}
