/** `npm run users`, beside a launcher that runs and without one. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough, Writable } from 'node:stream'
import type { ReadStream } from 'node:tty'
import { describe, expect, it } from 'vitest'
import { createPasswords } from '../../../functions/auth/passwords.ts'
import { createUserStore } from '../../../functions/platform/dynamo/users.ts'
import { openStore } from '../../../functions/platform/local/store.ts'
import { runUsersCli } from '../../../functions/platform/local/users-cli.ts'
import { tempDir } from '../../support/temp-dir.ts'

const clock = { now: () => 1_800_000_000_000 }

function collect() {
  let text = ''
  const stream = new Writable({
    write(chunk, _encoding, done) {
      text += String(chunk)
      done()
    },
  })
  return { stream, text: () => text }
}

/** @param input what stands on standard input */
async function users(argv: string[], input = '', env: Record<string, string> = {}) {
  const [output, error] = [collect(), collect()]
  const piped = Object.assign(new PassThrough(), { isTTY: false })
  piped.end(input)
  // A pipe has everything of a terminal's stream that is used when it says that it is no terminal.
  const stdin = piped as unknown as NodeJS.ReadStream
  const code = await runUsersCli(argv, { input: stdin, output: output.stream, error: error.stream }, env, clock)
  return { code, out: output.text(), err: error.text() }
}

async function userIn(state: string, name: string) {
  const store = await openStore(state)
  try {
    return await createUserStore(store.table).get(name)
  } finally {
    await store.close()
  }
}

describe('npm run users', () => {
  it('adds, lists and changes people of a launcher that does not run', async () => {
    const state = tempDir()
    const at = ['--state', state]
    expect(
      await users(
        ['add', 'Ada', '--groups', 'onco,public,lab', '--email', 'ada@example.org', ...at],
        'correct horse\n',
      ),
    ).toEqual({
      code: 0,
      out: 'Added ada (ada@example.org; groups onco, lab).\n',
      err: '',
    })
    const ada = await userIn(state, 'ada')
    expect(ada).toMatchObject({ groups: ['onco', 'lab'], admin: false, createdAt: clock.now() })
    expect(await createPasswords().verify(ada?.passwordHash ?? null, 'correct horse')).toBe(true)

    expect((await users(['passwd', 'ada', ...at], 'battery staple\n')).out).toContain('is signed out')
    expect(await userIn(state, 'ada')).toMatchObject({ generation: 1 })
    await users(['groups', 'ada', 'ward', ...at])
    await users(['disable', 'ada', ...at])
    const changed = await userIn(state, 'ada')
    expect(changed).toMatchObject({ groups: ['ward'], disabled: true, email: 'ada@example.org' })
    expect(await createPasswords().verify(changed?.passwordHash ?? null, 'battery staple')).toBe(true)
    expect((await users(['list'], '', { CXOD_STATE: state })).out).toBe(
      'ada (ada@example.org; groups ward; disabled)\n',
    )
    await users(['enable', 'ada', ...at])
    expect(await userIn(state, 'ada')).toMatchObject({ disabled: false })
    await users(['add', 'root', '--admin', ...at], 'correct horse\n')
    expect((await users(['list', ...at])).out).toContain('root (no groups; administrator)\n')
  })

  it('works through the launcher that has the store open, and leaves it running', async () => {
    const state = tempDir()
    const launcher = await openStore(state)
    try {
      expect((await users(['add', 'ada', '--state', state], 'correct horse\n')).code).toBe(0)
      const store = createUserStore(launcher.table)
      expect(await store.get('ada')).toMatchObject({ name: 'ada' })
      await store.put({
        ...((await store.get('ada')) as NonNullable<Awaited<ReturnType<typeof store.get>>>),
        groups: ['x'],
      })
      expect((await users(['list', '--state', state])).out).toBe('ada (groups x)\n')
    } finally {
      await launcher.close()
    }
  })

  it('does not hold the store while somebody types: a launcher can be started meanwhile', async () => {
    const state = tempDir()
    const waiting = Object.assign(new PassThrough(), { isTTY: false })
    const output = collect()
    const stdin = waiting as unknown as NodeJS.ReadStream
    const terminal = { input: stdin, output: output.stream, error: output.stream }
    const adding = runUsersCli(['add', 'ada', '--state', state], terminal, {}, clock)
    // The first look into the store is over when standard input is being read.
    while (waiting.listenerCount('data') + waiting.listenerCount('readable') === 0)
      await new Promise((resolve) => setImmediate(resolve))
    const launcher = await openStore(state)
    try {
      expect(launcher.owner).toBe(true)
      waiting.end('correct horse\n')
      expect(await adding).toBe(0)
      expect(await createUserStore(launcher.table).get('ada')).not.toBeNull()
    } finally {
      await launcher.close()
    }
  })

  it('says what is wrong, changes nothing, and ends with 1', async () => {
    const state = tempDir()
    const at = ['--state', state]
    await users(['add', 'ada', ...at], 'correct horse\n')
    const cases: [string[], string, RegExp][] = [
      [['add', 'bob', ...at], 'short\n', /10 to 256 characters/],
      [['add', 'bob', ...at], '', /No password came/],
      [['add', 'bob', '--groups', 'a/b', ...at], 'correct horse\n', /group “a\/b”/],
      [['add', 'Bad Name', ...at], 'correct horse\n', /can't be used/],
      [['add', 'ada', ...at], 'correct horse\n', /There is a user ada already/],
      [['add', 'admin', ...at], 'correct horse\n', /kept for the administrator/],
      [['passwd', 'bob', ...at], 'correct horse\n', /There is no user bob/],
      [['groups', 'ada', ...at], '', /Name the groups/],
      [['disable', 'bob', ...at], '', /There is no user bob/],
      [['add', ...at], '', /Whom\?/],
      [['remove', 'ada', ...at], '', /“remove” is no command/],
      [['constructor', 'ada', ...at], '', /is no command/],
      [['add', 'bob', '--password', 'x', ...at], '', /Unknown option '--password'/],
    ]
    for (const [argv, input, words] of cases) {
      const result = await users(argv, input)
      expect([argv, result.code, result.err]).toEqual([argv, 1, expect.stringMatching(words)])
    }
    expect((await users(['list', ...at])).out).toBe('ada (no groups)\n')
  })

  it('names a state folder that it has to make, since that is mostly a slip', async () => {
    const state = join(tempDir(), 'new')
    const result = await users(['list', '--state', state])
    expect(result.err).toBe(`New state folder: ${state}\n`)
    expect(result.out).toContain('Nobody yet.')
    expect(existsSync(state)).toBe(true)
  })

  it('helps, without touching anything', async () => {
    const state = join(tempDir(), 'never')
    for (const argv of [['--help'], [], ['add', 'ada', '-h', '--state', state]]) {
      const result = await users(argv)
      expect([result.code, result.out.startsWith('npm run users -- add NAME')]).toEqual([0, true])
    }
    expect(existsSync(state)).toBe(false)
  })
})

/** A terminal that a test types into. */
function keyboard() {
  const input = new PassThrough() as PassThrough & { isTTY: boolean; setRawMode(on: boolean): void; raw: boolean[] }
  input.isTTY = true
  input.raw = []
  input.setRawMode = (on) => void input.raw.push(on)
  return input
}

describe('typing a password', () => {
  const typed = async (...pieces: string[]) => {
    const { readPassword } = await import('../../../functions/platform/local/prompt.ts')
    const input = keyboard()
    const output = collect()
    const reading = readPassword({ input: input as unknown as ReadStream, output: output.stream })
    reading.catch(() => undefined)
    for (const piece of pieces) {
      input.write(piece)
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    return { reading, shown: output.text, raw: input.raw }
  }

  it('shows nothing of it, takes back what is deleted, and gives the terminal back as it was', async () => {
    const { reading, shown, raw } = await typed('correctX', '\u007f horse\r', 'correct horse\r')
    expect(await reading).toBe('correct horse')
    expect(shown()).toBe('Password: \nAgain: \n')
    expect(raw).toEqual([true, false, true, false])
  })

  it('wants it twice the same, and stops at Ctrl-C', async () => {
    await expect((await typed('one\r', 'two\r')).reading).rejects.toMatchObject({
      message: expect.stringMatching(/differ/),
    })
    const given = await typed('one', '\u0003')
    await expect(given.reading).rejects.toMatchObject({ message: expect.stringMatching(/Given up/) })
    expect(given.raw).toEqual([true, false])
  })
})
