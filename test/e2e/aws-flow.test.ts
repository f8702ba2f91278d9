/** The main job on AWS as it is played here, through CloudFront's paths, with the real Lambdas, gates and viewers: the same story as on one machine. */
import { randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type AwsBed, startAwsBed } from '../aws/bed.ts'
import { mainJob } from '../support/main-job.ts'
import { labelsBody } from '../support/page-saves.ts'
import { password } from '../support/people-of-launcher.ts'
import { until } from '../support/proc.ts'
import { tempDir } from '../support/temp-dir.ts'
import { testSample } from '../support/tools.ts'

const dir = tempDir()
let bed: AwsBed

describe('the main job on AWS', () => {
  const job = mainJob(async () => {
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

  /** More than a function URL lets through: it goes to the bucket, past both functions. */
  const large = 6.1e6
  const puts = () => bed.edge.counts()['presigned s3.PutObject'] ?? 0

  it('keeps a change that is larger than a function takes, of a page whose file was replaced', async () => {
    const page = job.page()
    const ann = await bed.person('ann')
    const versionNow = async () => ((await ann.call('/api/datasets/pbmc')).json as { version: string }).version
    const [old, file] = [await versionNow(), join(dir, 'replaced.h5ad')]
    writeFileSync(file, Buffer.concat([readFileSync(testSample()), Buffer.alloc(1)]))
    await bed.upload('public/pbmc.h5ad', file)
    await until('the new file to be read', async () => ![old, ''].includes(await versionNow()))
    await bed.tickUntil('the old file’s viewer to stop', async () => (await ann.session())?.state !== 'ready')
    const columns = Array.from({ length: 50 }, (_, n) => {
      const words = Array.from({ length: 700 }, () => randomBytes(180).toString('base64'))
      return [`held ${n}`, words]
    })
    const body = Buffer.from(labelsBody(Object.fromEntries(columns)))
    expect(body.byteLength).toBeGreaterThan(large)
    // It would be loaded again, with all of this to draw.
    await page.route(`${bed.viewOrigin}/v/pbmc/`, (route) => route.abort())
    const before = puts()
    const status = await page.evaluate(async (text) => {
      const held = Uint8Array.from(atob(text), (char) => char.charCodeAt(0))
      const headers = { 'content-type': 'application/octet-stream' }
      for (let left = 100; ; left--) {
        const { status } = await fetch('api/v0.2/annotations/obs', { method: 'PUT', headers, body: held })
        // The page was told of its file while this waited: cellxgene then sends what it has by now.
        if (status !== 503 || left === 0) return status
        await new Promise((resolve) => setTimeout(resolve, 500))
      }
    }, body.toString('base64'))
    expect(status).toBe(200)
    expect(puts()).toBeGreaterThan(before)
    const { items } = (await ann.call('/api/datasets/pbmc/annotations/labels/versions')).json as {
      items: { origin: string; sizeBytes: number }[]
    }
    expect(items.slice(0, 2).map(({ origin }) => origin.split(':')[0])).toEqual(['carry-over', 'merge'])
    expect(items[0]?.sizeBytes).toBeGreaterThan(large)
  })

  it('takes a file of labels that is larger than a function takes, by its form', async () => {
    const page = job.page()
    await page.goto(`${bed.appOrigin}/annotations/pbmc`)
    const elsewhere = Array.from({ length: large / 500 }, (_, n) => `elsewhere-${n}-`.padEnd(500, 'x'))
    const csv = `index,uploaded\nAAAGCCTGGCTAAC-1,here\n${elsewhere.map((cell) => `${cell},T\n`).join('')}`
    await page.setInputFiles('input[type=file]', { name: 'labels.csv', mimeType: 'text/csv', buffer: Buffer.from(csv) })
    const before = puts()
    await page.check('input[value=replace]')
    await page.click('button:has-text("Upload")')
    await page.waitForSelector('text=Kept as version', { timeout: 120_000 })
    expect(await page.textContent('output')).toContain(
      `1 of ${(elsewhere.length + 1).toLocaleString('en')} labelled cells`,
    )
    expect(puts()).toBe(before + 1)
  })

  it('leaves no session, task, target, lease or process when its last viewer sleeps', async () => {
    await bed.untilNothingIsHeld()
    await until('the last processes to end', () => bed.ecs.processes().length === 0)
    expect(bed.ecs.alive()).toEqual([])
  })
})
