/** The table of attacks: each is refused, and the same request with nothing wrong is not. Prints itself. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { tempDir } from '../support/temp-dir.ts'
import { openStage, type Stage } from './browser.ts'
import type { Row } from './row.ts'
import { browserRows } from './rows-browser.ts'
import { endedRows } from './rows-ended.ts'
import { floodRows } from './rows-floods.ts'
import { guestRows } from './rows-guests.ts'
import { machineRows } from './rows-machine.ts'
import { pathRows } from './rows-paths.ts'
import { requestRows } from './rows-requests.ts'
import { siteRows } from './rows-sites.ts'
import { tokenRows } from './rows-tokens.ts'
import { startWorld, type World } from './world.ts'

let world: World
let stage: Stage | undefined
const parts: Readonly<Record<string, readonly Row[]>> = {
  'tickets, cookies, tokens': tokenRows,
  addresses: pathRows,
  requests: requestRows,
  'other sites': siteRows,
  'what was right once': endedRows,
  guests: guestRows,
  'the same machine': machineRows,
  browsers: browserRows(async () => (stage ??= await openStage(world))),
  'too much': floodRows,
}

const lines: string[] = []
beforeAll(async () => {
  world = await startWorld(tempDir())
}, 120_000)
afterAll(async () => {
  await stage?.close()
  await world?.close()
  process.stdout.write(`\n${lines.join('\n')}\n`)
}, 120_000)

for (const [part, rows] of Object.entries(parts))
  describe(part, () => {
    // Not `it.each`: it cuts long names, and SECURITY.md names them.
    for (const row of rows)
      it(row.name, { timeout: 180_000 }, async () => {
        const what = await row.attack(world)
        await row.twin(world)
        lines.push(`${row.name.padEnd(66)} ${what}`)
      })
  })

/** SECURITY.md says so; should a browser learn to stop it, that text must change. */
it('a script in the page can lead its own page elsewhere: no policy of a page stops that', {
  timeout: 180_000,
}, async () => {
  stage ??= await openStage(world)
  const { page, context } = await stage.viewerPage(world.ada)
  stage.attacker.heard()
  await page.evaluate((evil) => location.assign(`${evil}/led-away`), stage.attacker.origin)
  await page.waitForURL(/led-away/)
  expect(stage.attacker.heard()).toContain('GET /led-away')
  await context.close()
})

it('has no name twice', () => {
  const names = Object.values(parts).flatMap((rows) => rows.map(({ name }) => name))
  expect(new Set(names).size).toBe(names.length)
})
