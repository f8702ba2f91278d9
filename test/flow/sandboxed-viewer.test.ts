/** Real viewers in their sandbox: told to end, killed, out-lived by nobody, whoever of launcher, sandbox and gate dies first. */
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ApiUser, byLink, untilUsable } from '../support/api-user.ts'
import { findBubblewrap } from '../support/bubblewrap.ts'
import { type LauncherProcess, makeData, startLauncher } from '../support/launcher-process.ts'
import { pidsOf, until } from '../support/proc.ts'
import { tempDir } from '../support/temp-dir.ts'

const bubblewrap = await findBubblewrap()
const dir = tempDir()
const stateDir = path.join(dir, 'state')
let launcher: LauncherProcess
let admin: ApiUser

const start = () =>
  startLauncher({ dataDir: path.join(dir, 'data'), stateDir, args: ['--sandbox', 'bubblewrap', '--idle', '10m'] })
/** Every process that names the task's private socket: starter, sandbox, its init, the viewer. */
const ofViewer = (sessionId: string) => pidsOf(`${sessionId}/v/task.sock`)

/** What an earlier session left may still be on its way out. */
function pidOf(sessionId: string, role: 'gate' | 'viewer'): number {
  const found = launcher.processes().find((one) => one.sessionId === sessionId && one.role === role)
  if (!found) throw new Error(`no ${role} of ${sessionId} is recorded`)
  return found.pid
}

async function ready(): Promise<string> {
  const session = await admin.launch('pbmc')
  await admin.until(session, 'ready')
  // Sandbox, its init, and the viewer inside.
  expect(ofViewer(session).length).toBeGreaterThanOrEqual(3)
  return session
}

describe.skipIf(!bubblewrap.works)(`a real viewer in bubblewrap ${bubblewrap.why}`, () => {
  beforeAll(async () => {
    makeData(path.join(dir, 'data'), ['public/pbmc.h5ad'])
    launcher = await start()
    admin = await byLink(launcher)
    await untilUsable(admin, 'pbmc')
  })
  afterAll(async () => {
    await launcher?.stop()
  })

  it('says at start that it is used, and nothing on the terminal', () => {
    expect(launcher.log()).toMatch(/"event":"launcher started".*"sandbox":"bubblewrap"/)
    expect(launcher.printed()).not.toMatch(/run as your own user/)
  })

  it('ends in order when its session is stopped: nobody has to kill it', async () => {
    const session = await ready()
    await admin.call(`/api/sessions/${session}/stop`, { method: 'POST' })
    await until('the viewer to end', () => ofViewer(session).length === 0)
    expect(launcher.log()).not.toContain('"event":"task killed"')
  })

  it('does not outlive its sandbox, and the session ends', async () => {
    const session = await ready()
    process.kill(pidOf(session, 'viewer'), 'SIGKILL')
    await until('the viewer to end', () => ofViewer(session).length === 0)
    await until('the session to end', async () => (await admin.stateOf(session)) === 'failed')
  })

  it('is gone after a kill -9 of the launcher, and so is its gate when the next one has started', async () => {
    const session = await ready()
    const gate = pidOf(session, 'gate')
    await launcher.kill()
    await until('the viewer to die with the launcher', () => ofViewer(session).length === 0)
    launcher = await start()
    admin = await byLink(launcher)
    expect(pidsOf('dist/gate.mjs')).not.toContain(gate)
    await ready()
  })
})
