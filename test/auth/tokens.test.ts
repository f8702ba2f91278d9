/** The launcher's own tokens and keys: gates, scripts, and the file the key lives in. */
import { chmodSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { exportSPKI, generateKeyPair, SignJWT } from 'jose'
import { afterAll, describe, expect, it } from 'vitest'
import { createGateTokens } from '../../functions/auth/gate-token.ts'
import { loadKeys, newSigningJwk } from '../../functions/auth/keys.ts'
import { loadSigningKeys } from '../../functions/platform/local/secrets.ts'
import { openStore } from '../../functions/platform/local/store.ts'
import { appOrigin, aUser, testAuth, testClock } from '../support/people.ts'
import { aSession } from '../support/sessions.ts'
import { tempDir } from '../support/temp-dir.ts'

const limits = { lifetimeMs: 12 * 3_600_000, startCapMs: 2_700_000 }
const jwk = await newSigningJwk()
const keys = await loadKeys(jwk)
const store = await openStore(tempDir())
afterAll(() => store.close())

describe('gate tokens', () => {
  const clock = testClock()
  const gates = createGateTokens({ keys, clock, limits })
  const session = aSession({ createdAt: clock.at, ownerId: 'local:ada', datasetId: 'pbmc' })

  it('are the same bytes for the same session, also after a restart', async () => {
    const first = await gates.sign(session)
    clock.at += 5_000
    const again = createGateTokens({ keys: await loadKeys(jwk), clock, limits })
    expect(await again.sign({ ...session })).toBe(first)
    expect(await gates.sign({ ...session, id: 'zzzzzzzzzzzzzzzzzzzz' })).not.toBe(first)
  })

  it('say which session a gate speaks for', async () => {
    expect(await gates.verify(await gates.sign(session))).toEqual({
      kind: 'gate',
      sessionId: session.id,
      ownerId: 'local:ada',
      datasetId: 'pbmc',
    })
  })

  it('outlive the longest session, and not by much', async () => {
    const token = await gates.sign(session)
    clock.at = session.createdAt + limits.startCapMs + limits.lifetimeMs
    expect(await gates.verify(token)).not.toBeNull()
    clock.at += 3_600_000
    expect(await gates.verify(token)).toBeNull()
    clock.at = session.createdAt
  })

  it('refuse every other word: altered, of another key, of another kind', async () => {
    const token = await gates.sign(session)
    const [head, , signature] = token.split('.')
    const claims = Buffer.from(JSON.stringify({ aud: 'gate', sub: 'x', own: 'y', ds: 'z', iat: 1, exp: 9e9 }))
    const stranger = createGateTokens({ keys: await loadKeys(await newSigningJwk()), clock, limits })
    const { auth, users } = await testAuth(store.table, clock, { keys })
    await users.put(aUser())
    const who = await auth.logins.find(await auth.logins.open(aUser()))
    const api = who && (await auth.apiTokens.issue(who))
    const untyped = await new SignJWT({ own: 'a', ds: 'b' })
      .setProtectedHeader({ alg: 'EdDSA' })
      .setAudience('gate')
      .setSubject('s')
      .setExpirationTime(9e9)
      .sign(keys.privateKey)
    expect(api?.token).toEqual(expect.any(String))
    for (const bad of [
      '',
      'x',
      `${head}.${claims.toString('base64url')}.${signature}`,
      await stranger.sign(session),
      api?.token ?? '',
      untyped,
    ])
      expect(await gates.verify(bad)).toBeNull()
  })
})

describe('tokens for scripts', () => {
  const request = (token: string, cookie = '') =>
    new Request(appOrigin, { headers: { authorization: `Bearer ${token}`, cookie } })

  it('reach the same principal as the cookie, until sign-out', async () => {
    const clock = testClock()
    const { auth, users } = await testAuth(store.table, clock, { keys })
    const user = aUser({ name: 'script', groups: ['onco'], admin: true })
    await users.put(user)
    const cookie = await auth.logins.open(user)
    const byCookie = await auth.authenticate(new Request(appOrigin, { headers: { cookie: `cxod-login=${cookie}` } }))
    if (byCookie === null) throw new Error('not signed in')
    const issued = await auth.apiTokens.issue(byCookie.who)
    const byToken = await auth.authenticate(request(issued?.token ?? ''))
    expect(byCookie.via).toBe('cookie')
    expect(byToken).toEqual({ via: 'bearer', who: { ...byCookie.who, loginId: null } })
    // A token can't make the next token, or it would live for ever.
    expect(byToken && (await auth.apiTokens.issue(byToken.who))).toBeNull()

    await users.put({ ...user, groups: ['moved'] })
    expect((await auth.authenticate(request(issued?.token ?? '')))?.who.groups).toEqual(['moved'])
    clock.at += 60 * 60_000
    expect(await auth.authenticate(request(issued?.token ?? ''))).toBeNull()
    clock.at -= 60_000
    expect(await auth.authenticate(request(issued?.token ?? ''))).not.toBeNull()
    await auth.logins.close(cookie)
    expect(await auth.authenticate(request(issued?.token ?? ''))).toBeNull()
  })

  it('decide alone when they are sent: a bad one is not made good by a cookie', async () => {
    const { auth, users } = await testAuth(store.table, testClock(), { keys })
    await users.put(aUser())
    const cookie = `cxod-login=${await auth.logins.open(aUser())}`
    expect(await auth.authenticate(new Request(appOrigin, { headers: { cookie } }))).not.toBeNull()
    expect(await auth.authenticate(request('nonsense', cookie))).toBeNull()
    expect(
      await auth.authenticate(new Request(appOrigin, { headers: { cookie, authorization: 'Basic YTpi' } })),
    ).toBeNull()
    expect(await auth.authenticate(new Request(appOrigin))).toBeNull()
  })

  it('are told from every other word of ours by their type', async () => {
    const { auth, users } = await testAuth(store.table, testClock(), { keys })
    await users.put(aUser())
    const who = await auth.logins.find(await auth.logins.open(aUser()))
    const word = (typ?: string) =>
      new SignJWT({ login: who?.loginId })
        .setProtectedHeader({ alg: 'EdDSA', kid: keys.kid, ...(typ ? { typ } : {}) })
        .setIssuer(appOrigin)
        .setAudience(appOrigin)
        .setSubject('local:ada')
        .setExpirationTime(9e9)
        .sign(keys.privateKey)
    expect(await auth.authenticate(request(await word('at+jwt')))).not.toBeNull()
    for (const typ of [undefined, 'JWT', 'gate+jwt', 'cxod-page+jwt'])
      expect(await auth.authenticate(request(await word(typ)))).toBeNull()
  })

  it('are not accepted when signed by anybody with the public key', async () => {
    const { auth } = await testAuth(store.table, testClock(), { keys })
    const secret = new TextEncoder().encode(await exportSPKI(keys.publicKey))
    const forged = await new SignJWT({ login: 'x' })
      .setProtectedHeader({ alg: 'HS256', typ: 'at+jwt', kid: keys.kid })
      .setIssuer(appOrigin)
      .setAudience(appOrigin)
      .setSubject('local:admin')
      .setExpirationTime(9e9)
      .sign(secret)
    expect(await auth.authenticate(request(forged))).toBeNull()
  })
})

describe('the signing key', () => {
  it('is made once, for its owner alone, and stays', async () => {
    const dir = tempDir()
    const [first, second] = await Promise.all([loadSigningKeys(dir), loadSigningKeys(dir)])
    expect(second.kid).toBe(first.kid)
    expect((await loadSigningKeys(dir)).kid).toBe(first.kid)
    expect(readdirSync(join(dir, 'secrets'))).toEqual(['signing-key.json'])
    expect(statSync(join(dir, 'secrets')).mode & 0o777).toBe(0o700)
    expect(statSync(join(dir, 'secrets', 'signing-key.json')).mode & 0o777).toBe(0o600)
    expect(Object.keys(first.publicJwk).sort()).toEqual(['alg', 'crv', 'kid', 'kty', 'use', 'x'])
  })

  it('is refused when others can read it, or when it is something else, with what to do', async () => {
    const dir = tempDir()
    await loadSigningKeys(dir)
    const path = join(dir, 'secrets', 'signing-key.json')
    chmodSync(path, 0o640)
    await expect(loadSigningKeys(dir)).rejects.toMatchObject({
      code: 'bad-setting',
      message: expect.stringContaining('chmod 600'),
    })
    chmodSync(path, 0o600)
    const good = readFileSync(path, 'utf8')
    const { d: _private, ...publicOnly } = JSON.parse(good)
    const rsa = (await generateKeyPair('RS256', { extractable: true })).publicKey
    for (const bad of [
      '',
      '{',
      '[]',
      JSON.stringify(publicOnly),
      JSON.stringify(rsa),
      good.replace(/"x":"[^"]+"/, '"x":"AAAA"'),
    ]) {
      writeFileSync(path, bad)
      await expect(loadSigningKeys(dir)).rejects.toMatchObject({ code: 'bad-setting' })
    }
  })
})
