/**
 * The machine's clock jumps while people work: by an hour and by a day, forward and back. Launcher and gates run in this
 * process, so that all of them see the same clock; the viewer is a stand-in.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { deflateSync } from 'node:zlib'
import { createInProcessTasks } from '../support/in-process-tasks.ts'
import { startLocalBed } from '../support/local-bed.ts'
import { aDataset, aUser } from '../support/ports.ts'

const hour = 3_600_000

/** @returns what went wrong */
export async function clockScene(dir: string, say: (words: string) => void): Promise<string[]> {
  const problems: string[] = []
  const { now } = Date
  let offset = 0
  Date.now = () => now() + offset
  const dataDir = path.join(dir, 'data')
  mkdirSync(path.join(dataDir, 'public'), { recursive: true })
  writeFileSync(path.join(dataDir, 'public', 'pbmc.h5ad'), Buffer.alloc(1000, 'a'))
  const bed = await startLocalBed(dir, {
    dataDir,
    datasets: [aDataset()],
    followFolder: false,
    createTasks: createInProcessTasks,
    gateTimes: { beatMs: 500, apiSilenceMs: 60_000 },
  })
  try {
    const who = aUser('jumper')
    let base = 'none'
    /** As a page does: held and repeated, a viewer that left because of the jump is started anew. */
    let heard = ''
    const save = async (words: string, from: string): Promise<string | null> => {
      for (const until = performance.now() + 60_000; performance.now() < until; await sleep(300)) {
        // As its schedule does every minute: a beat at the same moment may have saved a viewer that is too old.
        await bed.launcher.reap()
        await bed.launcher.launch(who, 'pbmc', { by: 'click' })
        const session = await bed.untilReady(who, 'pbmc')
        const response = await fetch(`${bed.viewUrl}${session.routePath}api/v0.2/annotations/obs`, {
          method: 'PUT',
          headers: {
            ...(await bed.pageCall(session)),
            'x-cxod-base': from,
            'content-type': 'application/octet-stream',
          },
          body: deflateSync(words),
        }).catch(() => null)
        heard = `${response?.status ?? 'no answer'} ${(await response?.text())?.slice(0, 200) ?? ''}`
        if (response?.status === 200) return response.headers.get('x-cxod-labels-version')
      }
      return null
    }
    for (const jump of [hour, -hour, 24 * hour, -24 * hour]) {
      await bed.launcher.launch(who, 'pbmc', { by: 'click' })
      await bed.untilReady(who, 'pbmc')
      offset += jump
      say(`clock: ${jump > 0 ? 'forward' : 'back'} ${Math.abs(jump) / hour} h`)
      // The reaper looks with the new time: a viewer that has become too old sleeps, and that is only a wait.
      await bed.launcher.reap()
      const version = await save(`labels after ${jump}`, base)
      if (version === null) problems.push(`after ${jump} ms no save was acknowledged within a minute: ${heard}`)
      else base = version
      const session = await bed.launcher.findSession(who, 'pbmc')
      if (session) await bed.launcher.stop(who, session.id)
      const over = await bed.launcher.findSession(who, 'pbmc')
      if (over?.state !== 'stopped') problems.push(`after ${jump} ms a stop left it ${over?.state}`)
    }
    const versions = await bed.launcher.history(who, 'pbmc', 'labels')
    if (versions.length !== 4) problems.push(`${versions.length} versions of 4 saves`)
  } finally {
    await bed.close()
    Date.now = now
  }
  return problems
}
