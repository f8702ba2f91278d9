/** The table of attacks: each is refused, and the same request with nothing wrong is not. Prints itself. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { tempDir } from '../support/temp-dir.ts'
import { openStage, type Stage } from './browser.ts'
import { tableOf } from './table.ts'
import { startWorld, type World } from './world.ts'

let world: World
let stage: Stage | undefined
const parts = tableOf(async () => (stage ??= await openStage(world)))

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
