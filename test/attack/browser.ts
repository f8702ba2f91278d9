/** A real browser for the attacks that a browser's own rules decide, and a host of the attacker's that hears of whatever gets out. */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Browser, BrowserContext, Page, Request } from 'playwright-core'
import { launchChromium } from '../support/chromium.ts'
import { until } from '../support/proc.ts'
import type { Person, World } from './world.ts'

export type Attacker = {
  /** Another host than app and viewers. */
  origin: string
  /** The same host as the app: only the port differs. */
  nextDoor: string
  /** What asked for something since it was last read. */
  heard(): string[]
  /** What its page is from now on. */
  serve(html: string): void
}

export type Stage = {
  browser: Browser
  attacker: Attacker
  /** Signed in, with the page open and the viewer ready. */
  viewerPage(
    person: Person,
    options?: { bypassCSP?: boolean },
  ): Promise<{
    context: BrowserContext
    page: Page
    blocked: string[]
    /** Resolves when the page has asked the lobby, and waits for no answer of it. */
    lobbyAnswered(): Promise<void>
  }>
  close(): Promise<void>
}

export async function openStage(world: World): Promise<Stage> {
  const { bed, keys: _ } = world
  const browser = await launchChromium()
  const { server, attacker } = await openAttacker()
  return {
    browser,
    attacker,
    async viewerPage({ who, login }, options = {}) {
      await bed.launcher.launch(who, 'pbmc', { by: 'click' })
      await bed.untilReady(who, 'pbmc')
      const context = await browser.newContext(options)
      await context.addCookies([{ name: 'cxod-login', value: login, url: bed.appUrl, httpOnly: true, sameSite: 'Lax' }])
      const page = await context.newPage()
      const blocked: string[] = []
      await page.exposeFunction('tellBlocked', (directive: string) => void blocked.push(directive))
      await page.addInitScript(() => {
        document.addEventListener('securitypolicyviolation', (event) => {
          const tell: unknown = Reflect.get(window, 'tellBlocked')
          if (typeof tell === 'function') tell(event.effectiveDirective)
        })
      })
      const lobby = { asked: 0, answered: 0 }
      const ofLobby = (request: Request) => request.url().startsWith(`${bed.viewUrl}/v/pbmc/-/status`)
      page.on('request', (request) => ofLobby(request) && lobby.asked++)
      const answered = (request: Request) => void (ofLobby(request) && lobby.answered++)
      page.on('requestfinished', answered)
      page.on('requestfailed', answered)
      await page.goto(`${bed.viewUrl}/v/pbmc/`)
      await page.waitForSelector('#cxod-bar', { state: 'attached' })
      blocked.length = 0
      const lobbyAnswered = () => until('the lobby’s answers', () => lobby.asked > 0 && lobby.asked === lobby.answered)
      return { context, page, blocked, lobbyAnswered }
    },
    async close() {
      await browser.close()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

async function openAttacker(): Promise<{ server: Server; attacker: Attacker }> {
  let heard: string[] = []
  let html = ''
  const server = createServer((request, response) => {
    if (request.url !== '/favicon.ico') heard.push(`${request.method} ${request.url}`)
    response.writeHead(200, { 'content-type': 'text/html', 'access-control-allow-origin': '*' }).end(html)
  })
  // Without an upgrade's handler, node ends the connection and nobody would hear of a WebSocket.
  server.on('upgrade', (request, socket) => {
    heard.push(`UPGRADE ${request.url}`)
    socket.destroy()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    server,
    attacker: {
      origin: `http://127.0.0.1:${port}`,
      nextDoor: `http://localhost:${port}`,
      heard() {
        const all = heard
        heard = []
        return all
      },
      serve: (text) => {
        html = text
      },
    },
  }
}
