/** The whole one-machine platform inside a test, with datasets put straight into its catalogue. */
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { issueRouteCookie } from '../../functions/auth/tickets.ts'
import type { Dataset } from '../../functions/core/dataset.ts'
import type { User } from '../../functions/core/principal.ts'
import type { Session } from '../../functions/core/session.ts'
import { createCatalogue } from '../../functions/platform/dynamo/catalogue.ts'
import { type Installation, type LocalLauncher, startLocal } from '../../functions/platform/local/index.ts'
import { loadSigningKeys } from '../../functions/platform/local/secrets.ts'
import { parseSettings } from '../../functions/platform/local/settings.ts'
import { openStore } from '../../functions/platform/local/store.ts'
import { projectRoot } from '../../functions/setup/python.ts'
import { builtPrograms } from './built.ts'
import { freePort } from './free-port.ts'
import { recordedProcesses } from './launcher-process.ts'
import { keepLog, recordSecret } from './suite-record.ts'
import { testPython } from './tools.ts'

export type LocalBed = LocalLauncher & {
  appUrl: string
  viewUrl: string
  stateDir: string
  log(): string
  processes(): ReturnType<typeof recordedProcesses>
  /** Headers with which the page of this session calls its route. */
  pageCall(session: Session): Promise<Record<string, string>>
  untilReady(who: User, datasetId: string, timeoutMs?: number): Promise<Session>
}

export async function startLocalBed(
  dir: string,
  given: { args?: string[]; datasets?: readonly Dataset[]; dataDir?: string } & Partial<Installation> = {},
): Promise<LocalBed> {
  await builtPrograms()
  const { args = [], datasets = [], dataDir = join(dir, 'data'), ...installation } = given
  const stateDir = join(dir, 'state')
  for (const folder of [stateDir, dataDir]) mkdirSync(folder, { recursive: true, mode: 0o700 })
  const ports = [String(await freePort()), String(await freePort())] as const
  const parsed = parseSettings(
    ['--data', dataDir, '--state', stateDir, '--port', ports[0], '--view-port', ports[1], ...args],
    {},
  )
  if ('problems' in parsed) throw new Error(parsed.problems.join('; '))
  const { settings } = parsed
  const store = await openStore(stateDir)
  for (const dataset of datasets) await createCatalogue(store.table).put(dataset)
  await store.close()
  keepLog(join(stateDir, 'launcher.log'))
  const running = await startLocal(settings, { python: testPython(), root: projectRoot(), ...installation })
  recordSecret('link secret', running.signInUrl.split('#')[1])
  const keys = await loadSigningKeys(stateDir)
  const clock = { now: () => Date.now() }
  return {
    ...running,
    appUrl: settings.appUrl,
    viewUrl: settings.viewUrl,
    stateDir,
    log: () => readFileSync(running.logPath, 'utf8'),
    processes: () => recordedProcesses(stateDir),
    async pageCall({ id, ownerId, datasetId, datasetVersion }) {
      const cookie = await issueRouteCookie({ ownerId, sessionId: id, datasetId }, { keys, clock })
      return { cookie: `cxod-route=${cookie}`, 'x-cxod-owner': ownerId, 'x-cxod-dataset-version': datasetVersion }
    },
    async untilReady(who, datasetId, timeoutMs = 120_000) {
      const until = performance.now() + timeoutMs
      for (;;) {
        const session = await running.launcher.findSession(who, datasetId)
        if (session?.state === 'ready') return session
        if (session && ['stopped', 'failed'].includes(session.state))
          throw new Error(`the session ended: ${JSON.stringify(session.ending)}`)
        if (performance.now() > until) throw new Error(`not ready in time but ${session?.state}`)
        await running.launcher.waitForChange(who.id, datasetId, 10_000)
      }
    },
  }
}
