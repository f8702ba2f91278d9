/** The table of attacks: each is refused, and the same request with nothing wrong is not. Prints itself. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { tempDir } from '../support/temp-dir.ts'
import type { Row } from './row.ts'
import { endedRows } from './rows-ended.ts'
import { floodRows } from './rows-floods.ts'
import { guestRows } from './rows-guests.ts'
import { pathRows } from './rows-paths.ts'
import { requestRows } from './rows-requests.ts'
import { siteRows } from './rows-sites.ts'
import { tokenRows } from './rows-tokens.ts'
import { startWorld, type World } from './world.ts'

const parts: Readonly<Record<string, readonly Row[]>> = {
  'tickets, cookies, tokens': tokenRows,
  addresses: pathRows,
  requests: requestRows,
  'other sites': siteRows,
  'what was right once': endedRows,
  guests: guestRows,
  'too much': floodRows,
}

let world: World
const lines: string[] = []
beforeAll(async () => {
  world = await startWorld(tempDir())
}, 120_000)
afterAll(async () => {
  await world?.close()
  process.stdout.write(`\n${lines.join('\n')}\n`)
}, 120_000)

for (const [part, rows] of Object.entries(parts))
  describe(part, () => {
    it.each(rows)('$name', { timeout: 120_000 }, async (row) => {
      const what = await row.attack(world)
      await row.twin(world)
      lines.push(`${row.name.padEnd(62)} ${what}`)
    })
  })

it('has no name twice', () => {
  const names = Object.values(parts).flatMap((rows) => rows.map(({ name }) => name))
  expect(new Set(names).size).toBe(names.length)
})
