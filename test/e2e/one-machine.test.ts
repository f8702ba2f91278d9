/** The main job, in a real browser on real cellxgene: sign in, launch, label, lose the viewer, sleep, come back with everything kept. */
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { startTimeOf } from '../../functions/platform/local/processes.ts'
import { type LauncherProcess, makeData, startLauncher } from '../support/launcher-process.ts'
import { mainJob } from '../support/main-job.ts'
import { until } from '../support/proc.ts'
import { tempDir } from '../support/temp-dir.ts'

const dir = tempDir()
let launcher: LauncherProcess

describe('the main job on one machine', () => {
  const story = mainJob(async () => {
    const dataDir = makeData(path.join(dir, 'data'), ['public/pbmc.h5ad'])
    launcher = await startLauncher({ dataDir, stateDir: path.join(dir, 'state'), args: ['--idle', '30s'] })
    return {
      ...launcher,
      name: '',
      signIn: async (page) => void (await page.goto(launcher.signInUrl)),
      viewer: () => launcher.processes().find(({ role }) => role === 'viewer'),
      passTime: async () => {},
      afterCrash: async () => {},
    }
  })

  it('stops every child on Ctrl-C', async () => {
    // On a slow machine it may be asleep again by now, or on its way.
    await story.open()
    await until('one gate and one viewer', () => launcher.processes().length === 2)
    const processes = launcher.processes()
    expect(await launcher.stop()).toBe(0)
    for (const { pid } of processes) expect(startTimeOf(pid)).toBeNull()
  })
})
