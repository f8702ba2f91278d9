/** What every router must do, be it a table in memory or a load balancer. */
import { describe, expect, test } from 'vitest'
import type { Router } from '../../functions/core/ports.ts'

export type RouterUnderTest = {
  router: Router
  /** Another process on the same routes; null where there can be none. */
  again: (() => Router) | null
  /** Endpoints as this platform's task runner names them; every call another one. */
  endpoint(): string
  /** How many sessions can have a route at once; null: no limit of its own. */
  room: number | null
  /** What `open` leads to is answered from now on (health checks pass). */
  settle(): Promise<void>
}

const id = (n: number): string => `session${'abcdefghij'[n % 10]}${'abcdefghij'[Math.floor(n / 10)]}aaaaaaaaaaa`

export function routerContract(name: string, make: () => Promise<RouterUnderTest>) {
  describe(`router contract: ${name}`, () => {
    test('a session without a route has none, and closing it is harmless', async () => {
      const { router } = await make()
      expect(await router.status(id(1))).toBe('none')
      await router.close(id(2))
      expect(await router.listSessionIds()).toEqual([])
    })

    test('reserve gives a path of this session alone, the same on every repeat', async () => {
      const { router } = await make()
      const { path } = await router.reserve(id(1))
      expect(path).toMatch(/^\/s\/[a-z0-9-]+\/$/)
      expect(path).toContain(id(1))
      expect(await router.reserve(id(1))).toEqual({ path })
      expect((await router.reserve(id(2))).path).not.toBe(path)
      expect(await router.status(id(1))).toBe('reserved')
      expect((await router.listSessionIds()).sort()).toEqual([id(1), id(2)])
    })

    test('open may be repeated; close takes it all away, and may be repeated too', async () => {
      const { router, endpoint, settle } = await make()
      await router.reserve(id(1))
      const at = endpoint()
      await router.open(id(1), at)
      await router.open(id(1), at)
      await settle()
      expect(await router.status(id(1))).toBe('open')
      await router.close(id(1))
      await router.close(id(1))
      expect(await router.status(id(1))).toBe('none')
      expect(await router.listSessionIds()).toEqual([])
    })

    test('what was never reserved, or is closed, can’t be opened', async () => {
      const { router, endpoint } = await make()
      await expect(router.open(id(1), endpoint())).rejects.toMatchObject({ code: 'session-over' })
      await router.reserve(id(2))
      await router.close(id(2))
      await expect(router.open(id(2), endpoint())).rejects.toMatchObject({ code: 'session-over' })
      expect(await router.status(id(2))).toBe('none')
    })

    test('when it is final, a reserve after a close is refused', async () => {
      const { router } = await make()
      await router.reserve(id(1))
      await router.close(id(1))
      if (router.final) await expect(router.reserve(id(1))).rejects.toMatchObject({ code: 'session-over' })
      else expect((await router.reserve(id(1))).path).toContain(id(1))
    })

    test('refuses for lack of room, and has room again after a close', async () => {
      const { router, room } = await make()
      if (room === null) return
      for (let n = 0; n < room; n++) await router.reserve(id(n))
      await expect(router.reserve(id(room))).rejects.toMatchObject({ code: 'no-room' })
      expect(await router.status(id(room))).toBe('none')
      await router.close(id(0))
      expect((await router.reserve(id(room))).path).toContain(id(room))
    })

    test('many at once, in two processes: never two sessions on one path, never more than there is room for', async () => {
      const { router, again, room } = await make()
      const both = [router, again?.() ?? router]
      const many = Array.from({ length: (room ?? 10) + 10 }, (_, n) => n)
      const tries = await Promise.allSettled(many.flatMap((n) => both.map((one) => one.reserve(id(n)))))
      const paths = tries.flatMap((one) => (one.status === 'fulfilled' ? [one.value.path] : []))
      for (const one of tries) if (one.status === 'rejected') expect(one.reason).toMatchObject({ code: 'no-room' })
      const slots = new Set(paths.map((path) => path.slice(0, room === null ? undefined : 5)))
      expect(slots.size).toBe(new Set(paths).size)
      const holders = await router.listSessionIds()
      if (room !== null) expect(holders.length).toBe(room)
      expect(new Set(paths).size).toBeGreaterThanOrEqual(holders.length)
    })
  })
}
