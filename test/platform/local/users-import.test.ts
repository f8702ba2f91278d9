/** `npm run users -- import-htpasswd`: who comes, who is left alone, who is refused and why; then they sign in. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { createUserStore } from '../../../functions/platform/dynamo/users.ts'
import { openStore } from '../../../functions/platform/local/store.ts'
import { runUsersCli } from '../../../functions/platform/local/users-cli.ts'
import { aUser, testAuth, testClock } from '../../support/people.ts'
import { tempDir } from '../../support/temp-dir.ts'

const clock = testClock()
const bcrypt = '$2y$05$abcdefghijklmnopqrstuuHNbAKRhpaujgo33bRWs.NLUTJO3lOy2'
const apr1 = '$apr1$saltsalt$EGVZDNN6gOqijy.tv9axG/'
const file = [
  '\uFEFF# people of the old server',
  '',
  `Ada:${bcrypt}`,
  `bob:${apr1}:a comment`,
  `known:${apr1}`,
  `ADA:${apr1}`,
  'des:abhfCpXqd4GrI',
  'plain:hunter2hunter2',
  `admin:${bcrypt}`,
  `with blank:${bcrypt}`,
  'hunter3hunter3',
  `slow:${bcrypt.replace('$05$', '$31$')}`,
].join('\r\n')

async function users(...argv: string[]) {
  const [output, error] = [new PassThrough(), new PassThrough()]
  const piped = Object.assign(new PassThrough(), { isTTY: false })
  piped.end()
  // A pipe has everything of a terminal's stream that is used when it says that it is no terminal.
  const input = piped as unknown as NodeJS.ReadStream
  const code = await runUsersCli(argv, { input, output, error }, {}, clock)
  const text = (stream: PassThrough) => String(stream.read() ?? '')
  return { code, out: text(output), err: text(error) }
}

async function aState() {
  const state = tempDir()
  const store = await openStore(state)
  const at = join(tempDir(), 'Old.htpasswd')
  writeFileSync(at, file)
  await createUserStore(store.table).create(aUser({ name: 'known', groups: ['kept'] }))
  return { state, store, argv: ['import-htpasswd', at, '--state', state] }
}

const refused = [
  /^ada: refused: it stands in the file twice/m,
  /^des: refused: plain DES crypt .* users -- add des$/m,
  /^plain: refused: plain text/m,
  /^admin: refused: this name is kept for the administrator/m,
  /^line 10: refused: The name “with blank” can't be used/m,
  /^line 11: refused: it is no line of an htpasswd file/m,
  /^slow: refused: bcrypt of cost 31/m,
]

describe('import-htpasswd', () => {
  it('adds who is new, leaves the others, says who can’t come and why, and shows no password', async () => {
    const { store, argv } = await aState()
    try {
      const { code, out, err } = await users(...argv, '--groups', 'lab,onco')
      expect([code, err]).toEqual([1, '2 added, 1 left alone, 7 refused.\n'])
      expect(out).toContain('ada: added (bcrypt)\nbob: added (apr1)\nknown: left alone')
      for (const words of refused) expect(out).toMatch(words)
      expect(out).not.toMatch(/hunter|\$2y|\$apr1/)
      const all = await createUserStore(store.table).list()
      expect(all.map(({ name, groups, admin }) => [name, groups, admin])).toEqual([
        ['ada', ['lab', 'onco'], false],
        ['bob', ['lab', 'onco'], false],
        ['known', ['kept'], false],
      ])
      // Again: nobody twice.
      expect((await users(...argv)).err).toBe('0 added, 3 left alone, 7 refused.\n')
      expect(await createUserStore(store.table).list()).toEqual(all)
    } finally {
      await store.close()
    }
  })

  it('only tells what it would do with --dry-run', async () => {
    const { store, argv } = await aState()
    try {
      const { out, err } = await users(...argv, '--dry-run')
      expect(out).toContain('ada: would be added (bcrypt)')
      expect(err).toBe('2 would be added, 1 left alone, 7 refused.\n')
      expect(await createUserStore(store.table).list()).toHaveLength(1)
    } finally {
      await store.close()
    }
  })

  it('lets them sign in with the passwords that they have', async () => {
    const { state, store, argv } = await aState()
    try {
      await users(...argv)
      const { auth } = await testAuth(store.table, clock)
      const attempt = (name: string, password: string) => auth.signIn({ name, password, address: '192.0.2.1' })
      const list = async () => (await users('list', '--state', state)).out
      expect(await list()).toContain('ada (no groups; imported, has not signed in yet)')
      for (const name of ['ada', 'bob']) {
        await expect(attempt(name, 'wrong horse')).rejects.toMatchObject({ code: 'not-signed-in' })
        expect(await auth.logins.find(await attempt(name, 'correct horse'))).toMatchObject({ name })
      }
      expect(await list()).toContain('ada (no groups)\nbob (no groups)')
    } finally {
      await store.close()
    }
  })

  it('says which file can’t be read, and is 0 when everybody came', async () => {
    const { store, argv, state } = await aState()
    try {
      expect(await users('import-htpasswd', '/nowhere/at/all', '--state', state)).toMatchObject({
        code: 1,
        err: expect.stringMatching(/^\/nowhere\/at\/all can't be read: .*ENOENT/),
      })
      expect((await users('import-htpasswd', '--state', state)).err).toContain('Which file?')
      const few = join(tempDir(), 'few')
      writeFileSync(few, `cyd:${apr1}\n`)
      expect(await users('import-htpasswd', few, ...argv.slice(2))).toEqual({
        code: 0,
        out: 'cyd: added (apr1)\n1 added, 0 left alone, 0 refused.\n',
        err: '',
      })
    } finally {
      await store.close()
    }
  })
})
