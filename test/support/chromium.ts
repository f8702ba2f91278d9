/** The browser of the tests: a real Chromium, headless, that draws WebGL in software. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type Browser, chromium } from 'playwright-core'
import { tool } from './tools.ts'

const options = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  // cellxgene draws with WebGL; containers have no /dev/shm worth the name.
  '--use-gl=angle',
  '--use-angle=swiftshader',
  '--enable-unsafe-swiftshader',
  '--disable-dev-shm-usage',
]

/**
 * Close it when done; its profile and home are a temp folder that goes with it.
 * @param more arguments beside the usual ones
 */
export async function launchChromium(more: readonly string[] = []): Promise<Browser> {
  const home = mkdtempSync(path.join(tmpdir(), 'cxod-chromium-'))
  const libraries = process.env.CXOD_TEST_CHROMIUM_LIBS ?? ''
  const browser = await chromium.launch({
    executablePath: tool('CXOD_TEST_CHROMIUM'),
    args: [...options, ...more],
    env: {
      ...process.env,
      HOME: home,
      XDG_CONFIG_HOME: home,
      XDG_CACHE_HOME: home,
      ...(libraries === '' ? {} : { LD_LIBRARY_PATH: libraries, FONTCONFIG_PATH: path.dirname(libraries) }),
    },
  })
  browser.once('disconnected', () => rmSync(home, { recursive: true, force: true, maxRetries: 5 }))
  return browser
}
