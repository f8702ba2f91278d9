/** Bearer tokens of identity providers: a real one (oidc-provider), and an issuer of our own that misbehaves on purpose. */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type CryptoKey, exportJWK, exportSPKI, generateKeyPair, type JWK, SignJWT, UnsecuredJWT } from 'jose'
import Provider from 'oidc-provider'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createBearer, type IssuerConfig } from '../../functions/auth/bearer.ts'
import { testClock } from '../support/people.ts'

const servers: Server[] = []
afterAll(() => {
  for (const server of servers) {
    server.close()
    server.closeAllConnections()
  }
})

function listen(server: Server): Promise<string> {
  servers.push(server)
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve(`http://127.0.0.1:${(server.address() as AddressInfo).port}`))
  })
}

const audience = 'https://cellxgene.example.org'
const log = () => undefined
const signIn = (issuers: readonly IssuerConfig[], clock = testClock()) =>
  createBearer({ issuers, clock, log, cooldownMs: 0 })

describe('a real identity provider', () => {
  it('signs somebody in with the token it gave, and only for us', async () => {
    const server = createServer()
    const url = await listen(server)
    const provider = new Provider(url, {
      clients: [
        {
          client_id: 'pipeline',
          client_secret: 's',
          grant_types: ['client_credentials'],
          redirect_uris: [],
          response_types: [],
        },
      ],
      features: {
        devInteractions: { enabled: false },
        clientCredentials: { enabled: true },
        resourceIndicators: {
          enabled: true,
          getResourceServerInfo: (_ctx, resource) => ({
            scope: 'api',
            audience: resource,
            accessTokenTTL: 600,
            accessTokenFormat: 'jwt',
            jwt: { sign: { alg: 'RS256' } },
          }),
        },
      },
      extraTokenClaims: () => ({ groups: ['onco', 'admins'], name: 'The pipeline', email: 'pipeline@example.org' }),
    })
    server.on('request', provider.callback())
    const tokenFor = async (resource: string) => {
      const answer = await fetch(`${url}/token`, {
        method: 'POST',
        headers: { authorization: `Basic ${btoa('pipeline:s')}` },
        body: new URLSearchParams({ grant_type: 'client_credentials', scope: 'api', resource }),
      })
      const { access_token: token } = (await answer.json()) as { access_token: string }
      expect(answer.status).toBe(200)
      return token
    }
    // A real provider signs by the real time.
    const clock = testClock(Date.now())
    const config = {
      name: 'lab',
      issuer: url,
      audience,
      jwksUrl: `${url}/jwks`,
      groupsClaim: 'groups',
      adminGroup: 'admins',
    }
    const bearer = signIn([config], clock)
    expect(await bearer(await tokenFor(audience))).toEqual({
      kind: 'user',
      id: 'lab:pipeline',
      name: 'The pipeline',
      email: 'pipeline@example.org',
      groups: ['onco', 'admins'],
      admin: true,
      loginId: null,
    })
    expect(await bearer(await tokenFor('https://other.example.org'))).toBeNull()
    clock.at += 600_000 + 31_000
    expect(await bearer(await tokenFor(audience))).toBeNull()
  })
})

describe('an issuer with published keys', () => {
  const issuer = 'https://idp.example.org'
  let published: JWK[] = []
  let asked = 0
  let answer: 'keys' | 'error' | 'nonsense' = 'keys'
  let jwksUrl = ''
  let key: CryptoKey
  let publicKey: CryptoKey

  async function newKey(kid: string): Promise<CryptoKey> {
    const pair = await generateKeyPair('ES256', { extractable: true })
    published = [...published, { ...(await exportJWK(pair.publicKey)), kid, alg: 'ES256', use: 'sig' }]
    publicKey = pair.publicKey
    return pair.privateKey
  }
  const config = (over: Partial<IssuerConfig> = {}): IssuerConfig => ({
    name: 'idp',
    issuer,
    audience,
    jwksUrl,
    groupsClaim: 'groups',
    ...over,
  })
  const clock = testClock()
  const now = clock.at / 1000
  const claims = { iss: issuer, aud: audience, sub: 'u-1', exp: now + 60, groups: ['onco'] }
  const token = (over: Record<string, unknown> = {}, header: { alg?: string; kid?: string } = {}, with_ = key) =>
    new SignJWT({ ...claims, ...over }).setProtectedHeader({ alg: 'ES256', kid: 'k1', ...header }).sign(with_)

  beforeAll(async () => {
    const server = createServer((request, response) => {
      asked++
      if (answer === 'error') response.writeHead(503)
      else response.setHeader('content-type', 'application/json')
      response.end(answer === 'keys' ? JSON.stringify({ keys: request.url === '/none' ? [] : published }) : 'nonsense')
    })
    jwksUrl = `${await listen(server)}/jwks`
    key = await newKey('k1')
  })

  it('makes a user of a good token', async () => {
    expect(await signIn([config()], clock)(await token())).toMatchObject({
      id: 'idp:u-1',
      name: 'u-1',
      groups: ['onco'],
      admin: false,
    })
  })

  it.each([
    ['another issuer', { iss: 'https://evil.example.org' }],
    ['another audience', { aud: 'https://other.example.org' }],
    ['no audience', { aud: undefined }],
    ['no issuer', { iss: undefined }],
    ['no expiry', { exp: undefined }],
    ['no subject', { sub: undefined }],
    ['an empty subject', { sub: '' }],
    ['an endless subject', { sub: 'x'.repeat(256) }],
    ['expired', { exp: now - 31 }],
    ['not yet valid', { nbf: now + 31 }],
  ])('refuses a token with %s', async (_what, over) => {
    expect(await signIn([config()], clock)(await token(over))).toBeNull()
  })

  it('forgives clocks half a minute', async () => {
    expect(await signIn([config()], clock)(await token({ exp: now - 29 }))).not.toBeNull()
    expect(await signIn([config()], clock)(await token({ nbf: now + 29 }))).not.toBeNull()
  })

  it('refuses unsigned tokens, HS256 with the public key, and another key with a known id', async () => {
    const bearer = signIn([config()], clock)
    expect(await bearer(new UnsecuredJWT(claims).encode())).toBeNull()
    const pem = new TextEncoder().encode(await exportSPKI(publicKey))
    const mac = await new SignJWT(claims).setProtectedHeader({ alg: 'HS256', kid: 'k1' }).sign(pem)
    expect(await bearer(mac)).toBeNull()
    const stranger = (await generateKeyPair('ES256')).privateKey
    expect(await bearer(await token({}, {}, stranger))).toBeNull()
    for (const bad of ['', '.', 'a.b.c', 'x'.repeat(10_000)]) expect(await bearer(bad)).toBeNull()
  })

  it('does not even take a symmetric key that the issuer itself publishes', async () => {
    const secret = new TextEncoder().encode('0123456789abcdef0123456789abcdef')
    published = [...published, { kty: 'oct', k: Buffer.from(secret).toString('base64url'), kid: 'oct', alg: 'HS256' }]
    const mac = await new SignJWT(claims).setProtectedHeader({ alg: 'HS256', kid: 'oct' }).sign(secret)
    expect(await signIn([config()], clock)(mac)).toBeNull()
    published = published.filter(({ kty }) => kty !== 'oct')
  })

  it('keeps the keys, and fetches them again when a token names a new one', async () => {
    const bearer = signIn([config()], clock)
    const before = asked
    for (let n = 0; n < 5; n++) expect(await bearer(await token())).not.toBeNull()
    expect(asked - before).toBe(1)
    const next = await newKey('k2')
    expect(await bearer(await token({}, { kid: 'k2' }, next))).not.toBeNull()
    expect(await bearer(await token())).not.toBeNull()
    expect(asked - before).toBe(2)
    expect(await bearer(await token({}, { kid: 'never-published' }, next))).toBeNull()
  })

  it('bounds how often forged key ids make it ask', async () => {
    const bearer = createBearer({ issuers: [config()], clock, log, cooldownMs: 60_000 })
    expect(await bearer(await token())).not.toBeNull()
    const before = asked
    for (let n = 0; n < 20; n++) expect(await bearer(await token({}, { kid: `forged-${n}` }))).toBeNull()
    expect(asked).toBe(before)
  })

  it('says that the keys can’t be had, instead of that the token is bad', async () => {
    const words: string[] = []
    for (const broken of ['error', 'nonsense'] as const) {
      answer = broken
      const bearer = createBearer({ issuers: [config()], clock, log: (_level, event) => void words.push(event) })
      await expect(bearer(await token())).rejects.toMatchObject({ code: 'unavailable' })
    }
    answer = 'keys'
    await expect(signIn([config({ jwksUrl: 'http://127.0.0.1:9/jwks' })], clock)(await token())).rejects.toMatchObject({
      code: 'unavailable',
    })
    expect(words).toEqual(['issuer-keys-unavailable', 'issuer-keys-unavailable'])
  })

  it.each([
    ['groups', { groups: 'onco lab,ward' }, ['onco', 'lab', 'ward']],
    ['groups', { groups: ['onco', 7, '', null] }, ['onco']],
    ['groups', { groups: 7 }, []],
    ['groups', { groups: undefined }, []],
    ['cognito:groups', { 'cognito:groups': ['a'] }, ['a']],
    ['realm_access.roles', { realm_access: { roles: ['b'] } }, ['b']],
    ['realm_access.roles', { 'realm_access.roles': ['c'], realm_access: { roles: ['b'] } }, ['c']],
    ['realm_access.roles.x', { realm_access: { roles: ['b'] } }, []],
    ['constructor.name', {}, []],
    [null, { groups: ['x'] }, []],
  ])('reads groups from %s', async (groupsClaim, over, groups) => {
    const user = await signIn([config({ groupsClaim })], clock)(await token({ groups: undefined, ...over }))
    expect(user?.groups).toEqual(groups)
  })

  it('keeps issuers apart: the same subject of two is two owners, and one can’t sign for the other', async () => {
    const second = { ...config(), name: 'second', issuer: 'https://second.example.org' }
    const bearer = signIn([config(), second], clock)
    expect((await bearer(await token()))?.id).toBe('idp:u-1')
    expect((await bearer(await token({ iss: second.issuer })))?.id).toBe('second:u-1')
    const apart = signIn([config(), { ...second, jwksUrl: jwksUrl.replace('/jwks', '/none') }], clock)
    expect((await apart(await token()))?.id).toBe('idp:u-1')
    expect(await apart(await token({ iss: second.issuer }))).toBeNull()
  })

  it.each([
    [{ name: 'local' }, /kept for the launcher/],
    [{ name: 'a b' }, /must be up to 32/],
    [{ jwksUrl: 'http://idp.example.org/jwks' }, /https/],
    [{ jwksUrl: 'nonsense' }, /https/],
    [{ audience: '' }, /issuer and audience/],
  ])('does not start with %o', (over, words) => {
    expect(() => signIn([config(over)])).toThrow(words)
  })

  it('does not start with an issuer named twice', () => {
    expect(() => signIn([config(), config()])).toThrow(/twice/)
  })
})
