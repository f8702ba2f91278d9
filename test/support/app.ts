/** The whole app origin in process: real launcher, store and vault beneath, browsers that keep their cookie. */
import { fileURLToPath } from 'node:url'
import { createApp } from '../../functions/api/app.ts'
import { readWebAssets } from '../../functions/api/pages/assets.ts'
import type { WebDeps } from '../../functions/api/pages/deps.ts'
import type { AuthDeps } from '../../functions/auth/auth.ts'
import type { Dataset } from '../../functions/core/dataset.ts'
import { defaultLimits, type Limits } from '../../functions/core/limits.ts'
import type { LogLevel, Ports, UserRecord } from '../../functions/core/ports.ts'
import type { User } from '../../functions/core/principal.ts'
import type { Conform, OpenApi } from './conform.ts'
import { appOrigin, aUser, testAuth, viewOrigin } from './people.ts'
import { openTestBed, type TestBed } from './ports.ts'
import { keepOutput } from './suite-record.ts'

export type LogLine = { level: LogLevel; event: string; fields: Record<string, unknown> }

export type TestApp = TestBed & {
  app: ReturnType<typeof createApp>
  deps: WebDeps
  users: Awaited<ReturnType<typeof testAuth>>['users']
  logged: LogLine[]
  /** Creates the user and gives back a browser that is signed in as them. */
  browser(user?: Partial<UserRecord>): Promise<Browser>
}

export type Browser = {
  who: User
  cookie: string
  get(path: string, headers?: Record<string, string>): Promise<Response>
  /** As a form of one of our pages would send it. */
  submit(path: string, fields?: Record<string, string>, headers?: Record<string, string>): Promise<Response>
  /** As a script of one of our pages would send it. */
  send(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Response>
}

type Options = {
  datasets?: readonly Dataset[]
  limits?: Partial<Limits>
  auth?: Partial<AuthDeps>
  web?: Partial<WebDeps>
  ports?: Partial<Ports>
}

export const webDir = fileURLToPath(new URL('../../web', import.meta.url))

/** @param dir private to this app */
export async function openTestApp(dir: string, options: Options = {}): Promise<TestApp> {
  const bed = await openTestBed(dir, options.datasets, options.ports)
  const logged: LogLine[] = []
  const keep = keepOutput('app')
  const log: WebDeps['log'] = (level, event, fields = {}) => {
    logged.push({ level, event, fields })
    keep(`${JSON.stringify({ level, event, ...fields })}\n`)
  }
  const { auth, users } = await testAuth(bed.store.table, bed.clock, { log, ...options.auth })
  const limits = { ...defaultLimits, ...options.limits }
  const deps: WebDeps = {
    launcher: bed.launcher(limits),
    auth,
    limits,
    clock: bed.clock,
    log,
    appOrigin,
    viewOrigin,
    assets: await readWebAssets(webDir),
    clientAddress: (c) => c.req.header('x-test-address') ?? '192.0.2.1',
    ...options.web,
  }
  const app = createApp(deps)
  const ask = async (path: string, init: RequestInit) =>
    app.request(`${appOrigin}${path}`, { redirect: 'manual', ...init })

  async function browser(over: Partial<UserRecord> = {}): Promise<Browser> {
    const record = aUser({ createdAt: bed.clock.now(), ...over })
    await users.put(record)
    const cookie = `cxod-login=${await auth.logins.open(record)}`
    const who = await auth.authenticate(new Request(appOrigin, { headers: { cookie } }))
    if (who === null) throw new Error(`${record.name} could not be signed in`)
    const own = { cookie, origin: appOrigin }
    if (who.who.kind !== 'user') throw new Error(`${record.name} is no user`)
    return {
      who: who.who,
      cookie,
      get: (path, headers = {}) => ask(path, { headers: { cookie, ...headers } }),
      submit: (path, fields = {}, headers = {}) =>
        ask(path, { method: 'POST', headers: { ...own, ...headers }, body: new URLSearchParams(fields) }),
      send: (method, path, body, headers = {}) =>
        ask(path, {
          method,
          headers: { ...own, ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        }),
    }
  }
  return { ...bed, app, deps, users, logged, browser }
}

export type Called = {
  status: number
  json: Record<string, unknown> & { items: Record<string, unknown>[] }
  headers: Headers
  code: unknown
}

/** Calls the API as a browser's script would, and holds the answer to the document. */
export async function callApi(
  conform: Conform,
  browser: Browser,
  method: string,
  path: string,
  body?: unknown,
  headers?: Record<string, string>,
): Promise<Called> {
  const answer = await conform.check(method, path, await browser.send(method, path, body, headers))
  const isJson = (answer.headers.get('content-type') ?? '').includes('json')
  const json = (isJson ? await answer.json() : {}) as Called['json']
  return { status: answer.status, json, headers: answer.headers, code: json.code }
}

export async function openApiOf(app: TestApp): Promise<OpenApi> {
  return (await (await app.app.request(`${appOrigin}/openapi.json`)).json()) as OpenApi
}
