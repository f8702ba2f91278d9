/** The same probe with and without the sandbox: what a viewer needs works in both, what it must not get works in one only. */
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, copyFileSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import { dirname, join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { boundCommand, type Child, startChild } from '../../../functions/platform/local/child.ts'
import { signal } from '../../../functions/platform/local/processes.ts'
import { openSandbox, type Sandbox } from '../../../functions/platform/local/sandbox.ts'
import { planSandbox } from '../../../functions/platform/local/sandbox-plan.ts'
import { whyNot } from '../../../functions/platform/local/sandbox-words.ts'
import { collectOrphans, writeTaskRecord } from '../../../functions/platform/local/task-record.ts'
import { copyOutput } from '../../../functions/platform/local/viewer-output.ts'
import { findBubblewrap, sandboxFor } from '../../support/bubblewrap.ts'
import { pidsOf, until } from '../../support/proc.ts'
import { tempDir } from '../../support/temp-dir.ts'
import { testPython } from '../../support/tools.ts'

const bubblewrap = await findBubblewrap()
const dir = tempDir()
const at = (...names: string[]) => join(dir, ...names)
const seat = { dir: at('state', 'run', 't', 'mine', 'v'), file: at('data', 'mine.h5ad') }
const secret = 'this is the signing key'
const servers: net.Server[] = []
const probe = at('probe.py')

const files = {
  'signing key': at('state', 'secrets', 'signing-key.json'),
  'labels of others': at('state', 'vault', 'labels'),
  log: at('state', 'launcher.log'),
  'another dataset': at('data', 'other.h5ad'),
  'task record': at('state', 'run', 't', 'mine', 'task.json'),
  'file beside it': resolve(import.meta.dirname, '../../../package.json'),
}
const sockets = {
  API: at('state', 'run', 'api.sock'),
  store: at('state', 'run', 'dynamo.sock'),
  'own gate’s front': at('state', 'run', 't', 'mine', 'gate.sock'),
  'another task': at('state', 'run', 't', 'other', 'v', 'task.sock'),
}

/** Links by name, absolute and relative, and raw bytes of any file as a matrix. */
const makeHostile = `
import h5py, sys
target, other, secret = sys.argv[1:]
with h5py.File(other, "w") as file: file["x"] = b"stolen"
with h5py.File(target, "w") as file:
    file["absolute"] = h5py.ExternalLink(other, "/x")
    file["relative"] = h5py.ExternalLink("other.h5ad", "/x")
    file.create_dataset("raw", (16,), dtype="u1", external=[(secret, 0, 16)])
`

beforeAll(async () => {
  for (const path of [...Object.values(files), ...Object.values(sockets), seat.file, join(seat.dir, 'x')])
    mkdirSync(dirname(path), { recursive: true })
  for (const path of Object.values(files)) if (path.startsWith(dir)) writeFileSync(path, secret)
  copyFileSync(resolve(import.meta.dirname, 'sandbox_probe.py'), probe)
  execFileSync(testPython(), ['-I', '-c', makeHostile, seat.file, files['another dataset'], files['signing key']])
  for (const path of [...Object.values(sockets), join(seat.dir, 'task.sock')]) {
    const server = net.createServer((socket) => socket.destroy())
    servers.push(server)
    await once(server.listen(path), 'listening')
  }
})
afterAll(() => {
  for (const server of servers) server.close()
})

async function run(sandbox: Sandbox): Promise<Record<string, boolean | string>> {
  const door = net.createServer((socket) => socket.destroy())
  servers.push(door)
  await once(door.listen(0, '127.0.0.1'), 'listening')
  const { port } = door.address() as net.AddressInfo
  const file = sandbox.file ?? seat.file
  const where = JSON.stringify({
    file,
    own: seat.dir,
    hostile: file,
    task_socket: join(seat.dir, 'task.sock'),
    files,
    sockets,
    port,
    pid: process.pid,
    marker: 'sandbox_probe_marker',
    secret,
    program: probe,
    variable: 'CXOD_SECRET_OF_WHO_STARTED_IT',
  })
  const command = [testPython(), '-I', probe, where]
  const plan = await planSandbox(
    [testPython(), probe],
    { stateDir: at('state'), dataDir: at('data') },
    at('state', 'run'),
  )
  const used = sandbox.kind === 'none' ? sandbox : await openSandbox('bubblewrap', plan)
  process.env.CXOD_SECRET_OF_WHO_STARTED_IT = secret
  const child = startChild(boundCommand(used.wrap(command, seat), null), {
    output: 'pipe',
    environment: used.environment(seat),
  })
  let said = ''
  child.process.stdout?.on('data', (text) => (said += text))
  child.process.stderr?.on('data', (text) => (said += text))
  await once(child.process, 'close')
  door.close()
  for (const left of ['/tmp/cxod-probe', '/dev/shm/cxod-probe']) rmSync(left, { force: true })
  try {
    return JSON.parse(said.trim().split('\n').at(-1) ?? '') as Record<string, boolean | string>
  } catch {
    throw new Error(said)
  }
}

const needed = ['own file', 'gate', 'own folder', 'imports']
const forbidden = [
  ...Object.keys(files).map((name) => `read ${name}`),
  ...Object.keys(sockets).map((name) => `connect ${name}`),
  ...['tcp', 'signal', 'see others', 'write own file', 'write /tmp', 'write program', 'external links'],
]

describe.skipIf(!bubblewrap.works)(`a viewer in bubblewrap ${bubblewrap.why}`, () => {
  it('gets what it needs and nothing else', async () => {
    const got = await run(await sandboxFor(at('state'), at('data'), at('state', 'run')))
    for (const name of needed) expect([name, got[name]]).toEqual([name, true])
    for (const name of [
      ...forbidden,
      'write /dev/shm',
      'descriptors',
      'environment',
      'capabilities',
      'new user namespace',
    ])
      expect([name, got[name]]).not.toEqual([name, true])
    // Refused by what was meant to refuse it, not by a slip in the probe.
    expect(got['read signing key']).toMatch(/FileNotFoundError/)
    expect(got['connect API']).toMatch(/FileNotFoundError/)
    expect(got.tcp).toMatch(/refused|unreachable/i)
    expect(got.signal).toMatch(/ProcessLookupError/)
    expect(got['write program']).toMatch(/Read-only/)
    expect(got['external links']).toBe(false)
    for (const name of ['absolute', 'relative'])
      expect(got[`link ${name}`]).toMatch(/can't open file|unable to open external/i)
  })

  it.each([77, 78, 3])('passes its exit code %s on', async (code) => {
    const sandbox = await sandboxFor(at('state'), at('data'), at('state', 'run'))
    const command = [testPython(), '-I', '-c', `raise SystemExit(${code})`]
    const child = startChild(boundCommand(sandbox.wrap(command, seat), null), { output: 'ignore' })
    expect(await once(child.process, 'exit')).toEqual([code, null])
  })

  const handler = (then: string) =>
    `import os, signal, time
signal.signal(signal.SIGTERM, lambda *_: (${then}))
open('up', 'w').close()
while True: time.sleep(0.05)`

  async function waiting(then: string): Promise<Child> {
    const sandbox = await sandboxFor(at('state'), at('data'), at('state', 'run'))
    rmSync(join(seat.dir, 'up'), { force: true })
    const command = [testPython(), '-I', '-c', handler(then), seat.dir]
    const child = startChild(boundCommand(sandbox.wrap(command, seat), null), { output: 'ignore' })
    await until('it to be up', () => existsSync(join(seat.dir, 'up')))
    return child
  }

  it('is told to end and may finish what it does: the sandbox waits for it', async () => {
    const child = await waiting('time.sleep(0.3), os._exit(5)')
    const exit = once(child.process, 'exit')
    expect(signal(child.ref, 'SIGTERM')).toBe(true)
    expect(await exit).toEqual([5, null])
  })

  it('is found and ended by the next launcher, with everything inside, when it does not listen', async () => {
    const child = await waiting('None')
    const task = at('orphans', 't', 'left')
    mkdirSync(task, { recursive: true })
    writeTaskRecord(task, { v: 1, sessionId: 'left', processes: [{ ...child.ref, role: 'viewer' }] })
    const inside = () => pidsOf(`while True: time.sleep(0.05)\0${seat.dir}`)
    expect(inside().length).toBeGreaterThanOrEqual(3)
    expect(await collectOrphans(at('orphans'), () => {})).toBe(1)
    await until('all of it to be gone', () => inside().length === 0)
  })

  it('does without /proc where the kernel refuses a new one, as in containers and under ProtectKernelTunables', async () => {
    const plan = await planSandbox([testPython()], { stateDir: at('state'), dataDir: at('data') }, at('state', 'run'))
    const bin = at('strict')
    mkdirSync(bin, { recursive: true })
    const program = execFileSync('/bin/sh', ['-c', 'command -v bwrap'], { encoding: 'utf8' }).trim()
    const refusing = `#!/bin/sh\ncase " $* " in *" --proc "*) echo "bwrap: Can't mount proc" >&2; exit 1;; esac\nexec ${program} "$@"\n`
    writeFileSync(join(bin, 'bwrap'), refusing, { mode: 0o755 })
    const sandbox = await openSandbox('bubblewrap', plan, `${bin}:/usr/bin:/bin`)
    const command = [
      testPython(),
      '-I',
      '-c',
      'import server.app.app, os; raise SystemExit(os.path.exists("/proc/self"))',
    ]
    const child = startChild(boundCommand(sandbox.wrap(command, seat), null), { output: 'ignore' })
    expect(await once(child.process, 'exit')).toEqual([0, null])
  })

  it('is refused by name, with the reason, where it can’t be had', async () => {
    const plan = await planSandbox([testPython()], { stateDir: at('state'), dataDir: at('data') }, at('state', 'run'))
    // A bubblewrap that fails as it does on a kernel without user namespaces.
    const bin = at('bin')
    mkdirSync(bin, { recursive: true })
    writeFileSync(join(bin, 'bwrap'), '#!/bin/sh\necho "bwrap: No permissions to create a new namespace" >&2\nexit 1\n')
    chmodSync(join(bin, 'bwrap'), 0o755)
    const broken = `${bin}:/usr/bin:/bin`
    await expect(openSandbox('bubblewrap', plan, broken)).rejects.toMatchObject({
      code: 'bad-setting',
      message: expect.stringMatching(/No permissions to create a new namespace.*--sandbox none/),
    })
    const auto = await openSandbox('auto', plan, broken)
    expect([auto.kind, auto.words]).toEqual(['none', expect.stringMatching(/run as your own user/)])
    // Python that the sandbox does not show: a trial that fails, not a launcher whose viewers all fail.
    const blind = { ...plan, readOnly: [] }
    if (!testPython().startsWith('/usr/')) expect((await openSandbox('auto', blind)).kind).toBe('none')
  })
})

describe('without a sandbox', () => {
  it('all of it works: the probe is one that can fail', async () => {
    const got = await run(await openSandbox('none', { readOnly: [], hidden: [], trial: [], runDir: dir }))
    for (const name of [...needed, ...forbidden]) expect([name, got[name]]).toEqual([name, true])
  })

  it('says so and what to do, where bubblewrap is not installed', async () => {
    const plan = await planSandbox([testPython()], { stateDir: dir, dataDir: dir }, dir)
    const auto = await openSandbox('auto', plan, at('nowhere'))
    expect(auto.words).toMatch(/run as your own user.*apt install bubblewrap/)
    await expect(openSandbox('bubblewrap', plan, at('nowhere'))).rejects.toMatchObject({ code: 'bad-setting' })
  })

  it.each([
    ['kernel/apparmor_restrict_unprivileged_userns', '1', /AppArmor/],
    ['kernel/unprivileged_userns_clone', '0', /sysctl -w kernel.unprivileged_userns_clone=1/],
    ['user/max_user_namespaces', '0', /sysctl -w user.max_user_namespaces/],
  ])('names the switch of the kernel that forbids it: %s', (path, value, words) => {
    const root = tempDir()
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), `${value}\n`)
    expect(whyNot('bwrap: setting up uid map: Permission denied', root)).toMatch(words)
    expect(whyNot('bwrap: setting up uid map: Permission denied', tempDir())).toMatch(/setting up uid map/)
  })
})

it('keeps what a viewer writes, by lines and up to a limit', async () => {
  const log = at('viewer.log')
  const big = `for at in range(40000): print('line', at, 'x' * 60)`
  const child = startChild([testPython(), '-I', '-c', `${big}; import sys; sys.stderr.write('last words')`], {
    output: 'pipe',
  })
  const output = copyOutput(child.process, openSync(log, 'a', 0o600))
  await once(child.process, 'close')
  const kept = readFileSync(log, 'utf8')
  expect(kept.length).toBeLessThan(1.1 * 2 ** 20)
  expect(kept).toMatch(/^line 0 x+\nline 1 /)
  expect(kept).toContain('wrote too much')
  expect(output.tail()).toContain('last words')
})
