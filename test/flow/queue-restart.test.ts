/** The launcher is stopped and started again while twenty people wait; one of them has closed the tab meanwhile. */
import { expect, it } from 'vitest'
import { inOrder } from '../../functions/core/session.ts'
import type { LocalBed } from '../support/local-bed.ts'
import { aUser } from '../support/ports.ts'
import { tempDir } from '../support/temp-dir.ts'
import { counted, startQueueBed } from './queue-bed.ts'

const places = 4
const waiting = 20
const names = Array.from({ length: places + waiting }, (_, n) => `person-${String(n).padStart(2, '0')}`)
const gone = names[places + 2] as string
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + 60_000
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`it never came to this: ${what}`)
    await sleep(50)
  }
}

const sessionOf = (bed: LocalBed, name: string) => bed.launcher.findSession(aUser(name), 'pbmc')

/** As an open page: asks where it stands, uses its viewer for a moment, closes. */
async function waitAndLeave(bed: LocalBed, name: string): Promise<void> {
  for (;;) {
    const session = await sessionOf(bed, name)
    if (session === null) throw new Error(`${name} has no session`)
    if (session.state === 'ready') return void (await bed.launcher.stop(aUser(name), session.id))
    if (session.ending !== null) throw new Error(`${name}: ${session.ending.cause}`)
    await bed.launcher.waitInLine(session)
    await bed.launcher.waitForChange(session.ownerId, 'pbmc', 300)
  }
}

it('keeps everybody’s place, starts nobody on the way down, and passes over who is gone', {
  timeout: 600_000,
}, async () => {
  const dir = tempDir()
  const limits = { queueSilenceMs: 10_000 }
  const tasks = counted()
  const given = { args: ['--max-sessions', String(places)], limits, createTasks: tasks.create }
  const first = await startQueueBed(dir, given)
  for (const name of names) await first.launcher.launch(aUser(name), 'pbmc', { by: 'click' })
  const all = async (bed: LocalBed, some: string[]) => Promise.all(some.map((name) => sessionOf(bed, name)))
  await until('four viewers', async () =>
    (await all(first, names.slice(0, places))).every((session) => session?.state === 'ready'),
  )
  const before = (await all(first, names.slice(places))).map((session) => [session?.state, session?.id])
  expect(before.map(([state]) => state)).toEqual(Array(waiting).fill('queued'))
  await first.close()
  expect(tasks.ever()).toBe(places)
  expect(tasks.running.size).toBe(0)

  const second = await startQueueBed(dir, given)
  try {
    const after = (await all(second, names.slice(places))).map((session) => [session?.state, session?.id])
    expect(after).toEqual(before)
    // The minute's tick, sooner.
    let open = true
    const ticks = (async () => {
      for (; open; await sleep(200)) await second.launcher.reap()
    })()
    await Promise.all(names.slice(places).map((name) => (name === gone ? null : waitAndLeave(second, name))))
    open = false
    await ticks
    expect((await sessionOf(second, gone))?.ending?.cause).toBe('left')
    expect(await second.launcher.receipts(aUser(gone))).toEqual([])

    const served = (
      await all(
        second,
        names.slice(places).filter((name) => name !== gone),
      )
    ).flatMap((one) => one ?? [])
    const starts = served.sort(inOrder).map(({ requestedAt }) => requestedAt ?? 0)
    expect(starts).toEqual([...starts].sort((a, b) => a - b))
    expect(tasks.most()).toBe(places)
    expect(tasks.ever()).toBe(places + waiting - 1)
  } finally {
    await second.close()
  }
})
