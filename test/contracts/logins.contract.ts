/** What every LoginStore must do, whatever is beneath it. */
import { describe, expect, it } from 'vitest'
import type { LoginStore } from '../../functions/core/ports.ts'

let ids = 0
const id = () => `login-${process.pid}-${++ids}`

export function loginStoreContract(label: string, make: () => LoginStore): void {
  describe(`LoginStore: ${label}`, () => {
    const login = () => ({
      id: id(),
      userName: 'ada',
      generation: 3,
      createdAt: 1_800_000_000_000,
      expiresAt: 1_800_000_600_000,
    })

    it('gives back what was created, and nothing else', async () => {
      const mine = login()
      await make().create(mine)
      await make().create({ ...login(), userName: 'bob' })
      expect(await make().get(mine.id)).toEqual(mine)
      expect(await make().get(id())).toBeNull()
    })

    it('deletes, once or twice', async () => {
      const [mine, other] = [login(), login()]
      await make().create(mine)
      await make().create(other)
      await make().delete(mine.id)
      await make().delete(mine.id)
      expect(await make().get(mine.id)).toBeNull()
      expect(await make().get(other.id)).toEqual(other)
    })
  })
}
