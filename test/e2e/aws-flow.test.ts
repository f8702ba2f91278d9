/** The main job on AWS as it is played here, through CloudFront's paths, with the real Lambdas, gates and viewers: the same story as on one machine. */
import { describe, expect, it } from 'vitest'
import { type AwsBed, startAwsBed } from '../aws/bed.ts'
import { mainJob } from '../support/main-job.ts'
import { password } from '../support/people-of-launcher.ts'
import { until } from '../support/proc.ts'
import { tempDir } from '../support/temp-dir.ts'

const dir = tempDir()
let bed: AwsBed

describe('the main job on AWS', () => {
  mainJob(async () => {
    bed = await startAwsBed({ dir, slots: 2, limits: { idleMs: 30_000 } })
    return {
      name: 'aws-',
      appUrl: bed.appOrigin,
      viewUrl: bed.viewOrigin,
      async signIn(page) {
        await page.goto(`${bed.appOrigin}/sign-in`)
        await page.fill('input[name="name"]', 'ann')
        await page.fill('input[name="password"]', password)
        await page.click('form button[type="submit"]')
        await page.waitForURL(`${bed.appOrigin}/`)
      },
      viewer: () => bed.ecs.processes().find(({ role }) => role === 'viewer'),
      log: bed.log,
      // Time goes some twenty times as fast, and the reaper looks more often.
      async passTime() {
        bed.advance(15_000)
        await bed.tick()
      },
      // A stop is not final on AWS: a session that was young a moment ago is released when it has been known for a minute.
      async afterCrash() {
        // Its successor may be on its way already.
        const dead = () =>
          bed.ecs.alive().filter(({ containers }) => containers.some(({ exitCode }) => exitCode !== undefined))
        await until('the dead viewer’s task to end', () => dead().length === 0)
        await bed.events.settled()
        bed.advance(60_000)
      },
      stop: bed.stop,
    }
  })

  it('leaves no session, task, target, lease or process when its last viewer sleeps', async () => {
    await bed.untilNothingIsHeld()
    await until('the last processes to end', () => bed.ecs.processes().length === 0)
    expect(bed.ecs.alive()).toEqual([])
  })
})
