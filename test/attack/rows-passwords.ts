/** Ten thousand passwords, and which names there are. */
import { createUserStore } from '../../functions/platform/dynamo/users.ts'
import type { Ask, Reply } from './http.ts'
import { allowed, type Row, refused } from './row.ts'
import { rightPassword, type World } from './world.ts'

const form = { 'content-type': 'application/x-www-form-urlencoded' }

const signIn = ({ app, bed }: World, name: string, password: string, from: string): Promise<Reply> => {
  const ask: Ask = {
    method: 'POST',
    body: String(new URLSearchParams({ name, password })),
    // As the proxy of this machine would write it.
    headers: { ...form, origin: bed.appUrl, 'x-forwarded-for': from },
  }
  return app('/sign-in', ask)
}

/** Answers by status; each 401 has cost an argon2, each 429 nothing. */
async function guess(world: World, times: number, of: (n: number) => readonly [name: string, from: string]) {
  const counts = new Map<number, number>()
  for (let n = 0; n < times; n += 100)
    await Promise.all(
      Array.from({ length: 100 }, async (_, k) => {
        const [name, from] = of(n + k)
        const { status, headers } = await signIn(world, name, `guess ${n + k} of many`, from)
        if (status !== 401 && status !== 429 && status !== 503) throw new Error(`went through: ${status}`)
        if (status === 429 && headers['retry-after'] === undefined) throw new Error('not told when to come back')
        counts.set(status, (counts.get(status) ?? 0) + 1)
      }),
    )
  return counts
}
const shown = (counts: Map<number, number>) => [...counts].map(([status, count]) => `${count} × ${status}`).join(', ')

export const passwordRows: readonly Row[] = [
  {
    name: '10,000 wrong passwords for one name',
    does: 'guesses from one address',
    async attack(world) {
      const counts = await guess(world, 10_000, () => ['bob', '198.51.100.7'])
      if ((counts.get(401) ?? 0) > 20) throw new Error(`${counts.get(401)} were looked at`)
      return shown(counts)
    },
    // The person themselves, from elsewhere, in the middle of it.
    twin: async (world) => allowed(await signIn(world, 'bob', rightPassword, '203.0.113.5'), 303),
  },
  {
    name: 'wrong passwords for one name from many addresses',
    does: 'guesses from a thousand addresses, some of them written by the attacker before the proxy’s own word',
    async attack(world) {
      const counts = await guess(world, 1_000, (n) => ['target', `203.0.113.1, 192.0.${2 + (n >> 8)}.${n & 255}`])
      if ((counts.get(401) ?? 0) > 60) throw new Error(`${counts.get(401)} were looked at`)
      const told = await signIn(world, 'target', rightPassword, '203.0.113.6')
      return `${shown(counts)}; then told so: ${refused(told, 429)}`
    },
    twin: async (world) => allowed(await signIn(world, 'bob', rightPassword, '203.0.113.6'), 303),
  },
  {
    name: 'wrong passwords for many names from one address',
    does: 'one password for every name (spraying), with IPv6 addresses of one network',
    async attack(world) {
      const counts = await guess(world, 600, (n) => [`name-${n}`, `2001:db8:1:2::${n.toString(16)}`])
      if ((counts.get(401) ?? 0) > 300) throw new Error(`${counts.get(401)} were looked at`)
      return shown(counts)
    },
    twin: async (world) => allowed(await signIn(world, 'bob', rightPassword, '2001:db8:1:3::1'), 303),
  },
  {
    name: 'which names there are',
    does: 'compares what a known name, an unknown one and one without a password are told',
    async attack(world) {
      await world.addUser('qz-known')
      await world.addUser('qz-empty')
      const users = createUserStore(world.store.table)
      const empty = await users.get('qz-empty')
      if (empty) await users.put({ ...empty, passwordHash: null })
      const told = async (name: string) => {
        const { status, headers, text } = await signIn(world, name, 'not the password', '203.0.113.8')
        const { date: _, ...rest } = headers
        return JSON.stringify({ status, rest, text: text.replaceAll(name, 'NAME') })
      }
      const [known, unknown, without] = [await told('qz-known'), await told('qz-never'), await told('qz-empty')]
      if (known !== unknown || known !== without) throw new Error('the answers differ')
      return '401, the same words and headers'
    },
    twin: async (world) => allowed(await signIn(world, 'qz-known', rightPassword, '203.0.113.8'), 303),
  },
]
