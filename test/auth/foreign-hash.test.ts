/** Hashes as the real tools made them (openssl passwd, libxcrypt's crypt), and what becomes of one at the first sign-in. */
import { afterAll, describe, expect, it } from 'vitest'
import { readForeignHash, verifyForeign } from '../../functions/auth/foreign-hash.ts'
import { createPasswords } from '../../functions/auth/passwords.ts'
import { openStore } from '../../functions/platform/local/store.ts'
import { aUser, testAuth, testClock } from '../support/people.ts'
import { tempDir } from '../support/temp-dir.ts'

const horse = 'correct horse'
const uml = 'pässwörd€'
const bcryptOfHorse = '$2y$05$abcdefghijklmnopqrstuuHNbAKRhpaujgo33bRWs.NLUTJO3lOy2'
const made: [kind: string, hash: string, password: string][] = [
  ['bcrypt', bcryptOfHorse, horse],
  ['bcrypt', '$2b$06$abcdefghijklmnopqrstuud/5IuQmqhVO0kfNEbHJM.fJkPiliBzC', horse],
  ['bcrypt', '$2a$05$abcdefghijklmnopqrstuuHNbAKRhpaujgo33bRWs.NLUTJO3lOy2', horse],
  ['bcrypt', '$2y$05$abcdefghijklmnopqrstuufb0xBZesbzLgkcQv6N0hvKkXeOJ1uSy', uml],
  ['apr1', '$apr1$saltsalt$EGVZDNN6gOqijy.tv9axG/', horse],
  ['apr1', '$apr1$saltsalt$O5K4N3p7sPA94X6KA6.wl/', uml],
  ['MD5 crypt', '$1$saltsalt$NuzA7WTAelpl95xgBGWN60', horse],
  ['MD5 crypt', '$1$saltsalt$5IcLPxa8BhI7obA7Ueerw1', uml],
  ['SHA-256 crypt', '$5$saltsalt$myjXcpMpE2Ofk7fj9hqyNYSn6lmWG4Mqnjx.KIRRr4/', horse],
  ['SHA-256 crypt', '$5$saltsalt$ESkwwIbIn0y3cE11ao4yBuo303BnsglCmjzU6Th.z51', uml],
  ['SHA-256 crypt', '$5$saltsalt$nVO9zoM.Bfq522j476PYcqDc2vxmMSeMl7RsOoxrn37', 'x'.repeat(32)],
  ['SHA-256 crypt', '$5$saltsalt$m/PwYwSKhXHnnF5ieqKGuRN3frnWUjLC/lbcEqQxvB0', 'x'.repeat(64)],
  ['SHA-256 crypt', '$5$rounds=12345$roundssalt$KGmXilcqRPbEaQqt9Si.n4uaYA4rHsgr7qpOkKWFuF8', horse],
  [
    'SHA-512 crypt',
    '$6$saltsalt$hRM5XZ86KXEw9UOmjigeVqFgULtFB2sgpC9lXQDfMib3Zgw7mEiUvBJI2EplzfAqxL5Vvwp2scFtv/uamSo5z0',
    horse,
  ],
  [
    'SHA-512 crypt',
    '$6$saltsalt$nPLjE7rFrpMdyuguy4ml6sSrdt02PFGmxxhL.Dbc2p2iS9bsD67DAmO302.KKO/VKCkll1Em.jJ6D9kU9Ko7u1',
    uml,
  ],
  [
    'SHA-512 crypt',
    '$6$saltsalt$55HgDHfXPAT2alm9wGBYfZ4wSwbvPfp5Ckl0DdpNANMj2lPpWfhUgp5km1bq8meJGCDkDGSHYEZyDYoThYWH0/',
    'x'.repeat(64),
  ],
  [
    'SHA-512 crypt',
    '$6$rounds=1000$saltsalt$4GMtaIz3E1AdDi2SmCokEW0ehi.HdxNDcL3fGE1XXuzvo6kbx7UOloZKONqEk5H3JrQA4NOfU8BmqFPrpGqwA1',
    horse,
  ],
  // From the specification's own tests.
  ['SHA-256 crypt', '$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5', 'Hello world!'],
  ['SHA-256 crypt', '$5$rounds=10000$saltstringsaltst$3xv.VbSHBb41AL9AvLeujZkZRBAwqFMz2.opqey6IcA', 'Hello world!'],
  [
    'SHA-512 crypt',
    '$6$rounds=100000$saltstring$9s1nPRwOKo4FeNBCK5BUtBm4SG17hIi1AdBjtdwEAoIS.4ckJW8FPR8goM6zZZeHEFTq2BK/BQz3f/G/Yjbkg/',
    'Hello world!',
  ],
  ['SHA', '{SHA}L55TUjtiq8FBorTWAZ0jy6g129A=', horse],
  ['salted SHA', '{SSHA}LhKrkM9Fy+zlstjdD7Kv2s6QvhBzYWx0', horse],
]

describe('hashes from an htpasswd file', () => {
  it.each(made)('%s %s: the right password and no other', async (kind, hash, password) => {
    expect(readForeignHash(hash)).toEqual({ kind })
    expect(await verifyForeign(hash, password)).toBe(true)
    for (const wrong of [`${password}x`, password.slice(1), '', password.toUpperCase(), hash])
      expect(await verifyForeign(hash, wrong)).toBe(false)
  })

  it.each([
    ['abhfCpXqd4GrI', /DES/],
    ['secret password', /plain text/],
    ['', /plain text/],
    ['{PLAIN}secret', /plain text/],
    ['{SHA}short', /cut off/],
    ['{SSHA}L55TUjtiq8FBorTWAZ0jy6g129A=', /cut off/],
    [bcryptOfHorse.replace('$05$', '$16$'), /cost 16/],
    [bcryptOfHorse.replace('$05$', '$31$'), /cost 31/],
    [bcryptOfHorse.slice(0, -1), /not known/],
    ['$5$rounds=999999999$roundssalt$KGmXilcqRPbEaQqt9Si.n4uaYA4rHsgr7qpOkKWFuF8', /999999999 rounds/],
    ['$6$saltsalt$cut', /not known/],
    ['$argon2id$v=19$m=9999999,t=99,p=1$AAAA$AAAA', /not known/],
  ])('%s is refused, with words that do not show it, and checks nothing', async (hash, words) => {
    const read = readForeignHash(hash)
    expect('refused' in read && read.refused).toMatch(words)
    if (hash.length > 20) expect(JSON.stringify(read)).not.toContain(hash.slice(-10))
    for (const password of ['secret', 'secret password', 'correct horse', ''])
      expect(await verifyForeign(hash, password)).toBe(false)
  })
})

describe('signing in with one', () => {
  it('replaces it by argon2id at the first good sign-in, however short the password, and never at a bad one', async () => {
    const store = await openStore(tempDir())
    afterAll(() => store.close())
    const { auth, users, clock } = await testAuth(store.table, testClock())
    // A password too short to be given here.
    const old = '$apr1$saltsalt$qTF.Y4L8R0BdPxHRtYhjj1'
    await users.put(aUser({ name: 'eve', passwordHash: old, groups: ['lab'], createdAt: clock.now() }))
    const attempt = (password: string) => auth.signIn({ name: 'eve', password, address: '192.0.2.1' })
    await expect(attempt('lang')).rejects.toMatchObject({ code: 'not-signed-in' })
    await expect(attempt(old)).rejects.toMatchObject({ code: 'not-signed-in' })
    expect((await users.get('eve'))?.passwordHash).toBe(old)
    const cookie = await attempt('kurz')
    expect(await auth.logins.find(cookie)).toMatchObject({ name: 'eve', groups: ['lab'] })
    const after = await users.get('eve')
    expect(after).toMatchObject({
      passwordHash: expect.stringMatching(/^\$argon2id\$/),
      groups: ['lab'],
      generation: 0,
    })
    expect(await createPasswords().verify(after?.passwordHash ?? null, 'kurz')).toBe(true)
    // With the new hash as with the old one; and the first login still stands.
    await attempt('kurz')
    expect((await users.get('eve'))?.passwordHash).toBe(after?.passwordHash)
    expect(await auth.logins.find(cookie)).not.toBeNull()
  })
})
