/** The lobby in process, with a fake launcher, a clock the test sets, and a browser's cookie jar of a kind. */
import type { Hono } from 'hono'
import { toProblem } from '../../functions/api/problem.ts'
import { type Keys, loadKeys, newSigningJwk } from '../../functions/auth/keys.ts'
import { hashNonce, issueTicket } from '../../functions/auth/tickets.ts'
import type { LauncherError } from '../../functions/core/errors.ts'
import { defaultLimits } from '../../functions/core/limits.ts'
import { type Guest, type Principal, pageIdOf, type User } from '../../functions/core/principal.ts'
import type { LobbyAssets } from '../../functions/lobby/assets.ts'
import type { LobbyDeps } from '../../functions/lobby/deps.ts'
import { createLobby } from '../../functions/lobby/lobby.ts'
import { staticFile } from '../../functions/lobby/static-files.ts'
import { cutViewerIndex } from '../../functions/lobby/viewer-index.ts'
import { keepOutput } from '../support/suite-record.ts'
import { type FakeLauncher, fakeLauncher } from './fake-launcher.ts'

export const appOrigin = 'http://localhost:8080'
export const viewOrigin = 'http://127.0.0.1:8081'
export const ada: User = {
  kind: 'user',
  id: 'local:ada',
  name: 'ada',
  email: null,
  groups: [],
  admin: false,
  loginId: 'login-ada',
}
export const bob: User = { ...ada, id: 'local:bob', name: 'bob', loginId: 'login-bob' }
/** Came by a launch link to the dataset `pbmc`. */
export const gail: Guest = {
  kind: 'guest',
  id: 'guest:linklinklink:gail',
  name: 'Gail',
  email: null,
  groups: [],
  admin: false,
  loginId: 'login-gail',
  linkId: 'linklinklink',
  datasetId: 'pbmc',
  mode: 'annotate',
}

/** The shape of cellxgene 1.3.0's template; the real one is used in the browser's test. */
export const template = `<!DOCTYPE html><html><head><title>t</title>
<script defer src="static/main-1.js"></script><script defer src="obsolete.js"></script><link href="static/main-1.css" rel="stylesheet"></head>
<body><script type="text/javascript">window.CELLXGENE = {};</script><div id="root"></div>
{% for script in SCRIPTS -%}<script src="{{script.src | safe}}"></script>{%- endfor %}
{% for ils in INLINE_SCRIPTS %}<script>{% include ils %}</script>{% endfor %}</body></html>`

const assets: LobbyAssets = {
  index: cutViewerIndex(template),
  files: new Map([
    ['main-1.js', staticFile('main-1.js', Buffer.from('"the viewer"'))],
    ['assets/icon-1.png', staticFile('icon-1.png', Buffer.from('png'))],
    ['companion-1.js', staticFile('companion-1.js', Buffer.from('"the companion"'))],
  ]),
  companion: 'companion-1.js',
  icon: 'launcher-1.svg',
  css: '.cxod {}',
}

export type LobbyTest = {
  app: Hono
  keys: Keys
  launcher: FakeLauncher
  clock: { ms: number; now(): number }
  /** Logins that stand, by id. */
  logins: Map<string, Principal>
  /** Links that are over, by id, and what their guests are told. */
  overLinks: Map<string, LauncherError>
  logged: string[]
  /** A browser of its own, with cookies that respect their paths. */
  browser(): TestBrowser
  /** A browser that has opened the page of `who`. */
  signedIn(who?: Principal, pageId?: string, browser?: TestBrowser): Promise<TestBrowser>
  /** @param over.nonceOf the page whose nonce it is bound to, when that is another than the one it is for */
  ticket(
    browser: TestBrowser,
    over?: { who?: Principal; pageId?: string; nonceOf?: string; viewOrigin?: string },
  ): Promise<string>
}

export async function lobbyTest(over: Partial<LobbyDeps> = {}): Promise<LobbyTest> {
  const keys = await loadKeys(await newSigningJwk())
  const clock = { ms: 1_800_000_000_000, now: () => clock.ms }
  const launcher = fakeLauncher(clock.now)
  const logins = new Map<string, Principal>([ada, bob, gail].map((who) => [who.loginId ?? '', who]))
  const overLinks = new Map<string, LauncherError>()
  const spent = new Set<string>()
  const logged: string[] = []
  const keep = keepOutput('lobby')
  const log: LobbyDeps['log'] = (_level, event, fields) => {
    logged.push(`${event} ${JSON.stringify(fields)}`)
    keep(`${logged.at(-1)}\n`)
  }
  const app = createLobby({
    launcher,
    checkLogin: async (loginId, ownerId) => {
      const user = logins.get(loginId)
      return user?.id === ownerId ? user : null
    },
    whyOver: async (linkId) => overLinks.get(linkId) ?? null,
    once: { spend: async (key) => !spent.has(key) && Boolean(spent.add(key)) },
    keys,
    clock,
    log,
    assets,
    appOrigin,
    viewOrigin,
    limits: defaultLimits,
    problem: (error, at) => toProblem(error, { ...at, log }),
    recheckMs: 20,
    ...over,
  })
  const test: LobbyTest = {
    app,
    keys,
    launcher,
    clock,
    logins,
    overLinks,
    logged,
    browser: () => new TestBrowser(app),
    async signedIn(who = ada, pageId = pageIdOf(who, 'pbmc'), browser = test.browser()) {
      await browser.get(`/v/${pageId}/`)
      await browser.get(`/v/${pageId}/-/enter?ticket=${await test.ticket(browser, { who, pageId })}`)
      return browser
    },
    async ticket(browser, over = {}) {
      const { who = ada, pageId = pageIdOf(who, 'pbmc'), nonceOf = pageId, viewOrigin: audience = viewOrigin } = over
      const nonceHash = hashNonce(browser.cookies.get('cxod-nonce', `/v/${nonceOf}/`)?.value ?? '')
      const claim = { ownerId: who.id, ownerName: who.name, loginId: who.loginId ?? '', pageId }
      return issueTicket(claim, nonceHash, { keys, clock, viewOrigin: audience })
    },
  }
  return test
}

export class TestBrowser {
  readonly cookies = new CookieJar()
  readonly #app: Hono

  constructor(app: Hono) {
    this.#app = app
  }

  get(path: string, headers: Record<string, string> = {}): Promise<Response> {
    return this.#send(path, { headers })
  }

  head(path: string): Promise<Response> {
    return this.#send(path, { method: 'HEAD', headers: {} })
  }

  /** As the companion would; `headers` override. */
  post(path: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
    const usual = { origin: viewOrigin, 'content-type': 'application/json' }
    return this.#send(path, { method: 'POST', headers: { ...usual, ...headers }, body: JSON.stringify(body) })
  }

  async #send(
    path: string,
    init: { method?: string; headers: Record<string, string>; body?: string },
  ): Promise<Response> {
    const cookie = this.cookies.header(path)
    const response = await this.#app.request(viewOrigin + path, {
      ...init,
      headers: { ...init.headers, ...(cookie ? { cookie } : {}) },
    })
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
      const path = /Path=([^;]+)/.exec(line)?.[1] ?? '/'
      if (/Max-Age=0/.test(line)) this.cookies.delete(name, path)
      else this.cookies.set(name, { value, path, attributes: line })
    }
    return response
  }
}

type Cookie = { value: string; path: string; attributes: string }

/** As a browser's: a cookie is its name and its path, and goes with the requests below that path. */
class CookieJar {
  readonly #cookies = new Map<string, Cookie & { name: string }>()

  /** The one of this path; of any path when none is said. */
  get(name: string, path?: string): Cookie | undefined {
    return [...this.#cookies.values()].find((one) => one.name === name && (path === undefined || one.path === path))
  }

  has(name: string, path?: string): boolean {
    return this.get(name, path) !== undefined
  }

  set(name: string, cookie: Cookie): void {
    this.#cookies.set(`${name} ${cookie.path}`, { name, ...cookie })
  }

  delete(name: string, path?: string): void {
    const cookie = this.get(name, path)
    if (cookie !== undefined) this.#cookies.delete(`${name} ${cookie.path}`)
  }

  header(path: string): string {
    const sent = [...this.#cookies.values()].filter((one) => path.startsWith(one.path))
    return sent.map(({ name, value }) => `${name}=${value}`).join('; ')
  }
}
