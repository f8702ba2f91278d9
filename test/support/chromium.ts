/** The browser of the tests: a real Chromium, headless, that draws WebGL in software. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type Browser, chromium, type Request } from 'playwright-core'
import { recordHeaders, recordQuery } from './record-traffic.ts'
import { recordSecret, suiteVariable } from './suite-record.ts'
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
    timeout: 120_000,
    args: [...options, ...more],
    env: {
      ...process.env,
      HOME: home,
      XDG_CONFIG_HOME: home,
      XDG_CACHE_HOME: home,
      ...(libraries === '' ? {} : { LD_LIBRARY_PATH: libraries, FONTCONFIG_PATH: path.dirname(libraries) }),
    },
  })
  browser.once('disconnected', () => {
    try {
      rmSync(home, { recursive: true, force: true, maxRetries: 5 })
    } catch {
      // The browser's own children may still write there; an error thrown from here would end the whole run.
    }
  })
  return process.env[suiteVariable] ? recorded(browser) : browser
}

/** Every context that is made from now on tells what it sends: no log may hold it. */
function recorded(browser: Browser): Browser {
  const newContext = browser.newContext.bind(browser)
  browser.newContext = async (...given) => {
    const context = await newContext(...given)
    context.on('request', (request) => void record(request))
    return context
  }
  // Playwright's own shortcut makes its context past the one above.
  browser.newPage = async (...given) => {
    const context = await browser.newContext(...given)
    const page = await context.newPage()
    page.once('close', () => void context.close().catch(() => undefined))
    return page
  }
  return browser
}

async function record(request: Request): Promise<void> {
  recordQuery(request.url())
  // Long ones only: `#content` is a place on a page.
  recordSecret('link secret', /#(.{20,})$/.exec(request.url())?.[1])
  const typed = /\bx-www-form-urlencoded/.test(request.headers()['content-type'] ?? '') ? request.postData() : null
  for (const [name, value] of new URLSearchParams(typed ?? ''))
    if (name === 'password' || name === 'secret') recordSecret(name === 'secret' ? 'link secret' : name, value)
  // A request whose page is gone by now has nothing to tell.
  await request.allHeaders().then(recordHeaders, () => undefined)
}
