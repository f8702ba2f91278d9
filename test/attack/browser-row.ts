/** What the rows for a browser share: their shape, people of their own, and the same done rightly. */
import type { Page } from 'playwright-core'
import type { Stage } from './browser.ts'
import { allowed, type Row } from './row.ts'
import type { World } from './world.ts'

export type Staged = {
  name: string
  does: string
  attack(world: World, stage: Stage): Promise<string>
  twin(world: World, stage: Stage): Promise<void>
}

let people = 0
export async function somebody(world: World, groups: string[] = []) {
  const name = `browser-${++people}`
  await world.addUser(name, groups)
  return world.signIn(name)
}

/** Nothing is heard of for a while; a beacon has no end to wait for. */
export const settle = (page: Page) => page.waitForTimeout(1_000)

export const assert = (holds: boolean, what: string) => {
  if (!holds) throw new Error(what)
}

/** The form that these rows send, from the launcher's own page. */
export async function launchRightly(world: World): Promise<void> {
  const { login } = await somebody(world, ['lab'])
  const type = { 'content-type': 'application/x-www-form-urlencoded', cookie: `cxod-login=${login}` }
  allowed(
    await world.app('/datasets/liver/launch', { method: 'POST', headers: { ...type, origin: world.bed.appUrl } }),
    303,
  )
}

/** The rows need a browser, which is started with the first of them. */
export const staged = (rows: readonly Staged[], stage: () => Promise<Stage>): readonly Row[] =>
  rows.map(({ attack, twin, ...row }) => ({
    ...row,
    attack: async (world) => attack(world, await stage()),
    twin: async (world) => twin(world, await stage()),
  }))
