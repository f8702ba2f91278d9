/** Passwords, the limits on guessing, the admin link, logins. */
import { afterAll, describe, expect, it } from 'vitest'
import { addressKey } from '../../functions/auth/address.ts'
import { loginCookie, readLoginCookie } from '../../functions/auth/logins.ts'
import { createPasswords } from '../../functions/auth/passwords.ts'
import { checkUserName, parseGroups } from '../../functions/auth/user-names.ts'
import type { OnceStore } from '../../functions/core/ports.ts'
import { createOnceStore } from '../../functions/platform/dynamo/once.ts'
import { openStore } from '../../functions/platform/local/store.ts'
import { appOrigin, aUser, testAuth, testClock } from '../support/people.ts'
import { tempDir } from '../support/temp-dir.ts'

const store = await openStore(tempDir())
afterAll(() => store.close())
const passwords = createPasswords()
const passwordHash = await passwords.hash('correct horse')
const address = '192.0.2.1'

let names = 0
/** A user of this test alone, on a clock of its own. */
async function aPerson(over: Parameters<typeof aUser>[0] = {}, auth: Parameters<typeof testAuth>[2] = {}) {
  const clock = testClock()
  const bed = await testAuth(store.table, clock, auth)
  const user = aUser({ name: `person-${++names}`, passwordHash, ...over })
  await bed.users.put(user)
  return { ...bed, clock, user, name: user.name }
}

describe('passwords', () => {
  it('keeps argon2id with the parameters OWASP asks for, salted', async () => {
    expect(passwordHash).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
    expect(await passwords.hash('correct horse')).not.toBe(passwordHash)
    expect(await passwords.verify(passwordHash, 'correct horse')).toBe(true)
    expect(await passwords.verify(passwordHash, 'correct horsE')).toBe(false)
  })

  it('knows a password typed in the other Unicode form', async () => {
    const hash = await passwords.hash('zürich-zürich'.normalize('NFD'))
    expect(await passwords.verify(hash, 'zürich-zürich'.normalize('NFC'))).toBe(true)
  })

  it('refuses short and endless passwords, and never verifies a missing or broken hash', async () => {
    await expect(passwords.hash('ninechars')).rejects.toMatchObject({ code: 'bad-request' })
    await expect(passwords.hash('x'.repeat(257))).rejects.toMatchObject({ code: 'bad-request' })
    expect(await passwords.verify(null, 'correct horse')).toBe(false)
    expect(await passwords.verify('not a hash', 'correct horse')).toBe(false)
    expect(await passwords.verify(passwordHash, `correct horse${'x'.repeat(100_000)}`)).toBe(false)
  })
})

describe('sign-in', () => {
  it('signs in by name and password, whatever the case of the name', async () => {
    const { auth, name } = await aPerson({ groups: ['onco'], email: 'a@b.org' })
    const cookie = await auth.signIn({ name: ` ${name.toUpperCase()} `, password: 'correct horse', address })
    expect(await auth.logins.find(cookie)).toEqual({
      kind: 'user',
      id: `local:${name}`,
      name,
      email: 'a@b.org',
      groups: ['onco'],
      admin: false,
      loginId: expect.any(String),
    })
  })

  it('says the same for a wrong password, an unknown name and a user without a password', async () => {
    const { auth, users, name } = await aPerson()
    await users.put(aUser({ name: 'no-password', passwordHash: null }))
    const tries = ['nobody-here', 'no-password', name].map((who) =>
      auth.signIn({ name: who, password: 'wrong wrong wrong', address }).catch((error: unknown) => error),
    )
    const [unknown, without, wrong] = await Promise.all(tries)
    expect(unknown).toMatchObject({ code: 'not-signed-in' })
    expect(without).toEqual(unknown)
    expect(wrong).toEqual(unknown)
  })

  it('tells somebody disabled why, but only with the right password', async () => {
    const { auth, name } = await aPerson({ disabled: true })
    await expect(auth.signIn({ name, password: 'correct horse', address })).rejects.toMatchObject({
      code: 'not-allowed',
    })
    await expect(auth.signIn({ name, password: 'wrong', address })).rejects.toMatchObject({ code: 'not-signed-in' })
  })

  it('refuses 10,000 guesses at one name without working for them, and lets the person in a quarter of an hour later', async () => {
    const counted: string[] = []
    const real = createOnceStore(store.table)
    const once: OnceStore = {
      spend: real.spend,
      hit: (key, now, windowMs) => {
        counted.push(key)
        return real.hit(key, now, windowMs)
      },
    }
    const { auth, clock, name } = await aPerson({}, { once })
    const outcomes = new Map<string, number>()
    for (let n = 0; n < 10_000; n++) {
      const error = await auth
        .signIn({ name, password: `guess ${n}`, address: `198.51.${n >> 8}.${n & 255}` })
        .catch((problem: { code: string; data: unknown }) => problem)
      const code = typeof error === 'string' ? 'signed in' : error.code
      outcomes.set(code, (outcomes.get(code) ?? 0) + 1)
    }
    expect(Object.fromEntries(outcomes)).toEqual({ 'not-signed-in': 60, 'too-many-attempts': 9_940 })
    // 60 guesses and the first refusal, by name, by address and by both; the other 9,939 were refused from memory.
    expect(counted).toHaveLength(3 * 61)
    await expect(auth.signIn({ name, password: 'correct horse', address })).rejects.toMatchObject({
      code: 'too-many-attempts',
      data: { retryAfterSeconds: 900 },
    })
    clock.at += 15 * 60_000
    await expect(auth.signIn({ name, password: 'correct horse', address })).resolves.toEqual(expect.any(String))
  }, 60_000)

  it('lets the person in from elsewhere while somebody guesses at their name', async () => {
    const { auth, name } = await aPerson()
    const outcomes = new Set<string>()
    for (let n = 0; n < 100; n++)
      await auth
        .signIn({ name, password: `guess ${n}`, address: '198.51.100.9' })
        .catch((problem: { code: string }) => outcomes.add(problem.code))
    expect([...outcomes]).toEqual(['not-signed-in', 'too-many-attempts'])
    await expect(auth.signIn({ name, password: 'correct horse', address })).resolves.toEqual(expect.any(String))
  })

  it('limits an address over all names, so that it can’t go on to lock other people out', async () => {
    const signInLimits = { byName: { attempts: 2, windowMs: 60_000 }, byAddress: { attempts: 3, windowMs: 60_000 } }
    const { auth, name } = await aPerson({}, { signInLimits })
    const bad = '2001:db8:1:2::5'
    for (const n of [1, 2, 3])
      await expect(auth.signIn({ name: `x${n}-${name}`, password: 'y', address: bad })).rejects.toMatchObject({
        code: 'not-signed-in',
      })
    for (const n of [1, 2, 3, 4])
      await expect(auth.signIn({ name, password: 'y', address: `2001:db8:1:2::${n}` })).rejects.toMatchObject({
        code: 'too-many-attempts',
      })
    await expect(auth.signIn({ name, password: 'correct horse', address })).resolves.toEqual(expect.any(String))
  })

  it('keeps no name in clear in the counters: people type passwords into that field', async () => {
    const keys: string[] = []
    const hit: OnceStore['hit'] = async (key) => {
      keys.push(key)
      return { count: 1, resetsAt: 0 }
    }
    const once: OnceStore = { spend: async () => true, hit }
    const { auth } = await aPerson({}, { once })
    await auth.signIn({ name: 'my-secret-password', password: 'x', address }).catch(() => undefined)
    expect(keys).toHaveLength(3)
    expect(keys.join()).not.toContain('my-secret-password')
  })
})

describe('addresses', () => {
  it.each([
    ['192.0.2.7', '192.0.2.7'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:DB8:0001:2::9', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['unknown', 'unknown'],
  ])('counts %s as %s', (given, key) => expect(addressKey(given)).toBe(key))
})

describe('the admin link', () => {
  it('signs in once as administrator, and is in the part of the address that browsers keep to themselves', async () => {
    const { auth, users } = await testAuth(store.table, testClock())
    const { url } = auth.adminLinks.create()
    const link = new URL(url)
    expect(`${link.origin}${link.pathname}${link.search}`).toBe(`${appOrigin}/sign-in/link`)
    const secret = link.hash.slice(1)
    const tries = await Promise.allSettled([1, 2, 3, 4].map(() => auth.signInByLink(secret)))
    const [won] = tries.filter((one) => one.status === 'fulfilled')
    expect(tries.filter((one) => one.status === 'fulfilled')).toHaveLength(1)
    expect(await auth.logins.find(won?.value ?? '')).toMatchObject({ id: 'local:admin', admin: true })
    await expect(auth.signInByLink(secret)).rejects.toMatchObject({ code: 'not-signed-in' })
    expect(await users.get('admin')).toMatchObject({ admin: true, passwordHash: null })
  })

  it('expires, and is void in the next process', async () => {
    const clock = testClock()
    const { auth } = await testAuth(store.table, clock)
    const secret = auth.adminLinks.create().url.split('#')[1] ?? ''
    const other = await testAuth(store.table, clock)
    await expect(other.auth.signInByLink(secret)).rejects.toMatchObject({ code: 'not-signed-in' })
    clock.at += 60 * 60_000
    await expect(auth.signInByLink(secret)).rejects.toMatchObject({ code: 'not-signed-in' })
    await expect(auth.signInByLink('')).rejects.toMatchObject({ code: 'not-signed-in' })
  })

  it('makes nobody an administrator who is not, and no disabled one', async () => {
    const dir = await openStore(tempDir())
    const { auth, users } = await testAuth(dir.table, testClock())
    for (const over of [{ admin: false }, { admin: true, disabled: true }]) {
      await users.put(aUser({ name: 'admin', ...over }))
      const secret = auth.adminLinks.create().url.split('#')[1] ?? ''
      await expect(auth.signInByLink(secret)).rejects.toMatchObject({ code: 'not-allowed' })
    }
    await dir.close()
  })
})

describe('logins', () => {
  it('keeps only the hash of what the browser holds', async () => {
    const { auth, logins, user } = await aPerson()
    const cookie = await auth.logins.open(user)
    const found = await auth.logins.find(cookie)
    expect(found?.loginId).not.toBe(cookie)
    expect(await logins.get(cookie)).toBeNull()
    expect(await logins.get(found?.loginId ?? '')).toMatchObject({ userName: user.name })
    // Who reads the store learns a login's id; as a cookie it opens nothing.
    expect(await auth.logins.find(found?.loginId ?? '')).toBeNull()
  })

  it('ends by sign-out, after seven days, when the user is disabled, and when the name is given to somebody else', async () => {
    const { auth, clock, users, user } = await aPerson()
    const [out, aged, kept] = await Promise.all([1, 2, 3].map(() => auth.logins.open(user)))
    await auth.logins.close(out ?? '')
    expect(await auth.logins.find(out ?? '')).toBeNull()
    clock.at += 7 * 24 * 3_600_000 - 1
    expect(await auth.logins.find(aged ?? '')).not.toBeNull()
    clock.at += 1
    expect(await auth.logins.find(aged ?? '')).toBeNull()
    clock.at -= 60_000
    await users.put({ ...user, disabled: true })
    expect(await auth.logins.find(kept ?? '')).toBeNull()
    await users.put({ ...user, createdAt: clock.at })
    expect(await auth.logins.find(kept ?? '')).toBeNull()
  })

  it('checks a login for the lobby: this owner only, with the groups of now', async () => {
    const { auth, users, user } = await aPerson({ groups: ['old'] })
    const found = await auth.logins.find(await auth.logins.open(user))
    const id = found?.loginId ?? ''
    await users.put({ ...user, groups: ['new'] })
    expect(await auth.checkLogin(id, `local:${user.name}`)).toMatchObject({ groups: ['new'], loginId: id })
    expect(await auth.checkLogin(id, 'local:somebody-else')).toBeNull()
    expect(await auth.checkLogin('no such login', `local:${user.name}`)).toBeNull()
  })

  it('sets a cookie that scripts and other sites don’t get, and reads it among others', () => {
    expect(loginCookie('v', true)).toBe('__Host-cxod-login=v; Path=/; HttpOnly; SameSite=Lax; Max-Age=604800; Secure')
    expect(loginCookie(null, false)).toBe('cxod-login=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0')
    const read = (cookie: string, secure = false) =>
      readLoginCookie(new Request(appOrigin, { headers: { cookie } }), secure)
    expect(read('a=1; cxod-login=x=y ; b=2')).toBe('x=y')
    expect(read('xcxod-login=no; cxod-login=')).toBeNull()
    expect(read('cxod-login=planted; __Host-cxod-login=mine', true)).toBe('mine')
    expect(read('cxod-login=planted', true)).toBeNull()
  })
})

describe('names', () => {
  it('takes names and groups that can be folders and keys, and says which can’t', () => {
    expect(checkUserName('ada.l@lab-1')).toBe('ada.l@lab-1')
    for (const bad of ['', '-x', 'Ada', 'a b', 'a/b', 'a:b', 'x'.repeat(65)])
      expect(() => checkUserName(bad)).toThrow(/can't be used/)
    expect(parseGroups(' onco, lab_1,,onco,public')).toEqual(['onco', 'lab_1'])
    expect(() => parseGroups('a/b')).toThrow(/can't be used/)
    expect(() => parseGroups('..')).toThrow(/can't be used/)
  })
})
