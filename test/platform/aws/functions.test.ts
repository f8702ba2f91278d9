/** The Lambdas as AWS would call them, in this process: who gets in, what they say before they can work, how they learn of changes. */
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { Readable, Writable } from 'node:stream'
import { gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { apiHandler } from '../../../functions/platform/aws/api.ts'
import { everyMinute, taskEvents } from '../../../functions/platform/aws/events.ts'
import type { HttpHandler } from '../../../functions/platform/aws/http.ts'
import { lobbyHandler } from '../../../functions/platform/aws/lobby.ts'
import { originSecretHeader } from '../../../functions/platform/aws/settings.ts'
import { createUserStore } from '../../../functions/platform/dynamo/users.ts'
import { runUsersCli } from '../../../functions/platform/local/users-cli.ts'
import { projectRoot } from '../../../functions/setup/python.ts'
import { type Account, aDeployment, makeAccount } from '../../support/aws-account.ts'
import { builtLambdas } from '../../support/built.ts'
import { type Moto, startMoto } from '../../support/moto.ts'
import { startTables, type Tables } from '../../support/tables.ts'

let moto: Moto
let tables: Tables
let account: Account
beforeAll(async () => {
  ;[moto, tables] = await Promise.all([startMoto(), startTables()])
})
afterAll(() => Promise.all([moto?.stop(), tables?.stop()]))
beforeEach(async () => {
  account = await makeAccount(moto, tables)
  for (const [name, value] of Object.entries(account.environment)) vi.stubEnv(name, value)
  return () => {
    vi.unstubAllEnvs()
    vi.useRealTimers()
  }
})

const api = () => apiHandler(path.join(projectRoot(), 'web'))

type Answer = { statusCode: number; headers: Record<string, string>; body: string; cookies?: string[] }

async function ask(
  handler: HttpHandler,
  rawPath: string,
  headers: Record<string, string>,
  body?: string,
): Promise<Answer> {
  const event = {
    version: '2.0',
    rawPath,
    rawQueryString: '',
    headers: { host: 'abc.lambda-url.us-east-1.on.aws', ...headers },
    requestContext: {
      domainName: 'abc.lambda-url.us-east-1.on.aws',
      http: { method: body === undefined ? 'GET' : 'POST', path: rawPath },
    },
    ...(body === undefined ? {} : { body }),
    isBase64Encoded: false,
  }
  return (await handler(event as unknown as Parameters<HttpHandler>[0])) as Answer
}

const invocation = { getRemainingTimeInMillis: () => 50_000, awsRequestId: 'test' }
const secret = (value: string) => ({ [originSecretHeader]: value })

describe('a function URL', () => {
  it('answers nobody but CloudFront', async () => {
    await account.deploy(aDeployment())
    const handler = api()
    for (const headers of [{}, secret(''), secret('x'.repeat(64)), secret(account.originSecret.slice(1))])
      expect(await ask(handler, '/healthz', headers)).toMatchObject({
        statusCode: 403,
        body: expect.stringContaining('own address'),
      })
    expect(await ask(handler, '/healthz', secret(account.originSecret))).toMatchObject({ statusCode: 200 })
    const page = await ask(handler, '/sign-in', secret(account.originSecret))
    expect(page).toMatchObject({ statusCode: 200, headers: { 'content-type': expect.stringContaining('text/html') } })
  })

  it('takes the old secret and the new one while one is being replaced, and hears of the new one by itself', async () => {
    await account.deploy(aDeployment())
    const handler = api()
    expect((await ask(handler, '/healthz', secret(account.originSecret))).statusCode).toBe(200)
    const next = 'n'.repeat(64)
    await account.setOriginSecrets([next, account.originSecret])
    expect((await ask(handler, '/healthz', secret(next))).statusCode).toBe(403)
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 31_000 })
    expect((await ask(handler, '/healthz', secret(next))).statusCode).toBe(200)
    expect((await ask(handler, '/healthz', secret(account.originSecret))).statusCode).toBe(200)
    await account.setOriginSecrets([next])
    vi.setSystemTime(Date.now() + 11 * 60_000)
    expect((await ask(handler, '/healthz', secret(account.originSecret))).statusCode).toBe(403)
  })

  it('says that the deployment is not complete, and works as soon as it is', async () => {
    const handler = api()
    const early = await ask(handler, '/healthz', secret(account.originSecret))
    expect(early).toMatchObject({ statusCode: 503, body: expect.stringContaining('not complete yet') })
    await account.deploy(aDeployment())
    expect((await ask(handler, '/healthz', secret(account.originSecret))).statusCode).toBe(200)
  })

  it.each([
    ['no origin secrets', async () => account.setOriginSecrets([]), /origin-secrets/],
    ['a short one', async () => account.setOriginSecrets(['short']), /at least 32/],
    ['no slots', async () => account.deploy(aDeployment({ slots: [] })), /slots/],
    [
      'a path in its own address',
      async () => account.deploy(aDeployment({ appOrigin: 'https://a.example/x' })),
      /appOrigin/,
    ],
    ['a missing variable', async () => void vi.stubEnv('CXOD_CLUSTER', ''), /CXOD_CLUSTER/],
  ])('opens to nobody with %s', async (_, spoil, words) => {
    await account.deploy(aDeployment())
    await spoil()
    const answer = await ask(api(), '/healthz', secret(account.originSecret))
    expect(answer.statusCode).toBe(503)
    expect(answer.body).toMatch(words)
  })

  // Twenty-two passwords are hashed, which is meant to be slow.
  it('counts a guesser by the address that CloudFront saw', { timeout: 180_000 }, async () => {
    await account.deploy(aDeployment())
    const handler = api()
    const guess = (name: string, viewer: string, claimed: string) =>
      ask(
        handler,
        '/sign-in',
        {
          ...secret(account.originSecret),
          origin: aDeployment().appOrigin,
          'content-type': 'application/x-www-form-urlencoded',
          'cloudfront-viewer-address': viewer,
          'x-forwarded-for': claimed,
        },
        new URLSearchParams({ name, password: 'a wrong guess' }).toString(),
      )
    // Twenty per name and address; ports differ and addresses are claimed, as a guesser would.
    for (let n = 0; n < 20; n += 1)
      expect((await guess('ada', `198.51.100.7:${40_000 + n}`, `203.0.113.${n}`)).statusCode).toBe(401)
    expect((await guess('ada', '198.51.100.7:50000', '203.0.113.99')).statusCode).toBe(429)
    expect((await guess('ada', '2001:db8::7:50000', '203.0.113.99')).statusCode).toBe(401)
  })

  it('has one signing key, whoever is first to need it', async () => {
    await account.deploy(aDeployment())
    const keys = await Promise.all(
      Array.from({ length: 6 }, () => ask(api(), '/.well-known/jwks.json', secret(account.originSecret))),
    )
    expect(new Set(keys.map(({ body }) => body)).size).toBe(1)
    expect(keys[0]?.body).toContain('Ed25519')
  })
})

it('the lobby serves cellxgene’s page and files as a function URL can carry them', { timeout: 180_000 }, async () => {
  await account.deploy(aDeployment())
  const handler = lobbyHandler(path.join(await builtLambdas(), 'lobby'))
  const known = { ...secret(account.originSecret), 'accept-encoding': 'gzip' }
  const page = await ask(handler, '/v/pbmc/', known)
  expect(page).toMatchObject({
    statusCode: 302,
    headers: { location: expect.stringMatching(/^https:\/\/app\.example\.org\//) },
  })
  const dir = path.join(await builtLambdas(), 'lobby/server/common/web/static')
  const [script = ''] = readdirSync(dir).filter((name) => /^main-.*\.js$/.test(name))
  const file = await ask(handler, `/v/static/${script}`, known)
  expect(file).toMatchObject({ statusCode: 200, isBase64Encoded: true, headers: { 'content-encoding': 'gzip' } })
  expect(file.body.length).toBeLessThan(6_000_000)
  expect(gunzipSync(Buffer.from(file.body, 'base64')).equals(readFileSync(path.join(dir, script)))).toBe(true)
})

it('npm run users works on the deployment’s table, and never makes one', async () => {
  const users = (...argv: string[]) => {
    const said: string[] = []
    const output = new Writable({ write: (chunk, _encoding, done) => done(void said.push(String(chunk))) })
    const input = Object.assign(Readable.from(['correct horse battery\n']), { isTTY: false })
    const terminal = { input: input as unknown as NodeJS.ReadStream, output, error: output }
    return runUsersCli(argv, terminal, process.env, { now: () => 1 }).then((code) => ({ code, said: said.join('') }))
  }
  expect(await users('add', 'ada', '--admin', '--table', account.table.name)).toMatchObject({ code: 0 })
  expect(await createUserStore(account.table).get('ada')).toMatchObject({ admin: true })
  expect(await users('list')).toMatchObject({ said: expect.stringContaining('ada') })
  const wrong = await users('list', '--table', 'no-such-table')
  expect(wrong).toMatchObject({ code: 1, said: expect.stringMatching(/no-such-table.*AWS_REGION/) })
  expect(await users('list', '--table', 'x', '--state', 'y')).toMatchObject({
    code: 1,
    said: expect.stringContaining('not both'),
  })
})

describe('an event', () => {
  it('of a task that nobody knows, of another program or of no task at all changes nothing', async () => {
    await account.deploy(aDeployment())
    const handler = taskEvents()
    for (const detail of [
      { startedBy: 'a'.repeat(20), lastStatus: 'STOPPED' },
      { startedBy: 'ecs-svc/123', lastStatus: 'STOPPED' },
      { lastStatus: 'STOPPED' },
      null,
    ])
      await expect(handler({ 'detail-type': 'ECS Task State Change', detail }, invocation)).resolves.toBeUndefined()
  })

  it('fails, so that AWS counts it, while the deployment is not complete', async () => {
    const handler = everyMinute()
    await expect(handler({}, invocation)).rejects.toThrow('not complete')
    await account.deploy(aDeployment())
    await expect(handler({}, invocation)).resolves.toBeUndefined()
  })
})
