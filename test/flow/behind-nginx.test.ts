/** The guide's nginx configuration, in a real nginx with TLS and two names, and a real browser that comes through it. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import https from 'node:https'
import path from 'node:path'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { projectRoot } from '../../functions/setup/python.ts'
import { allSaved, createCategory, drawn } from '../support/cellxgene-page.ts'
import { launchChromium } from '../support/chromium.ts'
import { freePort } from '../support/free-port.ts'
import { type LauncherProcess, makeData, startLauncher } from '../support/launcher-process.ts'
import { addUser, password } from '../support/people-of-launcher.ts'
import { until } from '../support/proc.ts'
import { tempDir } from '../support/temp-dir.ts'

const nginx = ['/usr/sbin/nginx', '/usr/bin/nginx', '/usr/local/bin/nginx'].find((at) => existsSync(at))
const openssl = ['/usr/bin/openssl', '/usr/local/bin/openssl'].find((at) => existsSync(at))
const found = nginx !== undefined && openssl !== undefined && process.env.CXOD_TEST_IGNORE_SYSTEM !== '1'
if (!found)
  process.stderr.write(
    'SKIPPED, not tested here: the guide’s nginx configuration. nginx or openssl is not installed.\n',
  )

const dir = tempDir()
const names = { app: 'cells.example.org', view: 'cells-view.example.org' }
let proxy: ChildProcess
let launcher: LauncherProcess
let browser: Browser
let urls: { app: string; view: string }

/** The file of the guide, with nothing changed but where it listens, where it leads, and the certificate. */
function configuration(ports: { tls: number; plain: number; app: number; view: number }): string {
  const given = readFileSync(path.join(projectRoot(), 'infra/one-server/nginx.conf'), 'utf8')
  const changed = given
    .replace(/^\s*listen \[::\].*$/gm, '')
    .replaceAll('listen 443 ssl http2', `listen 127.0.0.1:${ports.tls} ssl http2`)
    .replaceAll('listen 80', `listen 127.0.0.1:${ports.plain}`)
    .replaceAll('127.0.0.1:8080', `127.0.0.1:${ports.app}`)
    .replaceAll('127.0.0.1:8081', `127.0.0.1:${ports.view}`)
    .replaceAll('/etc/letsencrypt/live/cells.example.org', dir)
  const temp = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((kind) => `${kind}_temp_path ${dir}/${kind};`)
  return `daemon off; pid ${dir}/nginx.pid; error_log ${dir}/error.log; worker_processes 1;
${process.getuid?.() === 0 ? 'user root;' : ''}
events { worker_connections 256; }
http { access_log off; default_type application/octet-stream; ${temp.join(' ')}
${changed}
}`
}

type Ask = { method?: string; headers?: Record<string, string>; body?: string }

/** Byte for byte, through nginx by name or straight to the launcher's pages: a browser or `fetch` would tidy the path. */
function ask(to: 'app' | 'view' | 'direct', target: string, { method = 'GET', headers = {}, body }: Ask = {}) {
  const url = new URL(to === 'app' ? urls.app : to === 'view' ? urls.view : launcher.viewUrl)
  const options = { host: '127.0.0.1', port: url.port, path: target, method, headers: { ...headers, host: url.host } }
  return new Promise<{ status: number; location: string | undefined; text: string }>((resolve, reject) => {
    const heard = (res: http.IncomingMessage) => {
      let text = ''
      res.setEncoding('utf8').on('data', (part) => (text += part))
      res.once('end', () => resolve({ status: res.statusCode ?? 0, location: res.headers.location, text }))
    }
    const req =
      to === 'direct'
        ? http.request(options, heard)
        : https.request({ ...options, servername: url.hostname, rejectUnauthorized: false }, heard)
    req.once('error', reject).end(body)
  })
}

describe.skipIf(!found)('behind nginx', () => {
  beforeAll(async () => {
    const [tls, plain, app, view] = [await freePort(), await freePort(), await freePort(), await freePort()]
    urls = { app: `https://${names.app}:${tls}`, view: `https://${names.view}:${tls}` }
    const certificate = ['-keyout', `${dir}/privkey.pem`, '-out', `${dir}/fullchain.pem`, '-subj', `/CN=${names.app}`]
    execFileSync(openssl ?? '', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', ...certificate], {
      stdio: 'ignore',
    })
    mkdirSync(path.join(dir, 'logs'))
    writeFileSync(path.join(dir, 'nginx.conf'), configuration({ tls, plain, app, view }))
    const args = ['-p', dir, '-c', path.join(dir, 'nginx.conf'), '-e', path.join(dir, 'error.log')]
    execFileSync(nginx ?? '', [...args, '-t'], { stdio: 'pipe' })
    proxy = spawn(nginx ?? '', args, { stdio: 'ignore' })
    makeData(path.join(dir, 'data'), ['onco/pbmc.h5ad'])
    launcher = await startLauncher({
      dataDir: path.join(dir, 'data'),
      stateDir: path.join(dir, 'state'),
      ports: { app, view },
      args: ['--app-url', urls.app, '--view-url', urls.view],
    })
    const passes = () =>
      ask('app', '/healthz').then(
        ({ status }) => status === 200,
        () => false,
      )
    await until('nginx to lead to the launcher', passes)
    await addUser(launcher.stateDir, 'mara', '--groups', 'onco')
    browser = await launchChromium(['--host-resolver-rules=MAP *.example.org 127.0.0.1', '--ignore-certificate-errors'])
  })
  afterAll(async () => {
    await browser?.close()
    await launcher?.stop()
    proxy?.kill('SIGTERM')
  })

  it('signs in, opens the viewer, labels, and has it saved; cookies are for https only', async () => {
    const context = await browser.newContext({ viewport: { width: 1200, height: 800 }, ignoreHTTPSErrors: true })
    const page = await context.newPage()
    page.setDefaultTimeout(60_000)
    await page.goto(`${urls.app}/sign-in`)
    await page.fill('input[name="name"]', 'mara')
    await page.fill('input[name="password"]', password)
    await page.click('form button[type="submit"]')
    await page.waitForSelector('a:has-text("pbmc")')
    await page.goto(`${urls.app}/datasets/pbmc`)
    await page.click('button:has-text("Open")')
    await page.waitForURL(`${urls.view}/v/pbmc/`)
    await drawn(page)
    await createCategory(page, 'through-the-proxy')
    await allSaved(page)
    const cookies = await context.cookies([urls.app, `${urls.view}/v/pbmc/`])
    expect(cookies.length).toBeGreaterThanOrEqual(2)
    expect(cookies.filter(({ secure, httpOnly }) => !secure || !httpOnly)).toEqual([])

    const cookie = cookies.map(({ name, value }) => `${name}=${value}`).join('; ')
    const { items } = JSON.parse((await ask('app', '/api/sessions', { headers: { cookie } })).text)
    const { id, version } = items[0] as { id: string; version: number }
    // The launcher holds the answer back while nothing changes.
    const waited = await ask('app', `/api/sessions/${id}?wait=3&seen=${version}`, { headers: { cookie } })
    expect(waited.status).toBe(200)
    await context.close()
  })

  it.each(['/s/../v/pbmc/', '/v/pbmc/%2e%2e/%2e%2e/', '/v//pbmc/', '/v/pbmc%2f', '/s/a/%2E%2E/b/'])(
    'passes %s on as it was sent: a tidied path would be another one',
    async (odd) => {
      const [through, direct] = [await ask('view', odd), await ask('direct', odd)]
      expect([through.status, through.location]).toEqual([direct.status, direct.location])
    },
  )

  // Hundreds of passwords are hashed, which is meant to be slow.
  it('counts attempts to sign in by the browser’s own address, whatever it says of itself', {
    timeout: 600_000,
  }, async () => {
    const statuses = new Set<number>()
    for (let n = 1; n <= 320 && !statuses.has(429); n += 1) {
      const headers = {
        origin: urls.app,
        'x-forwarded-for': `10.0.0.${n}`,
        'content-type': 'application/x-www-form-urlencoded',
      }
      const body = `name=nobody-${n}&password=wrong`
      statuses.add((await ask('app', '/sign-in', { method: 'POST', headers, body })).status)
    }
    expect([...statuses]).toContain(429)
  })
})
