/** From the click on "Open" to the first data in the page, cold, against plain `cellxgene launch` and its own page. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { launchChromium } from '../support/chromium.ts'
import { freePort } from '../support/free-port.ts'
import { makeData, startLauncher } from '../support/launcher-process.ts'
import { type BenchContext, type Figure, figure, median } from './types.ts'

const runs = 5

export async function bench(context: BenchContext): Promise<Figure[]> {
  const browser = await launchChromium()
  try {
    const ours = await launcher(context, browser)
    const peer = await plain(context, browser)
    return [figure('click-to-data-s', 's', ours, peer)]
  } finally {
    await browser.close()
  }
}

/** The coordinates of the cells have reached the page: the next thing is the picture. */
const firstData = (page: Page): Promise<unknown> =>
  page.waitForResponse((answer) => answer.status() === 200 && answer.url().includes('/api/v0.2/layout/obs'), {
    timeout: 120_000,
  })

async function launcher({ say }: BenchContext, browser: Browser): Promise<number> {
  const folder = mkdtempSync(path.join(tmpdir(), 'cxod-bench-'))
  const running = await startLauncher({
    dataDir: makeData(path.join(folder, 'data'), ['public/pbmc.h5ad']),
    stateDir: path.join(folder, 'state'),
  })
  const context = await browser.newContext()
  try {
    const page = await context.newPage()
    await page.goto(running.signInUrl)
    await page.waitForURL(`${running.appUrl}/`)
    await usable(page, running.appUrl)
    const times: number[] = []
    for (let left = runs; left > 0; left -= 1) {
      await page.goto(`${running.appUrl}/datasets/pbmc`)
      await page.waitForSelector('button:has-text("Open")')
      const data = firstData(page)
      const started = performance.now()
      await page.click('button:has-text("Open")')
      await data
      times.push((performance.now() - started) / 1000)
      await stopAll(page, running.appUrl)
    }
    say(`ours: ${times.map((time) => time.toFixed(2)).join(' ')} s`)
    return median(times)
  } finally {
    await context.close()
    await running.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

async function usable(page: Page, appUrl: string): Promise<void> {
  for (let left = 600; left > 0; left -= 1) {
    const answer = await page.request.get(`${appUrl}/api/datasets`)
    const { items } = (await answer.json()) as { items?: { id: string; state: string }[] }
    if (items?.some(({ id, state }) => id === 'pbmc' && state === 'usable')) return
    await page.waitForTimeout(100)
  }
  throw new Error('The sample was not in the catalogue within a minute.')
}

/** Every run must find no viewer. */
async function stopAll(page: Page, appUrl: string): Promise<void> {
  type Sessions = { items: { id: string; state: string }[] }
  const sessions = async () => (await (await page.request.get(`${appUrl}/api/sessions`)).json()) as Sessions
  for (const { id } of (await sessions()).items)
    await page.request.post(`${appUrl}/api/sessions/${id}/stop`, { headers: { origin: appUrl } })
  for (let left = 900; left > 0; left -= 1) {
    if ((await sessions()).items.every(({ state }) => state === 'stopped' || state === 'failed')) return
    await page.waitForTimeout(100)
  }
  throw new Error('The session was not over within 90 s.')
}

/** As somebody at a terminal who opens the page the moment it answers. */
async function plain({ python, sample, say }: BenchContext, browser: Browser): Promise<number> {
  const times: number[] = []
  for (let left = runs; left > 0; left -= 1) {
    const port = await freePort()
    const args = [
      '--no-upgrade-check',
      'launch',
      sample,
      '--host',
      '127.0.0.1',
      '--port',
      String(port),
      '--disable-annotations',
    ]
    const page = await (await browser.newContext()).newPage()
    const started = performance.now()
    const child = spawn(python, ['-I', '-c', 'from server.cli.cli import cli; cli()', ...args], { stdio: 'ignore' })
    try {
      await answers(`http://127.0.0.1:${port}/health`, child)
      const data = firstData(page)
      await page.goto(`http://127.0.0.1:${port}/`, { waitUntil: 'commit' })
      await data
      times.push((performance.now() - started) / 1000)
    } finally {
      await page.context().close()
      child.kill('SIGKILL')
    }
  }
  say(`cellxgene launch: ${times.map((time) => time.toFixed(2)).join(' ')} s`)
  return median(times)
}

async function answers(url: string, child: ChildProcess): Promise<void> {
  for (let left = 1200; left > 0 && child.exitCode === null; left -= 1) {
    const answer = await fetch(url).catch(() => null)
    if (answer?.ok) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error('cellxgene launch did not answer.')
}
